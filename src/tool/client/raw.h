/* SPDX-License-Identifier: ISC */
/*
 * raw.h - downloads: the exact bytes of a content, and whether they are
 * the ones that were stored.
 */
#ifndef CTL_RAW_H
#define CTL_RAW_H

#include "http.h"
#include "base/digest.h"

struct ctl_raw {
	const struct ctl *ctl;
	const char *what; /* for progress: a file's name, or the id */
	/* As in ctl_http_request; begin may be NULL. */
	ctl_http_begin *begin;
	ctl_http_sink *sink;
	void *context;
	struct ctl_progress *all; /* of many, to be added to; NULL: its own */

	/* What came of it. */
	uint64_t size;
	char hash[DIGEST_SHA256_HEX + 1];

	struct ctl_progress progress;
	struct digest digest;
};

/*
 * Fetch the content of an id or prefix. CTL_OK: all of it came, and its
 * SHA-256 is that of Repr-Digest. CTL_INTEGRITY: it is not, or the server
 * tells none.
 */
MUST_USE int
ctl_raw_fetch(struct ctl_http *http, const char *id, struct ctl_raw *raw);

/* The same where many are sent: the request, and what its answer means. */
void ctl_raw_begin(struct ctl_raw *raw, struct arena *arena, const char *id,
    struct ctl_http_request *ret_request);
MUST_USE int ctl_raw_end(struct ctl_http *http, const char *id,
    struct ctl_raw *raw, const struct ctl_http_answer *answer);

/* The same to stdout. */
MUST_USE int
ctl_raw_print(const struct ctl *ctl, struct ctl_http *http, const char *id);

#endif
