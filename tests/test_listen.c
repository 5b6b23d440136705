/* SPDX-License-Identifier: ISC */
typedef int test_listen_c_is_empty;
