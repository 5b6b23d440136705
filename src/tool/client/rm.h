/* SPDX-License-Identifier: ISC */
/*
 * rm.h - deleting many artifacts: reading which from a line, and deleting those
 * that were chosen (choose.h). All are chosen before the first is deleted, so
 * what is shown, counted and confirmed is what goes.
 */
#ifndef CTL_RM_H
#define CTL_RM_H

#include "choose.h"

/* The options that say which, for rm and for whoever reads such lines. */
#define CTL_RM_FILTERS \
	CTL_FILTERS, \
	    { "older-than", 0, "AGE", "only those older than 90d, 12h, ..." }, \
	    { "keep-newest", 0, "N", \
		    "but not the N newest that -w, -p, -t and -s name" }, \
	{ \
		"all", 0, NULL, "all there are: instead of a filter" \
	}

/*
 * Read a line such as "-w nightly --older-than 90d", in which words with
 * spaces stand in single or double quotes. A line that would choose everything
 * is refused, unless --all stands there. What it takes lives in the arena of
 * the run.
 */
MUST_USE int ctl_rm_parse(
    const struct ctl *ctl, const char *line, struct ctl_which *ret_which);

/*
 * Delete all of them, many at once; what is gone already is fine. *ret_count
 * is how many went by us, also when it fails half way, which has been said.
 */
MUST_USE int ctl_rm_delete(struct ctl_http *http,
    const struct ctl_choice *choice, uint64_t *ret_count);

#endif
