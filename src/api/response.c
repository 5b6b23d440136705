/* SPDX-License-Identifier: ISC */
/*
 * response.c - answers: headers, JSON bodies, what each outcome of the store
 * means to a client, and how an answer is written out. condition.c judges the
 * conditions of a request.
 */

#include "response.h"

#include "protocol/utf8.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

#define PIECE 65536 /* bytes of content that are read and written at once */
#define DETAIL 200  /* bytes of an error's sentence that the log has */

void
response_init(struct response *response, struct arena *arena)
{
	*response = (struct response){ .arena = arena, .text = SPAN("") };
}

static const struct {
	int status;
	const char *reason;
} reasons[] = {
	{ 200, "OK" },
	{ 201, "Created" },
	{ 206, "Partial Content" },
	{ 304, "Not Modified" },
	{ 307, "Temporary Redirect" },
	{ 400, "Bad Request" },
	{ 404, "Not Found" },
	{ 405, "Method Not Allowed" },
	{ 409, "Conflict" },
	{ 411, "Length Required" },
	{ 412, "Precondition Failed" },
	{ 413, "Content Too Large" },
	{ 415, "Unsupported Media Type" },
	{ 416, "Range Not Satisfiable" },
	{ 422, "Unprocessable Content" },
	{ 500, "Internal Server Error" },
	{ 503, "Service Unavailable" },
	{ 507, "Insufficient Storage" },
};

const char *
response_reason(int status)
{
	size_t i;

	for (i = 0; i < sizeof(reasons) / sizeof(*reasons); i++)
		if (reasons[i].status == status)
			return reasons[i].reason;
	return "";
}

void
response_header(struct response *response, const char *name, struct span value)
{
	struct header *header;

	assert(response->header_count < RESPONSE_HEADERS);
	assert(!span_has_control(value));
	header = &response->headers[response->header_count++];
	header->name = name;
	header->value = value;
}

void
response_caching(struct response *response, const struct request *request)
{
	if (request_is_read(request))
		response_header(response, "Cache-Control",
		    request->user.size > 0 ? SPAN("private, no-cache")
					   : SPAN("no-cache"));
}

void
response_json_text(struct response *response, int status, struct span text)
{
	response->status = status;
	response->kind = RESPONSE_TEXT;
	response->text = text;
	response_header(response, "Content-Type", SPAN("application/json"));
}

void
response_json(struct response *response, int status, struct json_value *value)
{
	response_json_text(response, status, json_text(response->arena, value));
}

/* ---- errors ---- */

/* Drop the headers first: a handler may have put those of a success, such as
 * ETag, which must not stand in an error. detail is for the log. */
static void
error_body(
    struct response *response, int status, struct span text, struct span detail)
{
	response->header_count = 0;
	response->detail = utf8_cut(detail, DETAIL);
	response_json_text(response, status, text);
}

void
response_detail(struct response *response, int status, struct span detail)
{
	detail = utf8_repair(response->arena, detail);
	error_body(
	    response, status, json_detail(response->arena, detail), detail);
}

void
response_error(struct response *response, int status, const char *format, ...)
{
	va_list list, again;
	char *text;
	int size;

	va_start(list, format);
	va_copy(again, list);
	size = vsnprintf(NULL, 0, format, list);
	va_end(list);
	assert(size >= 0);
	text = arena_alloc(response->arena, (size_t)size + 1);
	(void)vsnprintf(text, (size_t)size + 1, format, again);
	va_end(again);
	response_detail(response, status, span_of(text, (size_t)size));
}

void
response_faults(struct response *response, const struct faults *faults)
{
	error_body(response, 422, faults_json(faults), faults_first(faults));
}

void
response_coded(struct response *response, struct span content_encoding)
{
	struct span coding =
	    utf8_cut(utf8_repair(response->arena, content_encoding), 60);

	response_error(response, 415,
	    "Content-Encoding: %.*s is not taken, the bytes would become the "
	    "content as they are: send them without a content coding. Nothing "
	    "was stored.",
	    (int)coding.size, coding.data);
	/* RFC 9110, 12.5.3: tell with a 415 which coding is taken. */
	response_header(response, "Accept-Encoding", SPAN("identity"));
}

/* ---- outcomes ---- */

struct meaning {
	int status;
	const char *retry_after; /* seconds, or NULL */
	const char *text;
};

static const struct meaning meanings[RESULT_COUNT] = {
	[RESULT_END] = { 500, NULL, "Internal error: the data ended early." },
	[RESULT_NOT_FOUND] = { 404, NULL, "Artifact not found: " },
	[RESULT_EXISTS] = { 503, "1",
	    "The id drawn for the new artifact is taken. Nothing was stored; "
	    "repeat the request to draw another." },
	[RESULT_PRECONDITION] = { 412, NULL,
	    "What is there is not in the state that If-Match, If-None-Match or "
	    "If-Unmodified-Since asks for. Nothing was changed; read it again "
	    "and decide anew." },
	[RESULT_MISMATCH] = { 422, NULL,
	    "This Idempotency-Key was used for a request that means something "
	    "else. Send a new key for a new request." },
	[RESULT_NO_SPACE] = { 507, NULL,
	    "The disk or the store is full, so creates and uploads are "
	    "refused; reads and deletes still work. Nothing was stored. Free "
	    "space on the disk, or lower the setting `reserve`." },
	[RESULT_QUOTA] = { 507, NULL,
	    "This content would pass the quota for all content together; "
	    "reads and deletes still work. Nothing was stored. Delete "
	    "artifacts, or raise the setting `max_bytes`." },
	[RESULT_CLOCK] = { 503, "60",
	    "The newest artifact is more than a day ahead of this host's "
	    "clock, so creates are refused; nothing was stored. Set the clock "
	    "right, or wait until it has caught up." },
	[RESULT_STALE] = { 503, "1",
	    "The upload lost its place in the store. Nothing was stored; "
	    "repeat the request." },
	[RESULT_GONE] = { 503, "1",
	    "The content was replaced or deleted while it was being read; "
	    "repeat the request." },
	[RESULT_MALFORMED] = { 400, NULL,
	    "There was an error parsing the body" },
	[RESULT_TOO_LARGE] = { 413, NULL,
	    "The request is larger than this service takes. Nothing was "
	    "stored." },
	[RESULT_UNAVAILABLE] = { 503, "1",
	    "The store cannot be reached at the moment. Nothing happened; "
	    "repeat the request." },
	[RESULT_UNKNOWN] = { 503, "1",
	    "The outcome is not known: the change may have happened or not. "
	    "Repeating it is safe with the same Idempotency-Key." },
	[RESULT_DAMAGED] = { 500, NULL,
	    "Stored data does not match its check and is not handed out. An "
	    "operator has to look at the log." },
	[RESULT_IO] = { 500, NULL,
	    "The store failed. An operator has to look at the log." },
	[RESULT_STALLED] = { 503, "1",
	    "The rest of the request did not come within `io_timeout`. "
	    "Nothing was stored; repeat the request." },
};

void
response_shortage(struct response *response, const struct shortage *shortage)
{
	unsigned long long have = shortage->have, limit = shortage->limit;
	struct span rest = SPAN("so creates and uploads are refused");

	if (shortage->reusable > 0)
		rest = arena_printf(response->arena,
		    "and %llu within the store's own file can be written "
		    "again, too little, or too scattered, for this content",
		    (unsigned long long)shortage->reusable);
	else if (have > limit)
		rest = SPAN("and the rest is too little for this content");
	if (have == 0 && limit == 0)
		return;
	if (response->cause == RESULT_QUOTA)
		response_error(response, 507,
		    "%llu of the %llu bytes that the setting `max_bytes` "
		    "allows all content together are in use, and this would "
		    "pass it; reads and deletes still work. Nothing was "
		    "stored. Delete artifacts, or raise `max_bytes`.",
		    have, limit);
	else
		response_error(response, 507,
		    "%llu bytes are free on the disk, of which the setting "
		    "`reserve` keeps %llu, %.*s; reads and deletes still work. "
		    "Nothing was stored. Free space on the disk, delete "
		    "artifacts, or lower `reserve`.",
		    have, limit, (int)rest.size, rest.data);
}

static void
key_mismatch(struct response *response, const char *text)
{
	struct faults faults;

	faults_init(&faults, response->arena);
	faults_add(&faults, (struct fault){
				.type = "idempotency_mismatch",
				.message = text,
				.area = "header",
				.name = SPAN("Idempotency-Key"),
			    });
	response_faults(response, &faults);
}

static void
not_found(struct response *response, const char *text, struct span given)
{
	struct buffer detail;

	buffer_init(&detail, response->arena);
	buffer_append(&detail, span_str(text));
	buffer_append(&detail, given);
	response_detail(response, 404, buffer_span(&detail));
}

void
response_result(
    struct response *response, enum result result, struct span given)
{
	const struct meaning *meaning;

	assert(result > RESULT_OK && result < RESULT_COUNT);
	meaning = &meanings[result];
	assert(meaning->text != NULL);

	if (result == RESULT_NOT_FOUND)
		not_found(response, meaning->text, given);
	else if (result == RESULT_MISMATCH)
		key_mismatch(response, meaning->text);
	else
		response_detail(
		    response, meaning->status, span_str(meaning->text));

	if (meaning->retry_after != NULL)
		response_header(
		    response, "Retry-After", span_str(meaning->retry_after));
	if (meaning->status >= 500)
		response->cause = result;
}

/* ---- writing ---- */

/* An answer that is being written. */
struct writing {
	const struct response *response;
	struct store *store;
	const struct response_sink *sink;
	uint64_t body_size; /* so far */
};

static bool
has_body(const struct response *response)
{
	return response->status != 304 && response->status != 204;
}

/* The bytes of the body; -1: not known, since escaping makes content longer. */
static int64_t
body_length(const struct response *response)
{
	switch (response->kind) {
	case RESPONSE_TEXT:
		return (int64_t)response->text.size;
	case RESPONSE_CONTENT:
		return (int64_t)response->size;
	case RESPONSE_QUOTED:
		break;
	}
	return -1;
}

static void
append_line(struct buffer *head, struct span text)
{
	buffer_append(head, text);
	buffer_append(head, SPAN("\r\n"));
}

static enum result
write_head(struct writing *writing)
{
	const struct response *response = writing->response;
	const struct header *header;
	struct buffer head;
	size_t i;

	buffer_init(&head, response->arena);
	buffer_reserve(&head, 1024);
	buffer_append(&head, SPAN("Status: "));
	buffer_append_number(&head, (uint64_t)response->status);
	buffer_append_byte(&head, ' ');
	append_line(&head, span_str(response_reason(response->status)));
	for (i = 0; i < response->header_count; i++) {
		header = &response->headers[i];
		buffer_append(&head, span_str(header->name));
		buffer_append(&head, SPAN(": "));
		append_line(&head, header->value);
	}
	if (has_body(response) && body_length(response) >= 0) {
		buffer_append(&head, SPAN("Content-Length: "));
		buffer_append_number(&head, (uint64_t)body_length(response));
		append_line(&head, SPAN(""));
	}
	append_line(&head, SPAN(""));
	return writing->sink->write(writing->sink->object, buffer_span(&head));
}

static enum result
write_bytes(struct writing *writing, struct span bytes)
{
	enum result result = writing->sink->write(writing->sink->object, bytes);

	if (result == RESULT_OK)
		writing->body_size += bytes.size;
	return result;
}

/* Write content, or a part of it, as it is. */
static enum result
write_content(struct writing *writing)
{
	const struct response *response = writing->response;
	uint64_t offset = response->offset, left = response->size;
	char *piece = arena_room(response->arena, PIECE);
	enum result result = RESULT_OK;
	size_t size;

	while (left > 0 && result == RESULT_OK) {
		result = store_read(writing->store, &response->content, offset,
		    piece, left < PIECE ? (size_t)left : PIECE, &size);
		if (result != RESULT_OK)
			return result;
		result = write_bytes(writing, span_of(piece, size));
		offset += size;
		left -= size;
	}
	return result;
}

/* Write content as a JSON string between text and tail. */
static enum result
write_quoted(struct writing *writing)
{
	const struct response *response = writing->response;
	struct json_escaper escaper = { 0 };
	char *piece = arena_room(response->arena, PIECE);
	struct buffer escaped;
	enum result result;
	uint64_t offset = 0;
	size_t size;

	buffer_init(&escaped, response->arena);
	result = write_bytes(writing, response->text);
	while (offset < response->content.size && result == RESULT_OK) {
		result = store_read(writing->store, &response->content, offset,
		    piece, PIECE, &size);
		if (result != RESULT_OK)
			return result;
		offset += size;
		buffer_clear(&escaped);
		json_escape(&escaper, span_of(piece, size),
		    offset == response->content.size, &escaped);
		result = write_bytes(writing, buffer_span(&escaped));
	}
	if (result != RESULT_OK)
		return result;
	return write_bytes(writing, response->tail);
}

static enum result
write_body(struct writing *writing)
{
	switch (writing->response->kind) {
	case RESPONSE_TEXT:
		return write_bytes(writing, writing->response->text);
	case RESPONSE_CONTENT:
		return write_content(writing);
	case RESPONSE_QUOTED:
		return write_quoted(writing);
	}
	return RESULT_OK;
}

enum result
response_write(const struct response *response, const struct request *request,
    struct store *store, const struct response_sink *sink,
    uint64_t *ret_body_size)
{
	struct writing writing = { response, store, sink, 0 };
	enum result result = write_head(&writing);

	if (result == RESULT_OK && has_body(response) &&
	    !span_is(request->method, "HEAD"))
		result = write_body(&writing);
	*ret_body_size = writing.body_size;
	return result;
}
