/* SPDX-License-Identifier: ISC */
/* store.c - */

typedef int store_is_empty;
