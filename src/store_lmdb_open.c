/* SPDX-License-Identifier: ISC */
/* store_lmdb_open.c - */

typedef int store_lmdb_open_is_empty;
