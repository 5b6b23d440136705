/* SPDX-License-Identifier: ISC */
/* multipart.c - */

typedef int multipart_is_empty;
