/* SPDX-License-Identifier: ISC */
/* request.c - */

typedef int request_is_empty;
