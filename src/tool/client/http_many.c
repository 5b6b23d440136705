/* SPDX-License-Identifier: ISC */
/*
 * http_many.c - many requests at once: a handle each, which takes the
 * next one when it is done, and waits alone where one has to be repeated.
 */

#include "http_state.h"

#include "base/scoreboard.h"

#include <stdlib.h>

#define POLL_MOST 1000 /* ms */
#define SECOND INT64_C(1000000)

struct lane {
	struct exchange exchange; /* the first member */
	struct ctl_http_request request;
	struct arena *arena;
	CURL *easy;
	void *item;
	bool is_busy;
	int64_t resumes; /* us: waits until then to try again; 0: runs */
};

struct traffic {
	struct ctl_http *http;
	const struct ctl_http_many *many;
	CURLM *multi;
	struct lane lanes[CTL_HTTP_AT_ONCE];
	size_t busy;
	bool is_over; /* no more requests, whatever next has */
	int64_t told; /* us: when somebody was last told of a wait */
	int exit_code; /* what ended it all */
};

/* Only a mistake of ours, or no memory, makes it fail. */
static void
require(CURLMcode code)
{
	if (code != CURLM_OK)
		abort();
}

static void
start(struct traffic *traffic, struct lane *lane)
{
	exchange_prepare(&lane->exchange);
	require(curl_multi_add_handle(traffic->multi, lane->easy));
	lane->resumes = 0;
}

/* The lane's arena stays: the item's earlier requests may have used it. */
static void
begin(struct traffic *traffic, struct lane *lane,
    const struct ctl_http_request *request)
{
	lane->request = *request;
	exchange_init(&lane->exchange, traffic->http, &lane->request,
	    lane->arena, lane->easy);
	start(traffic, lane);
}

static struct lane *
idle_lane(struct traffic *traffic)
{
	size_t i;

	for (i = 0; i < CTL_HTTP_AT_ONCE; i++)
		if (!traffic->lanes[i].is_busy)
			return &traffic->lanes[i];
	return NULL;
}

/*
 * Give one idle lane a request; false: there is none of either. One at
 * a time, since next may have to hash a large file, and the others are not
 * to stand still for sixteen of them.
 */
static bool
fill(struct traffic *traffic)
{
	struct ctl_http_request request = { 0 };
	struct lane *lane = idle_lane(traffic);

	if (lane == NULL || traffic->is_over)
		return false;
	arena_reset(lane->arena);
	lane->item = NULL;
	if (!traffic->many->next(
		traffic->many->context, lane->arena, &lane->item, &request))
		return false;
	lane->is_busy = true;
	traffic->busy++;
	begin(traffic, lane, &request);
	return true;
}

static void
fail(struct traffic *traffic, int exit_code)
{
	traffic->is_over = true;
	if (traffic->exit_code == CTL_OK)
		traffic->exit_code = exit_code;
}

/* It will be tried again; of many that wait one is told. */
static void
put_off(struct traffic *traffic, struct lane *lane, CURLcode code, long wait)
{
	int64_t now = scoreboard_now();

	if (now - traffic->told > SECOND) {
		exchange_tell_wait(&lane->exchange, code, wait);
		traffic->told = now;
	}
	exchange_release(&lane->exchange);
	lane->resumes = now + (int64_t)wait * 1000;
}

/* When it is all over because of another, its own error is not told too. */
static bool
is_worth_telling(
    const struct traffic *traffic, const struct lane *lane, CURLcode code)
{
	return traffic->exit_code == CTL_OK ||
	       (code == CURLE_OK && lane->exchange.answer.status < 300);
}

/* An exit code that ends all, or CTL_OK. */
static int
take_failure(
    struct traffic *traffic, struct lane *lane, int exit_code, bool is_hopeless)
{
	const struct ctl_http_many *many = traffic->many;

	if (many->failed == NULL)
		return exit_code;
	return many->failed(many->context, lane->item, exit_code, is_hopeless);
}

/* A try of this lane has ended. */
static void
take_end(struct traffic *traffic, struct lane *lane, CURLcode code)
{
	const struct ctl_http_many *many = traffic->many;
	struct ctl_http_request more = { 0 };
	struct ctl_http_answer answer;
	long wait = 0;
	int exit_code = CTL_FAILED;
	bool is_hopeless;

	require(curl_multi_remove_handle(traffic->multi, lane->easy));
	if (traffic->exit_code == CTL_OK &&
	    exchange_repeats(&lane->exchange, code, &wait)) {
		put_off(traffic, lane, code, wait);
		return;
	}
	is_hopeless = exchange_is_hopeless(&lane->exchange, code);
	if (is_worth_telling(traffic, lane, code))
		exit_code = exchange_conclude(&lane->exchange, code, &answer);
	exchange_release(&lane->exchange);
	if (exit_code == CTL_OK)
		exit_code = many->done(
		    many->context, lane->item, lane->arena, &answer, &more);
	else
		exit_code = take_failure(traffic, lane, exit_code, is_hopeless);
	if (exit_code != CTL_OK)
		fail(traffic, exit_code);
	else if (more.method != NULL) {
		begin(traffic, lane, &more);
		return;
	}
	lane->is_busy = false;
	traffic->busy--;
}

static void
take_ends(struct traffic *traffic)
{
	struct lane *lane;
	CURLMsg *message;
	char *private;
	int left;

	while (
	    (message = curl_multi_info_read(traffic->multi, &left)) != NULL) {
		if (message->msg != CURLMSG_DONE)
			continue;
		(void)curl_easy_getinfo(
		    message->easy_handle, CURLINFO_PRIVATE, &private);
		lane = (void *)private; /* the exchange is its first member */
		take_end(traffic, lane, message->data.result);
	}
}

/* Start those whose wait is over; ms until the next one's is. */
static int
resume(struct traffic *traffic)
{
	int64_t now = scoreboard_now();
	int64_t soonest = now + POLL_MOST * INT64_C(1000);
	struct lane *lane;
	size_t i;

	for (i = 0; i < CTL_HTTP_AT_ONCE; i++) {
		lane = &traffic->lanes[i];
		if (!lane->is_busy || lane->resumes == 0)
			continue;
		if (traffic->exit_code != CTL_OK) {
			lane->is_busy = false; /* all is over */
			traffic->busy--;
			(void)take_failure(
			    traffic, lane, traffic->exit_code, true);
		} else if (lane->resumes <= now) {
			start(traffic, lane);
		} else if (lane->resumes < soonest) {
			soonest = lane->resumes;
		}
	}
	return (int)((soonest - now) / 1000) + 1;
}

static void
run(struct traffic *traffic)
{
	int running, wait;
	bool has_more;

	for (;;) {
		has_more = fill(traffic);
		if (traffic->busy == 0)
			return;
		wait = resume(traffic);
		require(curl_multi_perform(traffic->multi, &running));
		take_ends(traffic);
		if (traffic->busy > 0 && !has_more)
			require(curl_multi_poll(
			    traffic->multi, NULL, 0, wait, NULL));
	}
}

int
ctl_http_many(struct ctl_http *http, const struct ctl_http_many *many)
{
	struct traffic *traffic =
	    arena_alloc(http->ctl->arena, sizeof(*traffic));
	size_t i;

	*traffic = (struct traffic){ .http = http, .many = many };
	traffic->multi = curl_multi_init();
	if (traffic->multi == NULL)
		abort();
	for (i = 0; i < CTL_HTTP_AT_ONCE; i++) {
		traffic->lanes[i].arena = arena_open();
		traffic->lanes[i].easy = curl_easy_init();
		if (traffic->lanes[i].easy == NULL)
			abort();
	}
	run(traffic);
	for (i = 0; i < CTL_HTTP_AT_ONCE; i++) {
		curl_easy_cleanup(traffic->lanes[i].easy);
		arena_close(traffic->lanes[i].arena);
	}
	(void)curl_multi_cleanup(traffic->multi);
	return traffic->exit_code;
}
