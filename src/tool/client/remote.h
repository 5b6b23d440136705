/* SPDX-License-Identifier: ISC */
/*
 * remote.h - what the remote commands share: artifacts as a server
 * describes them, one by id or many by a list.
 */
#ifndef CTL_REMOTE_H
#define CTL_REMOTE_H

#include "model/artifact.h"
#include "http.h"
#include "tool/output.h"

/* What a summary or a detail says; SPAN_NONE is null, or not told. */
struct ctl_artifact {
	struct span id;
	struct span workflow;
	struct span phase;
	struct span session;
	struct span type;
	struct span title;
	struct span created; /* as the server writes it */
	struct span creator;
	struct span content_type;
	struct span hash; /* 64 hex digits */
	struct span content;
	struct span metadata;	  /* JSON text */
	struct span derived_from; /* JSON text */
	struct span *parents;	  /* the same, as texts */
	size_t parent_count;
	uint64_t size;
	bool is_primary;
	struct span etag; /* without quotes; of a detail */
};

/* Read one object of an answer; false: it is not what a store would say. */
MUST_USE bool ctl_artifact_read(
    struct arena *arena, struct span source, struct ctl_artifact *ret_artifact);

/*
 * Is the content in a detail what is stored, byte for byte? JSON has it as a
 * text, with U+FFFD in place of bytes that are no UTF-8.
 */
bool ctl_artifact_is_exact(const struct ctl_artifact *artifact);
/*
 * The same where there is no hash to compare with: a text without U+FFFD is
 * exact; of a text with it nobody can tell.
 */
bool ctl_text_is_plausible(struct span text);

/* "/artifacts/<id><suffix>", the id percent-encoded. */
struct span
ctl_remote_path(struct arena *arena, const char *id, const char *suffix);
/* An id as text, in the arena. */
const char *ctl_remote_id(struct arena *arena, const struct id *id);

/* An id, whole or the start of one; not CTL_OK: it has been said. */
MUST_USE int ctl_remote_check_id(const struct ctl *ctl, const char *id);
/*
 * For a command on the artifact that its first operand names: check the id,
 * then open the server. Anything but CTL_OK has been said.
 */
MUST_USE int ctl_remote_open(struct ctl *ctl, struct ctl_http **ret_http);

/* The request for the detail of an id or prefix. */
struct ctl_http_request
ctl_remote_request(struct arena *arena, const char *id, bool with_content);
/* Send it, and read the answer. */
MUST_USE int ctl_remote_detail(struct ctl_http *http, const char *id,
    bool with_content, struct arena *arena, struct ctl_artifact *ret_artifact);
/* The answer to such a request. */
MUST_USE int ctl_remote_read_detail(struct ctl_http *http, struct arena *arena,
    const struct ctl_http_answer *answer, struct ctl_artifact *ret_artifact);

/* "… does not answer as a store does"; CTL_FAILED. */
int ctl_remote_strange(const struct ctl_http *http);

/* A text in the JSON of an answer; SPAN_NONE: there is none. */
struct span ctl_remote_text(struct arena *arena,
    const struct ctl_http_answer *answer, const char *name);

/* ---- lists ---- */

/* The filters of a list: what list, rm and export share. */
#define CTL_FILTERS \
	{ "workflow", 'w', "WORKFLOW", "only those of this workflow" }, \
	    { "phase", 'p', "PHASE", "only those of this phase" }, \
	    { "type", 't', "TYPE", "only those of this type" }, \
	{ \
		"session", 's', "SESSION", "only those of this session" \
	}

/* The long names of CTL_FILTERS, in the order of filter_rows. */
extern const char *const ctl_filter_options[FILTERS];

/* From the options of CTL_FILTERS. An empty one is refused: to the server it
 * would mean all. */
MUST_USE int ctl_filter_read(const struct ctl *ctl, struct filter *ret_filter);

/* The arena is that of a page. Anything but CTL_OK ends the list. */
typedef int ctl_remote_visit(
    void *context, struct arena *arena, const struct ctl_artifact *artifact);

/*
 * Visit the artifacts of a filter, newest first, at most so many (0: all),
 * page by page. *ret_has_more: there are others behind.
 */
MUST_USE int ctl_remote_list(struct ctl_http *http, const struct filter *filter,
    uint64_t most, ctl_remote_visit *visit, void *context, bool *ret_has_more);

/*
 * Print an artifact of a list. On a terminal the title comes second, the age
 * stands in place of the time, and what the filter names (NULL: nothing) is
 * left out, since it is the same in each row.
 */
void ctl_remote_row(struct ctl_http *http, struct arena *arena,
    struct ctl_output *output, const struct filter *filter,
    const struct ctl_artifact *artifact);

/* ---- get.c ---- */

/*
 * Print the content of an id or prefix on stdout. CTL_OK: all of it came, and
 * its SHA-256 is that of Repr-Digest. CTL_INTEGRITY: it is not, or the server
 * tells none.
 */
MUST_USE int
ctl_get_print(const struct ctl *ctl, struct ctl_http *http, const char *id);

#endif
