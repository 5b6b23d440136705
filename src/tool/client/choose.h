/* SPDX-License-Identifier: ISC */
/*
 * choose.h - which artifacts are meant: ids and starts of ids, as
 * operands and as lines of standard input, or a filter and a pattern of
 * titles. What is chosen is known in full before anything is done with it.
 */
#ifndef CTL_CHOOSE_H
#define CTL_CHOOSE_H

#include "remote.h"
#include "base/digest.h"

/* The options of what works on a choice, instead of ids. */
#define CTL_CHOICE \
	CTL_FILTERS, \
	    { "name", 0, "GLOB", "only those whose title matches, as *.md" }, \
	{ \
		"all", 0, NULL, "all there are: instead of a filter" \
	}

/* ---- ids ---- */

/* The operands of a command; "-" stands for lines that begin with an id. */
struct ctl_names {
	const struct ctl *ctl;
	size_t next;	 /* operand */
	bool is_reading; /* lines */
};

/* false: there are no more. */
bool ctl_names_next(
    struct ctl_names *names, struct arena *arena, const char **ret_name);

/* Ids are named: is none of these options given, too? */
MUST_USE int ctl_ids_alone(
    const struct ctl *ctl, const struct ctl_option *filters, size_t count);

/* "Artifact not found: ...", as the server says it in a 404. */
void ctl_say_missing(struct arena *arena, const struct ctl_http_answer *answer);

/* ---- choosing ---- */

struct ctl_chosen {
	struct id id;
	uint64_t size;
	const char *title;
	/* By ctl_choose_names: */
	const char *path; /* what to call it */
	uint8_t hash[DIGEST_SHA256_SIZE];
};

/* In the order of the ids, or newest first; each once. */
struct ctl_choice {
	struct arena *arena; /* the caller's; all of it is in there */
	struct ctl_chosen *items;
	size_t count;
	uint64_t bytes;
	int worst;   /* CTL_OK, or that of one that cannot be had */
	size_t lost; /* how many of these there are */
};

/*
 * What the operands or the options of CTL_CHOICE say. An id that is missing
 * or ambiguous is said, and the others are chosen; what would go wrong for
 * each of them ends it.
 */
MUST_USE int ctl_choose(
    const struct ctl *ctl, struct ctl_http *http, struct ctl_choice *choice);

/*
 * Ask for the file name and the SHA-256 of each, and decide what they are
 * called in one directory (name.h), the first of two with the same name
 * having it. What is gone meanwhile is said, and leaves the choice.
 */
MUST_USE int ctl_choose_names(struct ctl_http *http, struct ctl_choice *choice);

#endif
