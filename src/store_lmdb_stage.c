/* SPDX-License-Identifier: ISC */
/* store_lmdb_stage.c - */

typedef int store_lmdb_stage_is_empty;
