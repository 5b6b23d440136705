/* SPDX-License-Identifier: ISC */
/* config.c - */

typedef int config_is_empty;
