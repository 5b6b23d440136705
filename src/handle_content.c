/* SPDX-License-Identifier: ISC */
/* handle_content.c - */

typedef int handle_content_is_empty;
