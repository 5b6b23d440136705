/* SPDX-License-Identifier: ISC */
typedef int test_log_c_is_empty;
