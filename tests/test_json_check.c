/* SPDX-License-Identifier: ISC */
typedef int test_json_check_c_is_empty;
