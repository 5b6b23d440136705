/* SPDX-License-Identifier: ISC */
/*
 * read.c - reading a record and then its content. No read of the store
 * spans both, so the content may be gone by then; the record is read again.
 */

#include "read.h"

#define TRIES 3

void
handle_read(const struct context *context, struct request *request,
    struct response *response, enum result (*answer)(struct reading *reading))
{
	struct reading reading = { context, request, response, NULL };
	enum result result = RESULT_GONE;
	struct target target;
	int i;

	for (i = 0; i < TRIES && result == RESULT_GONE; i++) {
		handle_id_resolve(context, request, &target);
		if (target.result != RESULT_OK) {
			handle_id_refuse(request, &target, response);
			return;
		}
		reading.artifact = target.artifact;
		result = answer(&reading);
	}
	if (result != RESULT_OK)
		response_result(response, result, request->id);
}

/* ---- content ---- */

/* Up to size bytes from offset on; fewer only at the end of the content. */
static enum result
read_content(struct reading *reading, uint64_t offset, char *data, size_t size)
{
	const struct content *content = &reading->artifact->content;
	enum result result;
	size_t part;

	while (size > 0 && offset < content->size) {
		result = store_read(reading->context->store, content, offset,
		    data, size, &part);
		if (result != RESULT_OK)
			return result;
		data += part;
		offset += part;
		size -= part;
	}
	return RESULT_OK;
}

enum result
handle_read_probe(struct reading *reading, uint64_t offset)
{
	char byte;

	return read_content(reading, offset, &byte, 1);
}

/* The object's text with its end opened for one more member. */
static void
open_content(struct span object, struct buffer *text)
{
	buffer_append(text, span_of(object.data, object.size - 1));
	buffer_append(text, SPAN(",\"content\":\""));
}

/* Content of one chunk fits the answer, which so has a length. */
static enum result
append_content(struct reading *reading, struct buffer *text)
{
	size_t size = (size_t)reading->artifact->content.size;
	char *data = arena_alloc(reading->request->arena, size);
	struct json_escaper escaper = { 0 };
	enum result result;

	result = read_content(reading, 0, data, size);
	if (result == RESULT_OK)
		json_escape(&escaper, span_of(data, size), true, text);
	return result;
}

/* The object with the content in its last member. */
static enum result
answer_quoted(struct reading *reading, struct json_value *object)
{
	const struct content *content = &reading->artifact->content;
	struct response *response = reading->response;
	struct arena *arena = reading->request->arena;
	bool is_short = content->size <= LIMIT_CHUNK;
	enum result result;
	struct buffer text;

	buffer_init(&text, arena);
	buffer_reserve(&text, is_short ? (size_t)content->size + 1024 : 1024);
	open_content(json_text(arena, object), &text);
	result = is_short ? append_content(reading, &text)
			  : handle_read_probe(reading, 0);
	if (result != RESULT_OK)
		return result;
	if (is_short)
		buffer_append(&text, SPAN("\"}"));
	response->status = 200;
	response->kind = is_short ? RESPONSE_TEXT : RESPONSE_QUOTED;
	response->text = buffer_span(&text);
	response->tail = SPAN("\"}");
	response->content = *content;
	response_header(response, "Content-Type", SPAN("application/json"));
	return RESULT_OK;
}

static enum result
answer_null(struct reading *reading, struct json_value *object)
{
	json_put_text(object, "content", SPAN_NONE);
	response_json(reading->response, 200, object);
	return RESULT_OK;
}

enum result
handle_read_answer(
    struct reading *reading, struct json_value *object, bool has_content)
{
	struct response *response = reading->response;
	enum result result = RESULT_OK;
	struct validators validators;
	char hex[2 * ETAG_SIZE + 1];
	uint8_t etag[ETAG_SIZE];

	artifact_etag(reading->artifact, reading->request->arena, etag);
	digest_hex(etag, sizeof(etag), hex);
	/* No date: a change of metadata would not move the content's. */
	validators = (struct validators){ .etag = span_str(hex) };
	if (response_is_decided(response, reading->request, &validators))
		result = RESULT_OK;
	else if (has_content)
		result = answer_quoted(reading, object);
	else
		result = answer_null(reading, object);
	if (result == RESULT_OK && response->status < 400)
		response_etag(response, etag, sizeof(etag));
	return result;
}
