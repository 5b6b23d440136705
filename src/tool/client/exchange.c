/* SPDX-License-Identifier: ISC */
/*
 * exchange.c - one request and its answer, on a handle of libcurl: set up a
 * try, decide whether another try follows, and turn the end into an exit code
 * and a sentence.
 */

#include "exchange.h"

#include "http_text.h"
#include "tool/output.h"
#include "base/digest.h"
#include "base/scoreboard.h"
#include "protocol/date.h"
#include "protocol/header.h"
#include "protocol/json.h"

#include <stdlib.h>

#define CONTENT_MOST (UINT64_C(1) << 30) /* json-c takes 2 GiB */
#define ANSWER_MOST (UINT64_C(16) << 20) /* a page of a list has 2 MiB */
#define CONNECT_SECONDS 10L
/* Longer than the time limits of the server: its answer, which tells why a
 * request ended, comes before we give up. */
#define STALL_SECONDS 150L
#define BUFFER_SIZE 262144L
#define TRIES_UNREACHABLE 4
#define TRIES_BUSY 6
#define WAIT_FIRST 500L /* ms; it doubles */
#define WAIT_MOST 30	/* s; a longer Retry-After is an error */
#define LINES 20	/* of what a server says */

#ifndef PACKAGE_VERSION
#define PACKAGE_VERSION "unknown"
#endif

void
exchange_init(struct exchange *exchange, struct ctl_http *http,
    const struct ctl_http_request *request, struct arena *arena, CURL *easy)
{
	*exchange = (struct exchange){
		.http = http, .request = request, .arena = arena, .easy = easy
	};
}

/* The ETag that a download began with; SPAN_NONE: it had none, or a weak one,
 * which does not promise the same bytes. */
static struct span
etag_of(const struct exchange *exchange)
{
	struct span etag = ctl_http_header(&exchange->first, "ETag");

	return span_starts_with(etag, "\"") ? etag : SPAN_NONE;
}

/* Does the request change nothing, so that it may be sent any number of
 * times? */
static bool
only_reads(const struct exchange *exchange)
{
	const char *method = exchange->request->method;

	return strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;
}

/* libcurl refuses an option only if we made a mistake, or memory ran out. */
#define SET(exchange, option, value) \
	do { \
		if (curl_easy_setopt((exchange)->easy, option, value) != \
		    CURLE_OK) \
			abort(); \
	} while (0)

/* ---- what comes back ---- */

static bool
is_success(const struct ctl_http_answer *answer)
{
	return answer->status >= 200 && answer->status < 300;
}

/* A status line begins an answer. Forget the headers of the one before, which
 * was 100 Continue. */
static void
begin_answer(struct exchange *exchange)
{
	long status = 0;

	(void)curl_easy_getinfo(
	    exchange->easy, CURLINFO_RESPONSE_CODE, &status);
	exchange->answer.header_count = 0;
	exchange->answer.status = (unsigned)status;
}

static size_t
keep_header(char *data, size_t one, size_t size, void *object)
{
	struct exchange *exchange = object;
	struct ctl_http_answer *answer = &exchange->answer;
	struct span value = span_of(data, size);
	struct span name;

	(void)one;
	while (value.size > 0 && (value.data[value.size - 1] == '\n' ||
				     value.data[value.size - 1] == '\r'))
		value.size--;
	if (span_starts_with(value, "HTTP/")) {
		begin_answer(exchange);
		return size;
	}
	name = span_split(&value, ':');
	if (value.data != NULL &&
	    answer->header_count <
		sizeof(answer->headers) / sizeof(answer->headers[0]))
		answer->headers[answer->header_count++] =
		    (struct ctl_http_header){ arena_copy(exchange->arena, name),
			    arena_copy(exchange->arena, span_trim(value)) };
	return size;
}

/* Is the answer a 206 that begins at the byte where the last try was cut
 * off? */
static bool
goes_on(const struct exchange *exchange)
{
	struct span wanted = arena_printf(exchange->arena, "bytes %llu-",
	    (unsigned long long)exchange->delivered);

	return exchange->answer.status == 206 &&
	       span_starts_with(
		   ctl_http_header(&exchange->answer, "Content-Range"),
		   wanted.data);
}

static bool
deliver(struct exchange *exchange, struct span piece)
{
	if (!exchange->request->sink(exchange->request->context, piece)) {
		exchange->is_refused = true;
		return false;
	}
	exchange->delivered += piece.size;
	return true;
}

static size_t
receive_body(char *data, size_t one, size_t size, void *object)
{
	struct exchange *exchange = object;
	uint64_t most =
	    exchange->request->has_content ? CONTENT_MOST : ANSWER_MOST;

	(void)one;
	if (exchange->request->sink != NULL && is_success(&exchange->answer))
		return deliver(exchange, span_of(data, size)) ? size : 0;
	if (size > most - exchange->body.size) {
		exchange->too_large = most;
		return 0;
	}
	buffer_append(&exchange->body, span_of(data, size));
	return size;
}

/* The headers of a 2xx are complete: the content begins, or goes on after a
 * try that was cut off. false: it is not wanted. */
static bool
begin_download(struct exchange *exchange)
{
	const struct ctl_http_request *request = exchange->request;

	if (exchange->delivered > 0) {
		exchange->is_replaced = !goes_on(exchange);
		return !exchange->is_replaced;
	}
	exchange->first = exchange->answer;
	if (request->begin != NULL && !exchange->has_begun &&
	    !request->begin(request->context, &exchange->answer))
		exchange->is_refused = true;
	exchange->has_begun = true;
	return !exchange->is_refused;
}

/* libcurl gives each header line, and the empty line behind the last one. */
static size_t
receive_header(char *data, size_t one, size_t size, void *object)
{
	struct exchange *exchange = object;
	bool is_end = data[0] == '\n' || (size == 2 && data[0] == '\r');

	if (!is_end)
		return keep_header(data, one, size, object);
	if (exchange->request->only_announces && exchange->answer.status == 100)
		return 0; /* end the request before the body is sent */
	if (exchange->request->sink == NULL || !is_success(&exchange->answer))
		return size;
	return begin_download(exchange) ? size : 0;
}

/* ---- what is sent ---- */

/* Where libcurl is in the file that it sends. */
struct reader {
	struct exchange *exchange;
	const struct ctl_http_part *part;
	uint64_t offset;
};

/* Give libcurl exactly the size that was announced: with one byte more the
 * server could not read the form. */
static size_t
read_part(char *room, size_t one, size_t size, void *object)
{
	struct reader *reader = object;
	const struct ctl_http_part *part = reader->part;
	struct exchange *exchange = reader->exchange;
	uint64_t left = part->size - reader->offset;
	ssize_t count;

	if (left == 0)
		return 0;
	size *= one;
	count = part->read(part->context, room,
	    size < left ? size : (size_t)left, reader->offset);
	if (count <= 0) {
		exchange->is_refused = true;
		/* With 0 libcurl would wait for more bytes, and the server
		 * too. */
		return CURL_READFUNC_ABORT;
	}
	reader->offset += (uint64_t)count;
	exchange->sent += (uint64_t)count;
	if (exchange->request->progress != NULL)
		ctl_progress_add(exchange->request->progress, (uint64_t)count);
	return (size_t)count;
}

static int
seek_part(void *object, curl_off_t offset, int origin)
{
	struct reader *reader = object;

	if (origin != SEEK_SET || offset < 0)
		return CURL_SEEKFUNC_CANTSEEK;
	reader->offset = (uint64_t)offset;
	return CURL_SEEKFUNC_OK;
}

/* Append a line to a list of libcurl. */
static struct curl_slist *
with_line(struct curl_slist *list, const char *line)
{
	struct curl_slist *longer = curl_slist_append(list, line);

	if (longer == NULL)
		abort();
	return longer;
}

/* Write the name of the file as our answers do, since that form takes any
 * name. */
static const char *
file_disposition(struct exchange *exchange, const struct ctl_http_part *part)
{
	struct span text = header_disposition(
	    exchange->arena, false, span_str(part->filename));
	size_t type = span_find(text, ';');

	return arena_printf(exchange->arena,
	    "Content-Disposition: form-data; name=\"%s\"%.*s", part->name,
	    (int)(text.size - type), text.data + type)
	    .data;
}

static void
add_file(struct exchange *exchange, curl_mimepart *mime,
    const struct ctl_http_part *part)
{
	struct arena *arena = exchange->arena;
	struct reader *reader = arena_alloc(arena, sizeof(*reader));
	struct curl_slist *lines;
	struct span hash;

	*reader = (struct reader){ .exchange = exchange, .part = part };
	lines = with_line(NULL, file_disposition(exchange, part));
	if (part->hash != NULL) {
		hash = digest_base64(
		    arena, span_of(part->hash, DIGEST_SHA256_SIZE));
		lines = with_line(
		    lines, arena_printf(arena, "Repr-Digest: sha-256=:%.*s:",
			       (int)hash.size, hash.data)
			       .data);
	}
	/* The part owns the lines. */
	if (curl_mime_data_cb(mime, (curl_off_t)part->size, read_part,
		seek_part, NULL, reader) != CURLE_OK ||
	    curl_mime_headers(mime, lines, 1) != CURLE_OK ||
	    curl_mime_type(mime, part->content_type) != CURLE_OK)
		abort();
}

static void
add_part(struct exchange *exchange, const struct ctl_http_part *part)
{
	curl_mimepart *mime = curl_mime_addpart(exchange->mime);

	if (mime == NULL || curl_mime_name(mime, part->name) != CURLE_OK)
		abort();
	if (part->filename != NULL)
		add_file(exchange, mime, part);
	else if (curl_mime_data(mime, part->text.data, part->text.size) !=
		 CURLE_OK)
		abort();
}

static void
set_body(struct exchange *exchange)
{
	const struct ctl_http_request *request = exchange->request;
	size_t i;

	if (request->json.data != NULL) {
		SET(exchange, CURLOPT_POSTFIELDSIZE_LARGE,
		    (curl_off_t)request->json.size);
		SET(exchange, CURLOPT_POSTFIELDS, request->json.data);
		exchange->headers = with_line(
		    exchange->headers, "Content-Type: application/json");
	}
	if (request->part_count > 0) {
		exchange->mime = curl_mime_init(exchange->easy);
		if (exchange->mime == NULL)
			abort();
		for (i = 0; i < request->part_count; i++)
			add_part(exchange, &request->parts[i]);
		SET(exchange, CURLOPT_MIMEPOST, exchange->mime);
	}
	if (request->only_announces) {
		/* HTTP/2 has no 100 Continue. */
		SET(exchange, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
		SET(exchange, CURLOPT_EXPECT_100_TIMEOUT_MS, 600000L);
		exchange->headers =
		    with_line(exchange->headers, "Expect: 100-continue");
	}
	SET(exchange, CURLOPT_CUSTOMREQUEST, request->method);
	if (strcmp(request->method, "HEAD") == 0)
		SET(exchange, CURLOPT_NOBODY, 1L);
}

static void
set_headers(struct exchange *exchange)
{
	struct arena *arena = exchange->arena;
	struct span etag = etag_of(exchange);
	const char *const *line;
	size_t i;

	for (i = 0; i < exchange->http->header_count; i++)
		exchange->headers =
		    with_line(exchange->headers, exchange->http->headers[i]);
	for (line = exchange->request->headers; *line != NULL; line++)
		exchange->headers = with_line(exchange->headers, *line);
	if (exchange->delivered > 0) {
		exchange->headers = with_line(exchange->headers,
		    arena_printf(arena, "Range: bytes=%llu-",
			(unsigned long long)exchange->delivered)
			.data);
		exchange->headers = with_line(
		    exchange->headers, arena_printf(arena, "If-Range: %.*s",
					   (int)etag.size, etag.data)
					   .data);
	}
	SET(exchange, CURLOPT_HTTPHEADER, exchange->headers);
}

static void
set_connection(struct exchange *exchange)
{
	const struct ctl *ctl = exchange->http->ctl;
	int64_t left; /* ms */

	SET(exchange, CURLOPT_PROTOCOLS_STR, "http,https");
	SET(exchange, CURLOPT_CONNECTTIMEOUT, CONNECT_SECONDS);
	SET(exchange, CURLOPT_LOW_SPEED_LIMIT, 1L);
	SET(exchange, CURLOPT_LOW_SPEED_TIME, STALL_SECONDS);
	if (exchange->http->deadline != 0) {
		left = (exchange->http->deadline - scoreboard_now()) / 1000;
		SET(exchange, CURLOPT_TIMEOUT_MS, left > 0 ? (long)left : 1L);
	}
	SET(exchange, CURLOPT_NOSIGNAL, 1L);
	SET(exchange, CURLOPT_PATH_AS_IS, 1L);
	SET(exchange, CURLOPT_BUFFERSIZE, BUFFER_SIZE);
	SET(exchange, CURLOPT_UPLOAD_BUFFERSIZE, BUFFER_SIZE);
	SET(exchange, CURLOPT_USERAGENT, "artifactctl/" PACKAGE_VERSION);
	if (exchange->http->is_loopback || exchange->http->is_stranger)
		SET(exchange, CURLOPT_NOPROXY, "*");
	if (exchange->http->is_stranger) {
		SET(exchange, CURLOPT_SSL_VERIFYPEER, 0L);
		SET(exchange, CURLOPT_SSL_VERIFYHOST, 0L);
		return; /* doctor, which asks so, lacks the options below */
	}
	if (ctl_has(ctl, "cacert"))
		SET(exchange, CURLOPT_CAINFO, ctl_value(ctl, "cacert"));
	if (ctl_has(ctl, "cert"))
		SET(exchange, CURLOPT_SSLCERT, ctl_value(ctl, "cert"));
	if (ctl_has(ctl, "key"))
		SET(exchange, CURLOPT_SSLKEY, ctl_value(ctl, "key"));
}

void
exchange_prepare(struct exchange *exchange)
{
	struct span base = exchange->http->base;
	struct span path = exchange->request->path;
	struct span url = arena_printf(exchange->arena, "%.*s%.*s",
	    (int)base.size, base.data, (int)path.size, path.data);

	exchange->tries++;
	if (exchange->request->progress != NULL)
		ctl_progress_take_back(
		    exchange->request->progress, exchange->sent);
	exchange->sent = 0;
	exchange->answer = (struct ctl_http_answer){ 0 };
	exchange->error[0] = '\0';
	buffer_init(&exchange->body, exchange->arena);
	curl_easy_reset(exchange->easy);
	SET(exchange, CURLOPT_URL, url.data);
	SET(exchange, CURLOPT_ERRORBUFFER, exchange->error);
	SET(exchange, CURLOPT_HEADERFUNCTION, receive_header);
	SET(exchange, CURLOPT_HEADERDATA, exchange);
	SET(exchange, CURLOPT_WRITEFUNCTION, receive_body);
	SET(exchange, CURLOPT_WRITEDATA, exchange);
	SET(exchange, CURLOPT_PRIVATE, exchange);
	set_connection(exchange);
	set_body(exchange);
	set_headers(exchange);
}

void
exchange_release(struct exchange *exchange)
{
	curl_slist_free_all(exchange->headers);
	curl_mime_free(exchange->mime);
	exchange->headers = NULL;
	exchange->mime = NULL;
}

/* ---- does another try follow? ---- */

/* Was the connection lost in the middle of a request? */
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

/* May the request be sent again, without doing its work twice? */
static bool
is_harmless(const struct exchange *exchange, CURLcode code)
{
	const struct ctl_http_request *request = exchange->request;

	if (exchange->is_refused || exchange->too_large > 0 ||
	    exchange->is_replaced)
		return false;
	if (code == CURLE_COULDNT_CONNECT)
		return true; /* no server has seen the request */
	if (!request->is_repeatable && !only_reads(exchange))
		return false;
	return exchange->delivered == 0 || etag_of(exchange).data != NULL;
}

/* May the next try go well, and is there one left? */
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
	/* A worker may die of one artifact, and serve the others. */
	if (code != CURLE_OK)
		return !was_cut_off(code);
	return status == 401 || status == 403 || status == 507 ||
	       is_busy(status);
}

/* ---- no answer ---- */

/* What we say of a code: "<before> <URL> (<libcurl's words>)<after>". */
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

	for (i = 0; i < COUNT_OF(troubles); i++)
		if (troubles[i].code == code)
			return &troubles[i];
	return &cut_off;
}

/* The words of libcurl; of a connection that failed, those of the system. */
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

/* What to do about a request whose answer never came. */
static const char *
advice(const struct exchange *exchange, CURLcode code)
{
	if (trouble_of(code) != &cut_off && code != CURLE_OPERATION_TIMEDOUT)
		return "";
	if (!only_reads(exchange))
		return "; the change may have happened or not: look before you "
		       "repeat it";
	return code == CURLE_OPERATION_TIMEDOUT ? "" : "; repeat the command";
}

/*
 * The exit code of a request without an answer. One that only reads may be
 * repeated later. One that changes something may have done so once there was a
 * connection: a person has to look before repeating it.
 */
static int
no_answer_code(const struct exchange *exchange, CURLcode code)
{
	if (code == CURLE_COULDNT_CONNECT)
		return CTL_TRY_LATER;
	if (trouble_of(code) != &cut_off && code != CURLE_OPERATION_TIMEDOUT)
		return CTL_FAILED;
	return only_reads(exchange) ? CTL_TRY_LATER : CTL_FAILED;
}

static int
say_no_answer(const struct exchange *exchange, CURLcode code)
{
	const char *url = exchange->http->shown.data;
	const struct trouble *trouble = trouble_of(code);

	if (exchange->is_replaced)
		return ctl_error(CTL_CHANGED,
		    "the content was replaced at %s while it was being read; "
		    "repeat the command",
		    url);
	if (exchange->too_large > 0)
		return ctl_fail("the answer of %s is larger than %llu MiB, "
				"%s",
		    url, (unsigned long long)exchange->too_large >> 20,
		    exchange->request->has_content
			? "more than is shown; artifactctl get takes content "
			  "of any size"
			: "more than a store has to say; is the URL right, "
			  "with its path?");
	if (code == CURLE_OPERATION_TIMEDOUT &&
	    ctl_http_is_late(exchange->http))
		return ctl_error(no_answer_code(exchange, code),
		    "not done in the time of --timeout, %s, waiting for %s%s",
		    ctl_value(exchange->http->ctl, "timeout"), url,
		    advice(exchange, code));
	return ctl_error(no_answer_code(exchange, code), "%s %s (%s)%s%s",
	    trouble->before, url, reason(exchange, code).data, trouble->after,
	    advice(exchange, code));
}

/* ---- an answer that is an error ---- */

static bool
is_json(const struct ctl_http_answer *answer)
{
	return header_media_is(
	    ctl_http_header(answer, "Content-Type"), "application/json");
}

/* Append a text line by line, without what would steer a terminal. */
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
			text = items[i]; /* a number: an index in a list */
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
	struct span *items;
	size_t count, i;

	if (!json_read_items(arena, source, &items, &count) || count == 0)
		return false;
	buffer_append(sentence, SPAN("the server refuses this:"));
	for (i = 0; i < count && i < LINES; i++) {
		if (!json_read_object(arena, items[i], &fault))
			return false;
		buffer_append(sentence, SPAN("\n  "));
		append_place(sentence, json_get_source(&fault, "loc"));
		buffer_append(
		    sentence, ctl_visible(arena, json_get_text(&fault, "msg")));
	}
	return true;
}

/* Append the server's own words; false: its answer has none. */
static bool
append_detail(struct buffer *sentence, const struct ctl_http_answer *answer)
{
	struct json_document document;
	struct span text;

	if (!is_json(answer) ||
	    !json_read_object(sentence->arena, answer->body, &document))
		return false;
	text = json_get_text(&document, "detail");
	if (text.data == NULL)
		return append_faults(
		    sentence, json_get_source(&document, "detail"));
	append_lines(sentence, text);
	return text.size > 0;
}

/* Say that the answer is a redirection, or does not come from a store. */
static void
append_stranger(
    struct buffer *sentence, const struct exchange *exchange, unsigned status)
{
	struct span to = ctl_http_header(&exchange->answer, "Location");
	struct span type = ctl_http_header(&exchange->answer, "Content-Type");
	const char *url = exchange->http->shown.data;

	if (status >= 300 && status < 400) {
		buffer_printf(sentence,
		    "%s redirects to %s, where no request goes without you; "
		    "give the URL of the store with --url",
		    url, ctl_visible(sentence->arena, to).data);
		return;
	}
	if (type.size == 0)
		type = SPAN("without a type");
	buffer_printf(sentence,
	    "%s answers with status %u (%s), not as a store does; is the URL "
	    "right, with its path?",
	    url, status, ctl_visible(sentence->arena, type).data);
}

/* Add what to do: tell the server who asks, or look into its log. */
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
	buffer_printf(sentence, " (status %u, request %s in the log)",
	    answer->status, ctl_visible(sentence->arena, id).data);
}

/* Does the server say that bytes do not match their digest? They were changed
 * on their way, or in the store. */
static bool
is_integrity(unsigned status, struct span sentence)
{
	return (status == 400 || status == 500) &&
	       memmem(sentence.data, sentence.size, "does not match", 14) !=
		   NULL;
}

/* The exit code of a status. 404 is not here: it means "not found" only if the
 * answer comes from a store. */
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
	/* A server without such a path says no more than "Not Found". */
	if (append_detail(&sentence, answer) &&
	    !span_is(buffer_span(&sentence), "Not Found")) {
		append_advice(&sentence, answer);
		if (answer->status == 404)
			exit_code = CTL_NOT_FOUND;
		if (is_integrity(answer->status, buffer_span(&sentence)))
			exit_code = CTL_INTEGRITY;
	} else if (strcmp(exchange->request->method, "HEAD") == 0) {
		buffer_clear(&sentence); /* answers to HEAD have no body */
		buffer_printf(&sentence, "%s answers %u",
		    exchange->http->shown.data, answer->status);
		append_advice(&sentence, answer);
	} else {
		buffer_clear(&sentence);
		append_stranger(&sentence, exchange, answer->status);
	}
	return ctl_error(exit_code, "%.*s", (int)sentence.size, sentence.data);
}

/* ---- the end of a request ---- */

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
	if (exchange->request->may_fail && code != CURLE_OK) {
		*ret_answer = (struct ctl_http_answer){
			.status = exchange->answer.status == 100 ? 100 : 0,
			.body = reason(exchange, code),
		};
		return CTL_OK;
	}
	if (exchange->is_refused)
		return CTL_FAILED; /* the callback has said why */
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

void
exchange_tell_wait(const struct exchange *exchange, CURLcode code, long wait)
{
	const char *url = exchange->http->shown.data;
	double seconds = (double)wait / 1000;

	if (code == CURLE_OK)
		(void)ctl_error(CTL_OK, "%s answers %u; trying again in %.1f s",
		    url, exchange->answer.status, seconds);
	else
		(void)ctl_error(CTL_OK, "%s: %s; trying again in %.1f s", url,
		    reason(exchange, code).data, seconds);
}
