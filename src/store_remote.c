/* SPDX-License-Identifier: ISC */
/* store_remote.c - */

typedef int store_remote_is_empty;
