/* SPDX-License-Identifier: ISC */
/* handle_create.c - */

typedef int handle_create_is_empty;
