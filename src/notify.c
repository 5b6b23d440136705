/* SPDX-License-Identifier: ISC */
/* notify.c - */

typedef int notify_is_empty;
