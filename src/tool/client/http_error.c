/* SPDX-License-Identifier: ISC */
/*
 * http_error.c - what came of a request, as an exit code and, where it
 * is an error, as a sentence with the way out.
 */

#include "http_state.h"

#include "tool/output.h"
#include "protocol/json.h"
#include "protocol/date.h"

#define LINES 20 /* of what a server says */

/* ---- no answer ---- */

/* What libcurl's code means: stands before the URL and libcurl's own words,
 * and behind them. */
static const struct trouble {
	CURLcode code;
	const char *before;
	const char *after;
} troubles[] = {
	{ CURLE_COULDNT_CONNECT, "cannot connect to",
	    ": is nginx running there, and is the URL right? It comes from "
	    "--url or $ARTIFACT_URL" },
	{ CURLE_COULDNT_RESOLVE_HOST, "cannot find the host of",
	    "; look at --url or $ARTIFACT_URL" },
	{ CURLE_COULDNT_RESOLVE_PROXY, "cannot find the proxy on the way to",
	    "; look at $http_proxy, $https_proxy and $no_proxy" },
	{ CURLE_OPERATION_TIMEDOUT, "no answer from",
	    "; is it, or something on the way to it, stalled?" },
	{ CURLE_PEER_FAILED_VERIFICATION, "no trust in the certificate of",
	    "; --cacert FILE names who has signed it" },
	{ CURLE_SSL_CACERT_BADFILE, "--cacert cannot be used for", "" },
	{ CURLE_SSL_CERTPROBLEM, "--cert or --key cannot be used for", "" },
	{ CURLE_SSL_CONNECT_ERROR, "no TLS with",
	    "; is it http rather than https?" },
	{ CURLE_WEIRD_SERVER_REPLY, "no HTTP from",
	    "; is it https rather than http?" },
	{ CURLE_UNSUPPORTED_PROTOCOL, "no HTTP from",
	    "; is it https rather than http?" },
};

static const struct trouble cut_off = { CURLE_OK, "lost the connection to",
	"" };

static const struct trouble *
trouble_of(CURLcode code)
{
	size_t i;

	for (i = 0; i < sizeof(troubles) / sizeof(troubles[0]); i++)
		if (troubles[i].code == code)
			return &troubles[i];
	return &cut_off;
}

/* libcurl's words, and the system's where it has given a number. */
static struct span
reason(const struct exchange *exchange, CURLcode code)
{
	const char *text = exchange->error;
	long number = 0;

	(void)curl_easy_getinfo(exchange->easy, CURLINFO_OS_ERRNO, &number);
	if (code == CURLE_COULDNT_CONNECT && number != 0)
		text = strerror((int)number);
	if (text[0] == '\0')
		text = curl_easy_strerror(code);
	return ctl_visible(exchange->arena, span_str(text));
}

/* It was under way when the connection was lost. */
static const char *
advice(const struct exchange *exchange, CURLcode code)
{
	if (trouble_of(code) != &cut_off && code != CURLE_OPERATION_TIMEDOUT)
		return "";
	if (!exchange_only_reads(exchange))
		return "; the change may have happened or not: look before you "
		       "repeat it";
	return code == CURLE_OPERATION_TIMEDOUT ? "" : "; repeat the command";
}

/*
 * Later it may be another. What changes something may have happened, when the
 * connection was there: that is for somebody to look at first.
 */
static int
no_answer_code(const struct exchange *exchange, CURLcode code)
{
	if (code == CURLE_COULDNT_CONNECT)
		return CTL_TRY_LATER;
	if (trouble_of(code) != &cut_off && code != CURLE_OPERATION_TIMEDOUT)
		return CTL_FAILED;
	return exchange_only_reads(exchange) ? CTL_TRY_LATER : CTL_FAILED;
}

static int
say_no_answer(const struct exchange *exchange, CURLcode code)
{
	const char *url = arena_string(exchange->arena, exchange->http->shown);
	const struct trouble *trouble = trouble_of(code);
	struct span why;

	if (exchange->is_replaced)
		return ctl_error(CTL_CHANGED,
		    "the content was replaced at %s while it was being read; "
		    "repeat the command",
		    url);
	if (exchange->too_large > 0 && exchange->request->has_content)
		return ctl_fail("the answer of %s is larger than %llu MiB, "
				"more than is shown; artifactctl get takes "
				"content of any size",
		    url, (unsigned long long)exchange->too_large >> 20);
	if (exchange->too_large > 0)
		return ctl_fail("the answer of %s is larger than %llu MiB, "
				"more than a store has to say; is the URL "
				"right, with its path?",
		    url, (unsigned long long)exchange->too_large >> 20);
	if (code == CURLE_OPERATION_TIMEDOUT &&
	    ctl_http_is_late(exchange->http))
		return ctl_error(no_answer_code(exchange, code),
		    "not done in the time of --timeout, %s, waiting for %s%s",
		    ctl_value(exchange->http->ctl, "timeout"), url,
		    advice(exchange, code));
	why = reason(exchange, code);
	return ctl_error(no_answer_code(exchange, code), "%s %s (%.*s)%s%s",
	    trouble->before, url, (int)why.size, why.data, trouble->after,
	    advice(exchange, code));
}

/* ---- an answer that says no ---- */

static bool
is_json(const struct ctl_http_answer *answer)
{
	struct span type = ctl_http_header(answer, "Content-Type");

	type = span_trim(span_split(&type, ';'));
	return span_is_nocase(type, "application/json");
}

/* A text of several lines, each without what steers a terminal. */
static void
append_lines(struct buffer *sentence, struct span text)
{
	struct span line;
	size_t i;

	for (i = 0; text.data != NULL && i < LINES; i++) {
		if (i > 0)
			buffer_append_byte(sentence, '\n');
		line = span_split(&text, '\n');
		buffer_append(sentence, ctl_visible(sentence->arena, line));
	}
}

/* ["body","title"] as "body.title". */
static void
append_place(struct buffer *sentence, struct span source)
{
	struct arena *arena = sentence->arena;
	struct span *items, text;
	size_t count, i;

	if (!json_read_items(arena, source, &items, &count))
		return;
	for (i = 0; i < count; i++) {
		if (i > 0)
			buffer_append_byte(sentence, '.');
		text = json_text_of(arena, items[i]);
		if (text.data == NULL)
			text = items[i]; /* an index */
		buffer_append(sentence, ctl_visible(arena, text));
	}
	buffer_append(sentence, SPAN(": "));
}

/* The faults of a 422, one a line. */
static bool
append_faults(struct buffer *sentence, struct span source)
{
	struct arena *arena = sentence->arena;
	struct json_document fault;
	struct faults faults;
	struct span *items;
	size_t count, i;

	if (!json_read_items(arena, source, &items, &count) || count == 0)
		return false;
	faults_init(&faults, arena);
	buffer_append(sentence, SPAN("the server refuses this:"));
	for (i = 0; i < count && i < LINES; i++) {
		if (json_read(arena, items[i], &faults, &fault) != JSON_VALID ||
		    faults.count > 0)
			return false;
		buffer_append(sentence, SPAN("\n  "));
		append_place(sentence, json_get_source(&fault, "loc"));
		buffer_append(sentence,
		    ctl_visible(arena, json_get_string(&fault, "msg",
					   JSON_REQUIRED, 0, &faults)));
	}
	return true;
}

/* The server's own words; false: it has none. */
static bool
append_detail(struct buffer *sentence, const struct ctl_http_answer *answer)
{
	struct json_document document;
	struct span source, text;
	struct faults faults;

	faults_init(&faults, sentence->arena);
	if (!is_json(answer) ||
	    json_read(sentence->arena, answer->body, &faults, &document) !=
		JSON_VALID ||
	    faults.count > 0)
		return false;
	source = json_get_source(&document, "detail");
	text = json_text_of(sentence->arena, source);
	if (text.data == NULL)
		return append_faults(sentence, source);
	append_lines(sentence, text);
	return text.size > 0;
}

/* It is a redirection, or what answers is no store. */
static void
append_stranger(
    struct buffer *sentence, const struct exchange *exchange, unsigned status)
{
	struct span to = ctl_http_header(&exchange->answer, "Location");
	struct span type = ctl_http_header(&exchange->answer, "Content-Type");
	struct span url = exchange->http->shown;

	if (status >= 300 && status < 400) {
		to = ctl_visible(sentence->arena, to);
		buffer_printf(sentence,
		    "%.*s redirects to %.*s, where no request goes without "
		    "you; give the URL of the store with --url",
		    (int)url.size, url.data, (int)to.size, to.data);
		return;
	}
	type = ctl_visible(sentence->arena, type);
	if (type.size == 0)
		type = SPAN("without a type");
	buffer_printf(sentence,
	    "%.*s answers with status %u (%.*s), not as a store does; is the "
	    "URL right, with its path?",
	    (int)url.size, url.data, status, (int)type.size, type.data);
}

/* What belongs behind the server's own words. */
static void
append_advice(struct buffer *sentence, const struct ctl_http_answer *answer)
{
	struct span id = ctl_http_header(answer, "X-Request-ID");

	if (answer->status == 401 || answer->status == 403)
		buffer_append(sentence,
		    SPAN(" ($ARTIFACT_TOKEN, --header, or --cert and --key "
			 "say who you are)"));
	if (answer->status < 500 || id.size == 0)
		return;
	id = ctl_visible(sentence->arena, id);
	buffer_printf(sentence, " (status %u, request %.*s in the log)",
	    answer->status, (int)id.size, id.data);
}

/* Did bytes not match their digest, on their way or at rest? */
static bool
is_integrity(unsigned status, struct span sentence)
{
	return (status == 400 || status == 500) &&
	       memmem(sentence.data, sentence.size, "does not match", 14) !=
		   NULL;
}

/* What a script can tell by it. 404 is one only from a store. */
static int
refusal_code(unsigned status)
{
	switch (status) {
	case 409:
		return CTL_AMBIGUOUS;
	case 412:
		return CTL_CHANGED;
	case 429:
	case 502:
	case 503:
	case 504:
		return CTL_TRY_LATER;
	default:
		return CTL_FAILED;
	}
}

static int
say_refusal(const struct exchange *exchange)
{
	const struct ctl_http_answer *answer = &exchange->answer;
	int exit_code = refusal_code(answer->status);
	struct buffer sentence;

	buffer_init(&sentence, exchange->arena);
	/* This is what no path at all answers. */
	if (append_detail(&sentence, answer) &&
	    !span_is(buffer_span(&sentence), "Not Found")) {
		append_advice(&sentence, answer);
		if (answer->status == 404)
			exit_code = CTL_NOT_FOUND;
		if (is_integrity(answer->status, buffer_span(&sentence)))
			exit_code = CTL_INTEGRITY;
	} else if (strcmp(exchange->request->method, "HEAD") == 0) {
		buffer_clear(&sentence); /* such an answer has no words */
		buffer_printf(&sentence, "%.*s answers %u",
		    (int)exchange->http->shown.size, exchange->http->shown.data,
		    answer->status);
		append_advice(&sentence, answer);
	} else {
		buffer_clear(&sentence);
		append_stranger(&sentence, exchange, answer->status);
	}
	return ctl_error(exit_code, "%.*s", (int)sentence.size, sentence.data);
}

/* ---- what came of it ---- */

static bool
is_good(const struct exchange *exchange)
{
	const struct ctl_http_request *request = exchange->request;
	const struct ctl_http_answer *answer = &exchange->answer;

	if (answer->status == 404 && request->may_be_missing)
		return is_json(answer);
	if (answer->status == 404 || answer->status == 405)
		return request->may_be_no_path;
	return answer->status >= 200 && answer->status < 300 &&
	       (request->sink != NULL || request->is_any_type ||
		   is_json(answer));
}

int
exchange_conclude(struct exchange *exchange, CURLcode code,
    struct ctl_http_answer *ret_answer)
{
	if (exchange->is_refused)
		return CTL_FAILED; /* who refused has said why */
	if (exchange->request->may_fail && code != CURLE_OK) {
		*ret_answer = (struct ctl_http_answer){ 0 };
		return CTL_OK;
	}
	if (code != CURLE_OK || exchange->is_replaced)
		return say_no_answer(exchange, code);
	exchange->answer.body = buffer_span(&exchange->body);
	if (!date_parse(ctl_http_header(&exchange->answer, "Date"),
		&exchange->http->server_time))
		exchange->http->server_time = 0;
	if (!exchange->request->may_fail && !is_good(exchange))
		return say_refusal(exchange);
	*ret_answer =
	    exchange->delivered > 0 ? exchange->first : exchange->answer;
	return CTL_OK;
}

struct span
exchange_trouble(const struct exchange *exchange, CURLcode code)
{
	struct span url = exchange->http->shown;
	struct span why;

	if (code == CURLE_OK)
		return arena_printf(exchange->arena, "%.*s answers %u",
		    (int)url.size, url.data, exchange->answer.status);
	why = reason(exchange, code);
	return arena_printf(exchange->arena, "%.*s: %.*s", (int)url.size,
	    url.data, (int)why.size, why.data);
}
