/* SPDX-License-Identifier: ISC */
/* json.c - */

typedef int json_is_empty;
