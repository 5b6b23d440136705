/* SPDX-License-Identifier: ISC */
/*
 * http.h - requests to an artifact store over HTTP: the door to libcurl.
 *
 * A request that is safe to repeat is repeated a few times where the other
 * side is away or asks for it (connection refused or cut off, 429, 502, 503,
 * 504), and a download goes on where it was cut off. Redirects are not
 * followed: where they lead is told instead, and no token goes there. Stalled
 * connections end; slow ones may take as long as they need, unless --timeout
 * bounds the command. What went wrong
 * has been said as a sentence when anything but CTL_OK comes back.
 */
#ifndef CTL_HTTP_H
#define CTL_HTTP_H

#include "tool/progress.h"

#include <sys/types.h>

#define CTL_HTTP_AT_ONCE 16 /* requests that ctl_http_many has under way */

/* A server, and how to talk to it. Lives as long as the run. */
struct ctl_http;

/*
 * url NULL: that of --url or $ARTIFACT_URL, or the server of this host.
 * --header, $ARTIFACT_TOKEN, --cacert, --cert and --key apply to any. If
 * credentials would leave this host in plain http this fails, unless
 * --plain-http or $ARTIFACT_PLAIN_HTTP allows that.
 */
MUST_USE int ctl_http_open(
    const struct ctl *ctl, const char *url, struct ctl_http **ret_http);
/*
 * Ask a URL as a stranger would: without token, headers, user and password, to
 * see who may ask. No proxy is used, since its answers would pass for those of
 * the server. Any certificate will do, since no secret goes there. All requests
 * together have so many seconds.
 */
MUST_USE int ctl_http_open_stranger(const struct ctl *ctl, const char *url,
    unsigned seconds, struct ctl_http **ret_http);
const struct ctl *ctl_http_ctl(const struct ctl_http *http);
/* The URL without user and password, for sentences; with a NUL behind it. */
struct span ctl_http_url(const struct ctl_http *http);

/* All requests from now on have so many seconds together. */
void ctl_http_set_deadline(struct ctl_http *http, uint64_t seconds);

/* Is the time over that --timeout gives to the whole command? */
bool ctl_http_is_late(const struct ctl_http *http);

/* The server's clock as of its last answer, or ours: seconds since 1970. */
int64_t ctl_http_time(const struct ctl_http *http);

/*
 * Fill room with bytes from this offset on, and give their number: never 0
 * before the size of the part is reached. -1: they cannot be read, which has
 * been said.
 */
typedef ssize_t
ctl_http_read(void *context, char *room, size_t size, uint64_t offset);

/* A part of a form: text, or the bytes of a file (filename is not NULL). */
struct ctl_http_part {
	const char *name;
	struct span text;
	const char *filename;
	const char *content_type;
	const uint8_t *hash; /* its SHA-256, for Repr-Digest; or NULL */
	uint64_t size;
	ctl_http_read *read;
	void *context;
};

struct ctl_http_header {
	struct span name;
	struct span value;
};

struct ctl_http_answer {
	unsigned status;
	struct span body; /* in the arena; with a sink, only of errors */
	struct ctl_http_header headers[64];
	size_t header_count;
};

/*
 * Callbacks for the body of a 2xx. false ends the request: why has been said.
 *
 * The headers are there; called once, before the first piece.
 */
typedef bool
ctl_http_begin(void *context, const struct ctl_http_answer *answer);
/* The next piece of its body. */
typedef bool ctl_http_sink(void *context, struct span piece);

struct ctl_http_request {
	const char *method;
	struct span path; /* below the URL, percent-encoded, with its query */
	struct span json; /* the body; SPAN_NONE: none */
	const struct ctl_http_part *parts; /* or these, as a form */
	size_t part_count;
	const char *headers[4]; /* "Name: value"; NULL ends them */
	bool is_repeatable;	/* as GET is: a second time changes nothing */
	bool may_be_missing;	/* a store's 404 is an answer, no error */
	bool may_be_no_path;	/* any 404 or 405 is an answer, no error */
	bool is_any_type;	/* a 2xx need not be JSON */
	/* Anything is an answer, and nothing is said or repeated. Where none
	 * came, its status is 0 and its body is the reason. */
	bool may_fail;
	/* With may_fail: the body is announced, and not sent. A server that
	 * wants it has an answer of status 100. */
	bool only_announces;
	bool has_content;      /* in its answer, which may have 1 GiB */
	ctl_http_begin *begin; /* or NULL */
	ctl_http_sink *sink;   /* where the body of a 2xx goes, of any type */
	void *context;	       /* of these two */
	/* What has gone out of an upload is added to it; or NULL. */
	struct ctl_progress *progress;
};

/* Of several the last; SPAN_NONE: there is none. */
struct span
ctl_http_header(const struct ctl_http_answer *answer, const char *name);

/*
 * Send it and wait. CTL_OK: the status is 2xx, or one that may be.
 * Else 404 is CTL_NOT_FOUND, 409 CTL_AMBIGUOUS, 412 and content that was
 * replaced meanwhile CTL_CHANGED, bytes that do not match their digest or
 * check CTL_INTEGRITY, a server that is away or has no time CTL_TRY_LATER,
 * all others CTL_FAILED.
 */
MUST_USE int
ctl_http_send(struct ctl_http *http, const struct ctl_http_request *request,
    struct arena *arena, struct ctl_http_answer *ret_answer);

/* GET of JSON. */
MUST_USE int ctl_http_get(struct ctl_http *http, struct span path,
    struct arena *arena, struct ctl_http_answer *ret_answer);

/*
 * Does the server take so many bytes of content, or of a JSON body? It is asked
 * for its limits once; a server that does not tell them may take any size.
 * Anything but CTL_OK: it does not, which has been said.
 */
MUST_USE int
ctl_http_check_content(struct ctl_http *http, const char *name, uint64_t size);
MUST_USE int ctl_http_check_json(struct ctl_http *http, uint64_t size);

/* A new header that makes a create safe to repeat: the server does the work of
 * one key once. */
const char *ctl_http_idempotency_key(struct arena *arena);

/* What came of one of many requests. */
struct ctl_http_end {
	struct arena *arena;		      /* where the body is */
	const struct ctl_http_answer *answer; /* NULL: it failed, as was said */
	int exit_code;
	/* Nor would another request go well: the server is away, or lets
	 * nobody in. */
	bool is_hopeless;
	struct ctl_http_request *more; /* all zero: no other follows it */
};

/*
 * Many requests, up to CTL_HTTP_AT_ONCE at a time, in no order. next fills
 * in the next one (all zero before), with what belongs to it, or says that
 * there is none now; it is asked again when another has ended, and all is
 * over when none is under way.
 *
 * ended hears what came of each: an answer where ctl_http_send would say
 * CTL_OK, which may be followed by another request of the same item. Anything
 * but CTL_OK from it ends all: what is under way is still waited for, and the
 * first exit code is given back.
 * The arena is gone after the last request of an item.
 */
struct ctl_http_many {
	void *context;
	bool (*next)(void *context, struct arena *arena, void **ret_item,
	    struct ctl_http_request *ret_request);
	int (*ended)(void *context, void *item, const struct ctl_http_end *end);
};

MUST_USE int
ctl_http_many(struct ctl_http *http, const struct ctl_http_many *many);

#endif
