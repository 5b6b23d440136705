/* SPDX-License-Identifier: ISC */
typedef int test_handle_create_c_is_empty;
