/* SPDX-License-Identifier: ISC */
typedef int test_store_lmdb_c_is_empty;
