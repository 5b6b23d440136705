/* SPDX-License-Identifier: ISC */
/* handle_service.c - */

typedef int handle_service_is_empty;
