/* SPDX-License-Identifier: ISC */
/* router.c - */

typedef int router_is_empty;
