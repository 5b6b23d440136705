/* SPDX-License-Identifier: ISC */
/* change.c - */

typedef int change_is_empty;
