/* SPDX-License-Identifier: ISC */
/* response_condition.c - */

typedef int response_condition_is_empty;
