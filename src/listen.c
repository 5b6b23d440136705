/* SPDX-License-Identifier: ISC */
/* listen.c - */

typedef int listen_is_empty;
