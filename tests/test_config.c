/* SPDX-License-Identifier: ISC */
typedef int test_config_c_is_empty;
