/* SPDX-License-Identifier: ISC */
typedef int test_store_mem_c_is_empty;
