/* SPDX-License-Identifier: ISC */
/*
 * ctl_create.h - what create and put share: the options that say where an
 * artifact belongs, and one create that happens once.
 */
#ifndef CTL_CREATE_H
#define CTL_CREATE_H

#include "ctl_http.h"

#define CTL_CREATE \
	{ "workflow", 'w', "WORKFLOW", "the workflow that it belongs to" }, \
	    { "phase", 'p', "PHASE", "the phase of it" }, \
	    { "type", 't', "TYPE", "what it is: plan, report, ..." }, \
	{ \
		"session", 's', "SESSION", "the session that made it" \
	}

/* Are these options there? NULL ends the names. */
MUST_USE int ctl_create_check(const struct ctl *ctl, const char *const *names);

/*
 * Send a create, whose body is set, so that it may be repeated and happens
 * once; *ret_id is what the server calls it.
 */
MUST_USE int ctl_create_send(struct ctl_http *http,
    struct ctl_http_request *request, struct arena *arena, struct span *ret_id);

#endif
