/* SPDX-License-Identifier: ISC */
/* worker.c - */

typedef int worker_is_empty;
