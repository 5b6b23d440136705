/* SPDX-License-Identifier: ISC */
/*
 * import_list.h - which artifacts a server has.
 *
 * artifactd has pages, each of which links to the next (Link). A newer form of
 * the original API has pages with numbers: {"artifacts": [...], "total": 451,
 * "page": 1}. What is created or deleted meanwhile moves what is on the later
 * ones, so such a list is read again until it comes to the number that it
 * tells.
 *
 * The original API has no pages: a list ends at 200, newest first. A list that
 * is full may lack artifacts, which is said. Lists of single workflows are
 * shorter, and who has the ids from elsewhere needs no lists.
 */
#ifndef CTL_IMPORT_LIST_H
#define CTL_IMPORT_LIST_H

#include "tool/client/http.h"
#include "tool/set.h"

/* How a list goes on: not at all, by links, by the numbers of pages. */
enum import_form { IMPORT_FIRST_ONLY, IMPORT_LINKED, IMPORT_NUMBERED };

#define IMPORT_UNTIMED UINT64_MAX /* nobody said when it was created */

struct import_found {
	uint32_t number;  /* in ids */
	uint64_t created; /* or IMPORT_UNTIMED */
};

struct import_list {
	struct import_set ids;	    /* as texts: any that the server has */
	struct import_found *found; /* in the order to import them */
	size_t count;
	bool is_complete;
};

/*
 * Ask the server, for the workflows given with --workflow or for all. What
 * may be missing has been said if it is not complete. Spans live in arena.
 */
MUST_USE int import_list_ask(const struct ctl *ctl, struct ctl_http *http,
    enum import_form form, struct arena *arena, struct import_list *ret_list);

/* Which form has an answer to a request for a list? false: none of these. */
MUST_USE bool import_list_form(struct arena *arena,
    const struct ctl_http_answer *answer, enum import_form *ret_form);

/* One id a line. */
MUST_USE int
import_list_read(FILE *file, struct arena *arena, struct import_list *ret_list);

#endif
