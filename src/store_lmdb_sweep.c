/* SPDX-License-Identifier: ISC */
/* store_lmdb_sweep.c - */

typedef int store_lmdb_sweep_is_empty;
