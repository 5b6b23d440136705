/* SPDX-License-Identifier: ISC */
typedef int test_handle_h_is_empty;
