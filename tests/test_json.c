/* SPDX-License-Identifier: ISC */
typedef int test_json_c_is_empty;
