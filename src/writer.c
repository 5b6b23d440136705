/* SPDX-License-Identifier: ISC */
/* writer.c - */

typedef int writer_is_empty;
