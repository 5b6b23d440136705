/* SPDX-License-Identifier: ISC */
typedef int test_change_c_is_empty;
