/* SPDX-License-Identifier: ISC */
/*
 * draft.h - an artifact that is to be, whichever way it was sent.
 */
#ifndef HANDLE_DRAFT_H
#define HANDLE_DRAFT_H

#include "body.h"

struct draft {
	struct artifact artifact; /* but for id and content's hash */
	struct span type;	  /* as sent */
	struct upload *upload;
	struct span repr_digest; /* over the content; or SPAN_NONE */
};

/* May artifacts be of this type? false: response says 400. */
MUST_USE bool handle_draft_has_type(const struct context *context,
    struct response *response, const struct draft *draft);

/* Create it, or let go of its upload, and answer. */
void handle_draft_create(const struct context *context,
    struct handle_body *body, struct response *response, struct draft *draft);

#endif
