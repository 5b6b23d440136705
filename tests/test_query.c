/* SPDX-License-Identifier: ISC */
typedef int test_query_c_is_empty;
