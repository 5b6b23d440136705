/* SPDX-License-Identifier: ISC */
/* date.h - the dates of HTTP headers (RFC 9110, 5.6.7). */
#ifndef DATE_H
#define DATE_H

#include "base/mem.h"

/* IMF-fixdate of a moment (RFC 9110, 5.6.7), in the arena, whole seconds. */
struct span date_format(struct arena *arena, uint64_t moment);
/* Seconds since 1970 of one of the three forms; false: none of them. */
MUST_USE bool date_parse(struct span text, int64_t *ret_seconds);

#endif
