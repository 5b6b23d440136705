/* SPDX-License-Identifier: ISC */
typedef int test_handle_c_is_empty;
