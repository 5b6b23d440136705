/* SPDX-License-Identifier: ISC */
/* json_write.c - */

typedef int json_write_is_empty;
