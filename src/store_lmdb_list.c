/* SPDX-License-Identifier: ISC */
/* store_lmdb_list.c - */

typedef int store_lmdb_list_is_empty;
