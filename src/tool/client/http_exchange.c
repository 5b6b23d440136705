/* SPDX-License-Identifier: ISC */
/*
 * http_exchange.c - one request and its answer, on a handle of libcurl.
 * Says nothing to anybody.
 */

#include "http_state.h"

#include "protocol/header.h"
#include "base/scoreboard.h"

#include <stdlib.h>

#define CONTENT_MOST (UINT64_C(1) << 30) /* json-c takes 2 GiB */
#define ANSWER_MOST (UINT64_C(16) << 20) /* a page of a list has 2 MiB */
#define CONNECT_SECONDS 10L
/* Longer than the server lets a request take: it says why. */
#define STALL_SECONDS 150L
#define BUFFER_SIZE 262144L

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

/* An option that libcurl refuses is a mistake of ours, or no memory. */
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

/* It begins, perhaps anew: 100 comes before the answer proper. */
static void
take_status(struct exchange *exchange)
{
	long status = 0;

	(void)curl_easy_getinfo(
	    exchange->easy, CURLINFO_RESPONSE_CODE, &status);
	exchange->answer.header_count = 0;
	exchange->answer.status = (unsigned)status;
}

static size_t
take_header(char *data, size_t one, size_t size, void *object)
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
		take_status(exchange);
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

/* Does a 206 go on exactly where the last try was cut off? */
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
take_body(char *data, size_t one, size_t size, void *object)
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

/* The headers of a 2xx are complete, for the first time or once more. */
static bool
begin(struct exchange *exchange)
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

/* libcurl tells of the empty line that ends the headers as of any other. */
static size_t
take_header_line(char *data, size_t one, size_t size, void *object)
{
	struct exchange *exchange = object;
	bool is_end = data[0] == '\n' || (size == 2 && data[0] == '\r');

	if (!is_end)
		return take_header(data, one, size, object);
	if (exchange->request->sink == NULL || !is_success(&exchange->answer))
		return size;
	return begin(exchange) ? size : 0;
}

/* ---- what is sent ---- */

/* The bytes of a file as libcurl asks for them. */
struct reader {
	struct exchange *exchange;
	const struct ctl_http_part *part;
	uint64_t offset;
};

/* What libcurl gets stops at the size that was told before: a byte more, and
 * the form would be none. */
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
		return CURL_READFUNC_ABORT; /* or both sides would wait */
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

/* A list of libcurl's with one more line. */
static struct curl_slist *
with_line(struct curl_slist *list, const char *line)
{
	struct curl_slist *longer = curl_slist_append(list, line);

	if (longer == NULL)
		abort();
	return longer;
}

/* Named as an answer would name it: any name of a file fits in. */
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
	struct reader *reader = arena_alloc(exchange->arena, sizeof(*reader));
	struct curl_slist *lines;

	*reader = (struct reader){ .exchange = exchange, .part = part };
	lines = with_line(NULL, file_disposition(exchange, part));
	if (part->digest.data != NULL)
		lines = with_line(
		    lines, arena_printf(exchange->arena, "Repr-Digest: %.*s",
			       (int)part->digest.size, part->digest.data)
			       .data);
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
	SET(exchange, CURLOPT_CUSTOMREQUEST, request->method);
	if (strcmp(request->method, "HEAD") == 0)
		SET(exchange, CURLOPT_NOBODY, 1L);
}

static void
set_headers(struct exchange *exchange)
{
	struct arena *arena = exchange->arena;
	struct span etag = exchange_etag(exchange);
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
		return; /* nor has its command the options below */
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
	SET(exchange, CURLOPT_HEADERFUNCTION, take_header_line);
	SET(exchange, CURLOPT_HEADERDATA, exchange);
	SET(exchange, CURLOPT_WRITEFUNCTION, take_body);
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
