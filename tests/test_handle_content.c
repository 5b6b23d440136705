/* SPDX-License-Identifier: ISC */
typedef int test_handle_content_c_is_empty;
