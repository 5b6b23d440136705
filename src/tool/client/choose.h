/* SPDX-License-Identifier: ISC */
/*
 * choose.h - which artifacts are meant: ids and starts of ids, as operands and
 * as lines of standard input, or a filter. What is chosen is known in full
 * before anything is done with it.
 */
#ifndef CTL_CHOOSE_H
#define CTL_CHOOSE_H

#include "remote.h"

/* The options of what works on a choice, instead of ids. */
#define CTL_CHOICE \
	CTL_FILTERS, \
	    { "name", 0, "GLOB", "only those whose title matches, as *.md" }, \
	{ \
		"all", 0, NULL, "all there are: instead of a filter" \
	}

/* Which artifacts of a list. */
struct ctl_which {
	struct filter members;
	const char *title;   /* a pattern; NULL: any */
	uint64_t older_than; /* seconds; 0: of any age */
	uint64_t keep_newest;
};

struct ctl_chosen {
	struct id id;
	uint64_t size;
	const char *title; /* NULL: they are to be deleted */
	/* By ctl_choose_names: */
	const char *path; /* what to call it */
	uint8_t *hash;	  /* SHA-256 */
};

/* In the order of the ids, or newest first; each once. */
struct ctl_choice {
	/* The caller's. */
	struct arena *arena;	   /* all of it is in there */
	struct ctl_output *output; /* not NULL: print a row of each */
	/*
	 * They are to be deleted: an id that cannot be looked up, unless it is
	 * missing, ends the choice, and titles are not kept.
	 */
	bool is_to_go;
	/* What came of it. */
	struct ctl_chosen *items;
	size_t count;
	size_t room;
	uint64_t bytes;
	int worst;   /* CTL_OK, or that of one that cannot be had */
	size_t lost; /* how many of these there are */
};

/* Ids are named: is none of these options given, too? A row without a name
 * ends them. */
MUST_USE int
ctl_choose_ids_alone(const struct ctl *ctl, const struct ctl_option *filters);

/*
 * What the operands name, "-" being lines of standard input that begin with an
 * id. An id that is missing or ambiguous is said, and the others are chosen;
 * what would go wrong for each of them ends it.
 */
MUST_USE int ctl_choose_ids(struct ctl_http *http, struct ctl_choice *choice);
/* Those of a list. */
MUST_USE int ctl_choose_listed(struct ctl_http *http,
    const struct ctl_which *which, struct ctl_choice *choice);
/* What the operands or the options of CTL_CHOICE say. */
MUST_USE int ctl_choose(struct ctl_http *http, struct ctl_choice *choice);

/*
 * Ask for the file name and the SHA-256 of each, and decide what they are
 * called in one directory (name.h), the first of two with the same name
 * having it. What is gone meanwhile is said, and leaves the choice.
 */
MUST_USE int ctl_choose_names(struct ctl_http *http, struct ctl_choice *choice);

/* A row of its id, the file that it is called, its size and its SHA-256. */
void ctl_choose_row(struct ctl_output *output, const struct ctl_chosen *chosen,
    struct span path);

#endif
