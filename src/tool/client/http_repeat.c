/* SPDX-License-Identifier: ISC */
/*
 * http_repeat.c - is a request sent once more, when, and from where on?
 */

#include "http_state.h"

#include "http_text.h"
#include "tool/output.h"
#include "base/scoreboard.h"

#define TRIES_UNREACHABLE 4
#define TRIES_BUSY 6
#define WAIT_FIRST 500L /* ms; it doubles */
#define WAIT_MOST 30	/* s; who is asked to wait longer is told why */

struct span
exchange_etag(const struct exchange *exchange)
{
	struct span etag = ctl_http_header(&exchange->first, "ETag");

	return span_starts_with(etag, "\"") ? etag : SPAN_NONE;
}

/* Cut off in the middle. */
static bool
was_cut_off(CURLcode code)
{
	return code == CURLE_GOT_NOTHING || code == CURLE_SEND_ERROR ||
	       code == CURLE_RECV_ERROR || code == CURLE_PARTIAL_FILE ||
	       code == CURLE_HTTP2 || code == CURLE_HTTP2_STREAM;
}

static bool
is_busy(unsigned status)
{
	return status == 429 || (status >= 502 && status <= 504);
}

/* Would it do any harm to send it again? */
static bool
is_harmless(const struct exchange *exchange, CURLcode code)
{
	const struct ctl_http_request *request = exchange->request;

	if (exchange->is_refused || exchange->too_large > 0 ||
	    exchange->is_replaced)
		return false;
	if (code == CURLE_COULDNT_CONNECT)
		return true; /* nobody was there to do anything */
	if (!request->is_repeatable && !exchange_only_reads(exchange))
		return false;
	return exchange->delivered == 0 || exchange_etag(exchange).data != NULL;
}

bool
exchange_only_reads(const struct exchange *exchange)
{
	const char *method = exchange->request->method;

	return strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;
}

/* Could it go better? */
static bool
is_passing(const struct exchange *exchange, CURLcode code)
{
	if (exchange->request->may_fail)
		return false;
	if (code == CURLE_OK)
		return exchange->tries < TRIES_BUSY &&
		       is_busy(exchange->answer.status);
	return exchange->tries < TRIES_UNREACHABLE &&
	       (code == CURLE_COULDNT_CONNECT || was_cut_off(code));
}

bool
exchange_repeats(const struct exchange *exchange, CURLcode code, long *ret_wait)
{
	struct span retry_after =
	    ctl_http_header(&exchange->answer, "Retry-After");
	uint64_t seconds;

	if (!is_harmless(exchange, code) || !is_passing(exchange, code))
		return false;
	*ret_wait = WAIT_FIRST << (exchange->tries - 1);
	if (ctl_http_retry_after(retry_after, (int64_t)time(NULL), &seconds)) {
		if (seconds >= WAIT_MOST)
			return false;
		*ret_wait = (long)seconds * 1000;
	}
	return exchange->http->deadline == 0 ||
	       scoreboard_now() + *ret_wait * INT64_C(1000) <
		   exchange->http->deadline;
}

bool
exchange_is_hopeless(const struct exchange *exchange, CURLcode code)
{
	unsigned status = exchange->answer.status;

	if (exchange->is_refused || exchange->too_large > 0 ||
	    exchange->is_replaced)
		return false;
	if (code != CURLE_OK) /* one artifact alone can be cut off */
		return !was_cut_off(code);
	return status == 401 || status == 403 || status == 507 ||
	       is_busy(status);
}

void
exchange_tell_wait(const struct exchange *exchange, CURLcode code, long wait)
{
	struct span trouble = exchange_trouble(exchange, code);

	(void)ctl_error(CTL_OK, "%.*s; trying again in %.1f s",
	    (int)trouble.size, trouble.data, (double)wait / 1000);
}
