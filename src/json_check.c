/* SPDX-License-Identifier: ISC */
/* json_check.c - */

typedef int json_check_is_empty;
