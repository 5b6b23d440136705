/* SPDX-License-Identifier: ISC */
typedef int test_sandbox_c_is_empty;
