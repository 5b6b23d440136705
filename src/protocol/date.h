/* SPDX-License-Identifier: ISC */
/*
 * date.h - dates as text: those of HTTP headers (RFC 9110, 5.6.7), and moments
 * as services write them.
 */
#ifndef DATE_H
#define DATE_H

#include "base/mem.h"

/* A moment is microseconds since 1970, UTC. */
#define MOMENT_SECOND UINT64_C(1000000)
#define MOMENT_LAST UINT64_C(253402300799999999) /* the end of 9999 */

/* IMF-fixdate of a moment, in the arena, whole seconds. */
struct span date_format(struct arena *arena, uint64_t moment);
/* Seconds since 1970 of one of HTTP's three forms; false: none of them. */
MUST_USE bool date_parse(struct span text, int64_t *ret_seconds);

/*
 * RFC 3339 and its kin: "T" or a space, a fraction of any length (cut), "Z",
 * an offset, or neither, which is UTC. false: anything else, or, in UTC, before
 * 1970 or after 9999.
 */
MUST_USE bool moment_parse(struct span text, uint64_t *ret_moment);

/*
 * RFC 3339 as a bound in a query has it: "Z" or an offset with a colon is
 * needed, since without one it would be anybody's time, and a space counts as
 * the "+" that a query turned into one. "T" or a space, "t" and "z", a fraction
 * of any length (cut). What is before 1970 in UTC gives 0, and what is after
 * 9999 MOMENT_LAST: no artifact is older or newer, so the bound means the same.
 * false: anything else, of which second 60 is one: moments have no leap
 * seconds, and the original service refuses them too.
 */
MUST_USE bool moment_parse_offset(struct span text, uint64_t *ret_moment);

#endif
