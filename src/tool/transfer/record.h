/* SPDX-License-Identifier: ISC */
/*
 * record.h - an artifact as JSON: a line of an export, or the detail that
 * a server answers. The line is the detail without content, and two more
 * members: `content_stored_at`, a time, and `filename`, a string or null.
 */
#ifndef CTL_RECORD_H
#define CTL_RECORD_H

#include "model/artifact.h"

struct ctl_record {
	struct artifact artifact; /* its content has no blob */
	/* What a detail of another server may lack. */
	bool has_created;
	bool has_hash;
	bool has_size;
	/* What a line of an export lacks; SPAN_NONE: it is not told. */
	struct span text;    /* `content` */
	struct span storage; /* `storage_url` */
};

/* One line, its end included, in the arena. */
struct span
ctl_record_line(const struct artifact *artifact, struct arena *arena);

/*
 * Spans live as long as the arena and the text. false: *ret_fault says which
 * member is wrong, and how; members that are not known are nothing wrong.
 */
MUST_USE bool ctl_record_read(struct arena *arena, struct span text,
    struct ctl_record *ret_record, const char **ret_fault);

#endif
