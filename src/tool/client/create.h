/* SPDX-License-Identifier: ISC */
/*
 * create.h - what create and put share: the options that say where an
 * artifact belongs, and one create that happens once.
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

/* Make a create of a request whose body is set, so that it may be repeated
 * and happens once. */
void ctl_create_begin(struct ctl_http_request *request, struct arena *arena);
/* *ret_id is what the server calls what it has created. */
MUST_USE int ctl_create_end(struct ctl_http *http, struct arena *arena,
    const struct ctl_http_answer *answer, struct span *ret_id);

#endif
