/* SPDX-License-Identifier: ISC */
/* fault.c - */

typedef int fault_is_empty;
