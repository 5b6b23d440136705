/* SPDX-License-Identifier: ISC */
typedef int test_response_c_is_empty;
