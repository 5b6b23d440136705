/* SPDX-License-Identifier: ISC */
/*
 * http.c - choosing the server and the credentials, and sending requests, one
 * after the other or many at once.
 */

#include "exchange.h"

#include "http_text.h"
#include "tool/output.h"
#include "base/digest.h"
#include "protocol/json.h"
#include "base/scoreboard.h"

#include <stdlib.h>
#include <strings.h>

#define HERE "http://127.0.0.1:8137"
#define KEY_SIZE 16    /* bytes: no two random keys are the same */
#define POLL_MOST 1000 /* ms */

/* ---- opening ---- */

static void
add_header(struct ctl_http *http, struct arena *arena, const char *line)
{
	size_t size = sizeof(http->headers[0]);

	http->headers = arena_resize(arena, http->headers,
	    size * http->header_count, size * (http->header_count + 1));
	http->headers[http->header_count++] = line;
}

/* Is the text one line, without control characters that would end it? */
static bool
is_line(struct span text)
{
	return !span_has_control(text) && span_find(text, '\t') == text.size;
}

static bool
is_header(struct span line)
{
	size_t colon = span_find(line, ':');

	return is_line(line) && colon > 0 && colon < line.size &&
	       span_find(line, ' ') > colon;
}

/* Does the header have credentials, which a reader on the way could use? */
static bool
is_secret(struct span line)
{
	static const char *const names[] = { "Authorization",
		"Proxy-Authorization", "Cookie", "X-API-Key", "X-Auth-Token" };
	struct span name = span_trim(span_split(&line, ':'));
	size_t i;

	for (i = 0; i < COUNT_OF(names); i++)
		if (span_is_nocase(name, names[i]))
			return true;
	return false;
}

/* Refuse to send credentials over the network without TLS, unless somebody
 * allows that. */
static int
refuse_plain(const struct ctl_http *http)
{
	const char *allowed = getenv("ARTIFACT_PLAIN_HTTP");
	bool is_allowed = ctl_has(http->ctl, "plain-http") ||
			  (allowed != NULL && strcmp(allowed, "1") == 0);

	if (!http->has_secret || http->is_loopback || is_allowed ||
	    ctl_http_is_tls(http->base))
		return CTL_OK;
	return ctl_usage(http->ctl,
	    "%s is plain http, and everybody on the way could read who you "
	    "are and say the same; give an https URL, or --plain-http (or "
	    "ARTIFACT_PLAIN_HTTP=1) if nobody else is on that way",
	    http->shown.data);
}

/* false: it has been said. */
static bool
add_headers(struct ctl_http *http, const struct ctl *ctl)
{
	const char *token = getenv("ARTIFACT_TOKEN");
	const char *line;
	size_t index = 0;

	while ((line = ctl_next_value(ctl, "header", &index)) != NULL) {
		if (!is_header(span_str(line))) {
			(void)ctl_usage(
			    ctl, "--header has to be NAME:VALUE, in one line");
			return false;
		}
		add_header(http, ctl->arena, line);
		http->has_secret |= is_secret(span_str(line));
		if (strncasecmp(line, "Authorization:", 14) == 0)
			token = NULL; /* do not send two */
	}
	if (token == NULL || *token == '\0')
		return true;
	if (!is_line(span_str(token))) {
		(void)ctl_usage(ctl, "$ARTIFACT_TOKEN is not one line of text");
		return false;
	}
	add_header(http, ctl->arena,
	    arena_printf(ctl->arena, "Authorization: Bearer %s", token).data);
	http->has_secret = true;
	return true;
}

static const char *
chosen_url(const struct ctl *ctl)
{
	const char *url = ctl_value(ctl, "url");

	if (url == NULL)
		url = getenv("ARTIFACT_URL");
	return url == NULL || *url == '\0' ? HERE : url;
}

static void
close_easy(void *easy)
{
	curl_easy_cleanup(easy);
	curl_global_cleanup();
}

static int
set_base(struct ctl_http *http, const char *url)
{
	if (!ctl_http_base(span_str(url), &http->base))
		return ctl_usage(http->ctl,
		    "\"%.200s\" is no URL of a store: it has to begin with "
		    "http:// or https://, and to have no query",
		    url);
	http->shown = ctl_http_shown(http->ctl->arena, http->base);
	http->is_loopback = ctl_http_is_loopback(http->base);
	http->has_secret = http->shown.size < http->base.size;
	return CTL_OK;
}

void
ctl_http_set_deadline(struct ctl_http *http, uint64_t seconds)
{
	http->deadline = scoreboard_now() + (int64_t)seconds * SECOND;
}

static int
start(struct ctl_http *http)
{
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return ctl_fail("libcurl cannot be used");
	http->easy = curl_easy_init();
	if (http->easy == NULL)
		abort(); /* for lack of memory alone */
	arena_defer(http->ctl->arena, close_easy, http->easy);
	return CTL_OK;
}

int
ctl_http_open(
    const struct ctl *ctl, const char *url, struct ctl_http **ret_http)
{
	struct ctl_http *http = arena_alloc(ctl->arena, sizeof(*http));
	uint64_t seconds = 0;
	int exit_code;

	http->ctl = ctl;
	exit_code = set_base(http, url != NULL ? url : chosen_url(ctl));
	if (exit_code == CTL_OK)
		exit_code = ctl_timeout(ctl, &seconds);
	if (exit_code != CTL_OK)
		return exit_code;
	if (seconds > 0)
		ctl_http_set_deadline(http, seconds);
	if (!add_headers(http, ctl) || refuse_plain(http) != CTL_OK)
		return CTL_USAGE;
	*ret_http = http;
	return start(http);
}

int
ctl_http_open_stranger(const struct ctl *ctl, const char *url, unsigned seconds,
    struct ctl_http **ret_http)
{
	struct ctl_http *http = arena_alloc(ctl->arena, sizeof(*http));
	int exit_code;

	http->ctl = ctl;
	exit_code = set_base(http, url);
	if (exit_code != CTL_OK)
		return exit_code;
	http->base = http->shown;
	http->has_secret = false;
	http->is_stranger = true;
	ctl_http_set_deadline(http, seconds);
	*ret_http = http;
	return start(http);
}

const struct ctl *
ctl_http_ctl(const struct ctl_http *http)
{
	return http->ctl;
}

struct span
ctl_http_url(const struct ctl_http *http)
{
	return http->shown;
}

bool
ctl_http_is_late(const struct ctl_http *http)
{
	return http->deadline != 0 && scoreboard_now() >= http->deadline;
}

int64_t
ctl_http_time(const struct ctl_http *http)
{
	return http->server_time != 0 ? http->server_time : (int64_t)time(NULL);
}

/* ---- sending ---- */

struct span
ctl_http_header(const struct ctl_http_answer *answer, const char *name)
{
	size_t i;

	for (i = answer->header_count; i > 0; i--)
		if (span_is_nocase(answer->headers[i - 1].name, name))
			return answer->headers[i - 1].value;
	return SPAN_NONE;
}

const char *
ctl_http_idempotency_key(struct arena *arena)
{
	uint8_t bytes[KEY_SIZE];
	char text[2 * KEY_SIZE + 1];

	digest_random(bytes, sizeof(bytes));
	digest_hex(bytes, sizeof(bytes), text);
	return arena_printf(arena, "Idempotency-Key: %s", text).data;
}

int
ctl_http_send(struct ctl_http *http, const struct ctl_http_request *request,
    struct arena *arena, struct ctl_http_answer *ret_answer)
{
	struct exchange exchange;
	struct timespec time;
	long wait = 0;
	CURLcode code;
	int exit_code;

	exchange_init(&exchange, http, request, arena, http->easy);
	for (;;) {
		exchange_prepare(&exchange);
		code = curl_easy_perform(exchange.easy);
		if (!exchange_repeats(&exchange, code, &wait))
			break;
		exchange_tell_wait(&exchange, code, wait);
		time = (struct timespec){ wait / 1000, wait % 1000 * 1000000 };
		(void)nanosleep(&time, NULL);
		exchange_release(&exchange);
	}
	exit_code = exchange_conclude(&exchange, code, ret_answer);
	exchange_release(&exchange);
	return exit_code;
}

int
ctl_http_get(struct ctl_http *http, struct span path, struct arena *arena,
    struct ctl_http_answer *ret_answer)
{
	const struct ctl_http_request request = { .method = "GET",
		.path = path };

	return ctl_http_send(http, &request, arena, ret_answer);
}

/*
 * ---- sending many
 *
 * There are as many lanes as requests may be under way. A lane has a handle of
 * libcurl, takes the next request when its last one has ended, and waits alone
 * where a request has to be repeated.
 */

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
	bool is_over;  /* begin no more requests */
	int64_t told;  /* us: when we last said that a request waits */
	int exit_code; /* of the request that ended all others */
};

/* libcurl fails here only if we made a mistake, or memory ran out. */
static void
require(CURLMcode code)
{
	if (code != CURLM_OK)
		abort();
}

static void
start_lane(struct traffic *traffic, struct lane *lane)
{
	exchange_prepare(&lane->exchange);
	require(curl_multi_add_handle(traffic->multi, lane->easy));
	lane->resumes = 0;
}

/* Send a request on this lane. Its arena is not reset: an earlier request of
 * the same item may have left something there. */
static void
start_request(struct traffic *traffic, struct lane *lane,
    const struct ctl_http_request *request)
{
	lane->request = *request;
	exchange_init(&lane->exchange, traffic->http, &lane->request,
	    lane->arena, lane->easy);
	start_lane(traffic, lane);
}

/*
 * Give one idle lane a request; false: no lane is idle, or there are no more
 * requests. Only one is begun at a time: next may have to hash a large file
 * first, and meanwhile nothing moves on the other lanes.
 */
static bool
start_next(struct traffic *traffic)
{
	struct ctl_http_request request = { 0 };
	struct lane *lane = traffic->lanes;

	if (traffic->busy == CTL_HTTP_AT_ONCE || traffic->is_over)
		return false;
	while (lane->is_busy)
		lane++;
	arena_reset(lane->arena);
	lane->item = NULL;
	if (!traffic->many->next(
		traffic->many->context, lane->arena, &lane->item, &request))
		return false;
	lane->is_busy = true;
	traffic->busy++;
	start_request(traffic, lane, &request);
	return true;
}

static void
end_all(struct traffic *traffic, int exit_code)
{
	traffic->is_over = true;
	if (traffic->exit_code == CTL_OK)
		traffic->exit_code = exit_code;
}

/* Let the lane wait before the next try. Say so at most once a second, however
 * many lanes wait. */
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

/* Is the end of this request to be looked at? Once another request has ended
 * all, only answers count, and errors are not said. */
static bool
is_worth_telling(
    const struct traffic *traffic, const struct lane *lane, CURLcode code)
{
	return traffic->exit_code == CTL_OK ||
	       (code == CURLE_OK && lane->exchange.answer.status < 300);
}

/* Tell the caller what came of the lane's request. Anything but CTL_OK ends
 * all. */
static int
tell_end(const struct traffic *traffic, const struct lane *lane,
    const struct ctl_http_end *end)
{
	return traffic->many->ended(traffic->many->context, lane->item, end);
}

/* A try of this lane has ended. */
static void
handle_end(struct traffic *traffic, struct lane *lane, CURLcode code)
{
	struct ctl_http_request more = { 0 };
	struct ctl_http_answer answer;
	struct ctl_http_end end = {
		.arena = lane->arena, .exit_code = CTL_FAILED, .more = &more
	};
	long wait = 0;
	int exit_code;

	require(curl_multi_remove_handle(traffic->multi, lane->easy));
	if (traffic->exit_code == CTL_OK &&
	    exchange_repeats(&lane->exchange, code, &wait)) {
		put_off(traffic, lane, code, wait);
		return;
	}
	if (is_worth_telling(traffic, lane, code))
		end.exit_code =
		    exchange_conclude(&lane->exchange, code, &answer);
	if (end.exit_code == CTL_OK)
		end.answer = &answer;
	else
		end.is_hopeless = exchange_is_hopeless(&lane->exchange, code);
	exchange_release(&lane->exchange);
	exit_code = tell_end(traffic, lane, &end);
	if (exit_code != CTL_OK)
		end_all(traffic, exit_code);
	else if (more.method != NULL) {
		start_request(traffic, lane, &more);
		return;
	}
	lane->is_busy = false;
	traffic->busy--;
}

static void
handle_ends(struct traffic *traffic)
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
		handle_end(traffic, lane, message->data.result);
	}
}

/* Start the lanes whose wait is over. Gives the milliseconds until the next
 * wait ends. */
static int
restart_waiting(struct traffic *traffic)
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
			(void)tell_end(traffic, lane,
			    &(struct ctl_http_end){ .arena = lane->arena,
				.exit_code = traffic->exit_code,
				.is_hopeless = true,
				.more = &(struct ctl_http_request){ 0 } });
		} else if (lane->resumes <= now) {
			start_lane(traffic, lane);
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
		has_more = start_next(traffic);
		if (traffic->busy == 0)
			return;
		wait = restart_waiting(traffic);
		require(curl_multi_perform(traffic->multi, &running));
		handle_ends(traffic);
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

/* ---- the limits of a server ---- */

static void
ask_limits(struct ctl_http *http)
{
	const struct ctl_http_request request = {
		.method = "GET", .path = SPAN("/healthz"), .may_fail = true
	};
	struct ctl_http_answer answer = { 0 };
	struct json_document document;
	struct arena *arena;

	if (http->has_limits)
		return;
	arena = arena_open();
	http->has_limits = true;
	http->max_content = UINT64_MAX;
	http->max_json = UINT64_MAX;
	if (ctl_http_send(http, &request, arena, &answer) == CTL_OK &&
	    answer.status == 200 &&
	    json_read_object(arena, answer.body, &document)) {
		(void)json_get_number(
		    &document, "max_content", &http->max_content);
		(void)json_get_number(&document, "max_json", &http->max_json);
	}
	arena_close(arena);
}

int
ctl_http_check_content(struct ctl_http *http, const char *name, uint64_t size)
{
	ask_limits(http);
	if (size <= http->max_content)
		return CTL_OK;
	return ctl_fail("%.200s has %llu bytes, and %s takes %llu at most, by "
			"its setting max_content: nothing was sent",
	    name, (unsigned long long)size, http->shown.data,
	    (unsigned long long)http->max_content);
}

int
ctl_http_check_json(struct ctl_http *http, uint64_t size)
{
	ask_limits(http);
	if (size <= http->max_json)
		return CTL_OK;
	return ctl_fail("as JSON this has %llu bytes, and %s takes %llu at "
			"most, by its setting max_json: nothing was sent; "
			"artifactctl put sends it as a file",
	    (unsigned long long)size, http->shown.data,
	    (unsigned long long)http->max_json);
}
