/* SPDX-License-Identifier: ISC */
/*
 * update.h - what update and put share: changing members of an artifact.
 */
#ifndef CTL_UPDATE_H
#define CTL_UPDATE_H

#include "http.h"

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
