/* SPDX-License-Identifier: ISC */
/* upload.c - */

typedef int upload_is_empty;
