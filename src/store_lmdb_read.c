/* SPDX-License-Identifier: ISC */
/* store_lmdb_read.c - */

typedef int store_lmdb_read_is_empty;
