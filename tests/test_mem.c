/* SPDX-License-Identifier: ISC */
typedef int test_mem_c_is_empty;
