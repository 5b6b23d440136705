/* SPDX-License-Identifier: ISC */
/* query.c - */

typedef int query_is_empty;
