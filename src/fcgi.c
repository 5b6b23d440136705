/* SPDX-License-Identifier: ISC */
/* fcgi.c - */

typedef int fcgi_is_empty;
