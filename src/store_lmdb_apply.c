/* SPDX-License-Identifier: ISC */
/* store_lmdb_apply.c - */

typedef int store_lmdb_apply_is_empty;
