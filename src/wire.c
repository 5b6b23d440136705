/* SPDX-License-Identifier: ISC */
/* wire.c - */

typedef int wire_is_empty;
