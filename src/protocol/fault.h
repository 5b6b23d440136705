/* SPDX-License-Identifier: ISC */
/*
 * fault.h - what is wrong with the shape of a request.
 *
 * The original service answers a malformed request with 422 and a list of
 * all its faults, each with a type, a place ("loc") and a message. Parsers
 * note faults here and go on; the handler looks whether there are any.
 */
#ifndef FAULT_H
#define FAULT_H

#include "base/mem.h"

/* Where a fault is: "body", "query" or "header", then a name, an offset, or
 * a name and an index. */
struct fault {
	const char *type;    /* "missing" */
	const char *message; /* "Field required" */
	const char *area;    /* "body", "query", "header" */
	struct span name;    /* SPAN_NONE: the area as a whole */
	bool has_index;	     /* loc ends in a number: offset or list index */
	uint64_t index;
};

/* Of any number of faults the first LIMIT_FAULTS are kept, all are counted. */
struct faults {
	struct arena *arena;
	struct fault *list;
	size_t count; /* of all that were added; the list may hold fewer */
	size_t capacity;
};

void faults_init(struct faults *faults, struct arena *arena);
/* All spans must live as long as the arena. */
void faults_add(struct faults *faults, struct fault fault);

/*
 * A client's name as an answer shows it: what is not UTF-8 replaced, and at
 * most LIMIT_FAULT_NAME bytes of it. A copy in the arena, but for SPAN_NONE.
 */
struct span fault_name(struct arena *arena, struct span name);

/* A fault of a member of the body, or with SPAN_NONE of the body as a whole. */
void fault_in_body(struct faults *faults, const char *type, const char *message,
    struct span name);
/* The contract's common faults; name must live as long as the arena. */
void fault_missing(struct faults *faults, struct span name);
void fault_string_type(struct faults *faults, struct span name);
void fault_string_unicode(struct faults *faults, struct span name);
void fault_too_long(struct faults *faults, struct span name, size_t limit);
void fault_extra(struct faults *faults, struct span name);
void fault_not_object(struct faults *faults);

/*
 * The 422 body: {"detail":[{"type":…,"loc":[…],"msg":…},…]}, compact JSON in
 * the arena of the faults. It has at most LIMIT_FAULTS items: of more faults
 * the last item says how many are not shown.
 */
struct span faults_json(const struct faults *faults);

/* The first of them for a log: "body.title: Field required (the first of 3)".
 * There has to be one. */
struct span faults_first(const struct faults *faults);

#endif
