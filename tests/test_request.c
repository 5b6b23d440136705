/* SPDX-License-Identifier: ISC */
typedef int test_request_c_is_empty;
