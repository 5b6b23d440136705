/* SPDX-License-Identifier: ISC */
/* store_lmdb_check.c - */

typedef int store_lmdb_check_is_empty;
