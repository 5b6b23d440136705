/* SPDX-License-Identifier: ISC */
/*
 * create.h - what create, update and put share: the options that say where an
 * artifact belongs and what else is said of it, and how the server is told.
 */
#ifndef CTL_CREATE_H
#define CTL_CREATE_H

#include "http.h"

#define CTL_CREATE \
	{ "workflow", 'w', "WORKFLOW", "the workflow that it belongs to" }, \
	    { "phase", 'p', "PHASE", "the phase of it" }, \
	    { "type", 't', "TYPE", "what it is: plan, report, ..." }, \
	{ \
		"session", 's', "SESSION", "the session that made it" \
	}

/* Are these options there? NULL ends the names. */
MUST_USE int ctl_create_check(const struct ctl *ctl, const char *const *names);
/* The members that options of CTL_CREATE and --title name; how many. */
#define CTL_CREATE_MEMBERS 5
size_t ctl_create_members(const struct ctl *ctl,
    struct ctl_http_part ret_members[CTL_CREATE_MEMBERS]);

/* Make a create of a request whose body is set, so that it may be repeated
 * and happens once. */
void ctl_create_begin(struct ctl_http_request *request, struct arena *arena);
/* *ret_id is what the server calls what it has created. */
MUST_USE int ctl_create_end(struct ctl_http *http, struct arena *arena,
    const struct ctl_http_answer *answer, struct span *ret_id);

/* ---- changing members ---- */

#define CTL_CHANGES \
	{ "metadata", 0, "JSON", "an object, or @FILE that holds one" }, \
	    { "primary", 0, "yes|no", "is it a main deliverable?" }, \
	{ \
		"derived-from", 0, "ID", \
		    "what it was made from; may be repeated, or none" \
	}

/*
 * The body of a PUT as the options say; SPAN_NONE: they say nothing. What no
 * server takes is refused, before put has stored anything. Ids of
 * --derived-from are looked up. has_title: --title counts too.
 */
MUST_USE int ctl_update_body(const struct ctl *ctl, struct ctl_http *http,
    bool has_title, struct span *ret_body);

/* Such a PUT to a full id; etag NULL: whatever its state is. */
void ctl_update_begin(struct arena *arena, const char *id, struct span body,
    const char *etag, struct ctl_http_request *ret_request);

#endif
