/* SPDX-License-Identifier: ISC */
/*
 * ctl_import_list.h - which artifacts a server has.
 *
 * A server with pages (Link) tells. The original API has none: a list ends at
 * 200, newest first. So lists that are full are asked for again, by each
 * workflow, type and phase that was seen in any of them, alone and together.
 * What is in no such list cannot be known, so a list that stays full is said
 * to be one; who has the ids from elsewhere need not ask for lists.
 */
#ifndef CTL_IMPORT_LIST_H
#define CTL_IMPORT_LIST_H

#include "ctl_http.h"
#include "ctl_import_set.h"

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
    bool has_pages, struct arena *arena, struct import_list *ret_list);

/* One id a line. */
MUST_USE int
import_list_read(FILE *file, struct arena *arena, struct import_list *ret_list);

#endif
