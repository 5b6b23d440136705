/* SPDX-License-Identifier: ISC */
/* response.c - */

typedef int response_is_empty;
