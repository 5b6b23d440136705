/* SPDX-License-Identifier: ISC */
/* process.c - */

typedef int process_is_empty;
