/* SPDX-License-Identifier: ISC */
/* utf8.c - */

typedef int utf8_is_empty;
