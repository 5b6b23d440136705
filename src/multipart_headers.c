/* SPDX-License-Identifier: ISC */
/* multipart_headers.c - */

typedef int multipart_headers_is_empty;
