/* SPDX-License-Identifier: ISC */
typedef int test_utf8_c_is_empty;
