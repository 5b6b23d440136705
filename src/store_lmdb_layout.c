/* SPDX-License-Identifier: ISC */
/* store_lmdb_layout.c - */

typedef int store_lmdb_layout_is_empty;
