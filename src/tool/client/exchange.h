/* SPDX-License-Identifier: ISC */
/*
 * exchange.h - one request and its answer, over as many tries as it takes.
 * Private to http.c, which runs exchanges, one or many at once.
 */
#ifndef CTL_EXCHANGE_H
#define CTL_EXCHANGE_H

#include "http.h"

#include <curl/curl.h>

struct ctl_http {
	const struct ctl *ctl;
	struct span base;  /* without slashes at its end */
	struct span shown; /* without user and password */
	const char **headers;
	size_t header_count;
	bool is_loopback;
	bool has_secret;  /* a header or the URL has credentials */
	bool is_stranger; /* none are sent: ctl_http_open_stranger */
	/* What the server takes, once it has been asked; UINT64_MAX: it does
	 * not tell. */
	bool has_limits;
	uint64_t max_content;
	uint64_t max_json;
	int64_t server_time; /* of the last answer; 0: it told none */
	int64_t deadline;    /* us: of all that it is asked; 0: none */
	CURL *easy;	     /* of ctl_http_send; its connection is kept */
};

/* A request on its way, over as many tries as it takes. */
struct exchange {
	struct ctl_http *http;
	const struct ctl_http_request *request;
	struct arena *arena;
	struct ctl_http_answer answer; /* of this try */
	struct buffer body;	       /* of an answer that has no sink */
	unsigned tries;
	uint64_t sent; /* bytes of files in this try, which progress counts */

	/* A download that may be cut off. */
	bool has_begun;
	uint64_t delivered; /* bytes that the sink took, of all tries */
	struct ctl_http_answer first; /* the answer that they began with */
	bool is_refused;    /* by begin, sink or read of the request */
	uint64_t too_large; /* the limit that the answer exceeds; 0: none */
	bool is_replaced;   /* the rest would be that of another content */

	CURL *easy;
	struct curl_slist *headers;
	curl_mime *mime;
	char error[CURL_ERROR_SIZE];
};

void exchange_init(struct exchange *exchange, struct ctl_http *http,
    const struct ctl_http_request *request, struct arena *arena, CURL *easy);
/* Set up a try on the easy handle. */
void exchange_prepare(struct exchange *exchange);
/* A try has ended with this code. Does another one follow, after *ret_wait
 * milliseconds? */
bool exchange_repeats(
    const struct exchange *exchange, CURLcode code, long *ret_wait);
/* Has the try failed for a reason that other requests would meet, too? */
bool exchange_is_hopeless(const struct exchange *exchange, CURLcode code);
/* Free what a try held. */
void exchange_release(struct exchange *exchange);

/* The exit code of the last try. CTL_OK: the answer is *ret_answer; anything
 * else has been said. */
int exchange_conclude(struct exchange *exchange, CURLcode code,
    struct ctl_http_answer *ret_answer);
/* Say why the next try waits, and how long, for people and for logs. */
void
exchange_tell_wait(const struct exchange *exchange, CURLcode code, long wait);

#endif
