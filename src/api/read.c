/* SPDX-License-Identifier: ISC */
/*
 * read.c - from the id in a path, whole or the start of one, to the artifact,
 * as this worker sees the store; and answers from its record and content.
 */

#include "handle.h"

#include <assert.h>

#define SHOWN 5	      /* candidates that an answer lists */
#define SHOWN_TEXT 12 /* characters of each */
#define TRIES 3	      /* to read a record and the content that it names */

/* ---- ids ---- */

/*
 * What is looked for: ids have lower case, people and other systems write
 * them in either. An answer that repeats the path's text has it as given.
 */
static struct span
folded(const struct request *request)
{
	return span_lower(request->arena, request->id);
}

void
handle_id_resolve(const struct context *context, struct request *request,
    struct target *ret_target)
{
	struct id *first = &ret_target->candidates[0];
	struct span text = folded(request);

	*ret_target = (struct target){ .result = RESULT_OK };
	if (id_parse(text, first))
		ret_target->count = 1;
	else
		ret_target->result = store_find(context->store, text,
		    ret_target->candidates, &ret_target->count);
	if (ret_target->result != RESULT_OK)
		return;
	ret_target->result = RESULT_NOT_FOUND;
	if (ret_target->count == 1)
		ret_target->result = store_get(context->store, first,
		    request->arena, &ret_target->artifact);
}

static void
refuse_ambiguous(const struct request *request, const struct target *target,
    struct response *response)
{
	char text[ID_TEXT + 1];
	struct buffer detail;
	size_t i;

	buffer_init(&detail, request->arena);
	buffer_append(&detail, SPAN("Ambiguous artifact ID '"));
	buffer_append(&detail, request->id);
	buffer_printf(&detail, "' matches %zu entries:\n", target->count);
	for (i = 0; i < target->count && i < SHOWN; i++) {
		id_format(&target->candidates[i], text);
		buffer_printf(&detail, "  - %.*s...\n", SHOWN_TEXT, text);
	}
	if (target->count > SHOWN)
		buffer_printf(
		    &detail, "  ... and %zu more\n", target->count - SHOWN);
	buffer_append(
	    &detail, SPAN("Provide a longer prefix to disambiguate."));
	response_detail(response, 409, buffer_span(&detail));
}

void
handle_id_refuse(const struct request *request, const struct target *target,
    struct response *response)
{
	assert(target->result != RESULT_OK);
	if (target->result == RESULT_NOT_FOUND && target->count > 1)
		refuse_ambiguous(request, target, response);
	else
		response_result(response, target->result, request->id);
}

bool
handle_id_full(
    const struct request *request, struct response *response, struct id *ret_id)
{
	if (id_parse(folded(request), ret_id))
		return true;
	response_result(response, RESULT_NOT_FOUND, request->id);
	return false;
}

struct span
handle_id_text(struct arena *arena, const struct id *id)
{
	char *text = arena_alloc(arena, ID_TEXT + 1);

	id_format(id, text);
	return span_of(text, ID_TEXT);
}

void
handle_id_root(const struct context *context, const struct request *request,
    struct buffer *buffer)
{
	struct span public_url = span_str(context->config->public_url);

	buffer_append(buffer, public_url.size > 0 ? public_url : request->base);
	buffer_append(buffer, SPAN("/artifacts"));
}

struct span
handle_id_url(const struct context *context, const struct request *request,
    const struct id *id, const char *suffix)
{
	struct buffer url;

	buffer_init(&url, request->arena);
	handle_id_root(context, request, &url);
	buffer_append_byte(&url, '/');
	buffer_append(&url, handle_id_text(request->arena, id));
	buffer_append(&url, span_str(suffix));
	return buffer_span(&url);
}

/* ---- a record, and then its content ---- */

/*
 * No read of the store spans both, so the content may be gone by then; the
 * record is read again.
 */
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

/* ---- content as a member of an object, without the rest of the record ---- */

static enum result
answer_content(struct reading *reading)
{
	const struct artifact *artifact = reading->artifact;
	struct arena *arena = reading->request->arena;
	struct json_value *object = json_object(arena);

	json_put_text(
	    object, "artifact_id", handle_id_text(arena, &artifact->id));
	json_put_text(object, "content_type", artifact->content.type);
	json_put_number(object, "size_bytes", artifact->content.size);
	return handle_read_answer(reading, object, true);
}

void
handle_content(const struct context *context, struct request *request,
    struct response *response)
{
	handle_read(context, request, response, answer_content);
}
