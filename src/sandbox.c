/* SPDX-License-Identifier: ISC */
/* sandbox.c - */

typedef int sandbox_is_empty;
