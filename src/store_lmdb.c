/* SPDX-License-Identifier: ISC */
/* store_lmdb.c - */

typedef int store_lmdb_is_empty;
