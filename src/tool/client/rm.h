/* SPDX-License-Identifier: ISC */
/*
 * rm.h - deleting many artifacts: a filter, what it selects, and its
 * end. Everything is selected before the first delete, so what is shown,
 * counted and confirmed is what goes.
 */
#ifndef CTL_RM_H
#define CTL_RM_H

#include "remote.h"

/* The options that say which, for rm and for whoever reads such lines. */
#define CTL_RM_FILTERS \
	CTL_FILTERS, \
	    { "older-than", 0, "AGE", "only those older than 90d, 12h, ..." }, \
	    { "keep-newest", 0, "N", \
		    "but not the N newest that -w, -p, -t and -s name" }, \
	{ \
		"all", 0, NULL, "all there are: instead of a filter" \
	}

struct ctl_rm_filter {
	struct ctl_filter members;
	uint64_t older_than; /* seconds; 0: of any age */
	uint64_t keep_newest;
};

/*
 * Read a filter from a line such as "-w nightly --older-than 90d", in which
 * words with spaces stand in single or double quotes. A filter that would
 * select everything is refused, unless --all stands there. What it takes lives
 * in the arena of the run.
 */
MUST_USE int ctl_rm_parse(
    const struct ctl *ctl, const char *line, struct ctl_rm_filter *ret_filter);

struct ctl_rm_item {
	struct id id;
	uint64_t size;
};

/* What is to go; in an arena of its own. */
struct ctl_rm_selection {
	struct arena *arena;
	struct ctl_rm_item *items;
	size_t count;
	size_t room;
	uint64_t bytes;
};

void ctl_rm_init(struct ctl_rm_selection *selection);
void ctl_rm_release(struct ctl_rm_selection *selection);

/* Add what the filter selects; output not NULL: print a row of each. */
MUST_USE int
ctl_rm_select(struct ctl_http *http, const struct ctl_rm_filter *filter,
    struct ctl_output *output, struct ctl_rm_selection *selection);

/*
 * Delete all of it, many at once; what is gone already is fine. *ret_count
 * is how many went by us, also when it fails half way, which has been said.
 */
MUST_USE int ctl_rm_delete(struct ctl_http *http,
    struct ctl_rm_selection *selection, uint64_t *ret_count);

#endif
