/* SPDX-License-Identifier: ISC */
/* master.c - */

typedef int master_is_empty;
