/* SPDX-License-Identifier: ISC */
/*
 * artifact.c - one artifact: find it by the id in a path, or by the start of an
 * id; answer with its record and content as JSON; change or delete its record.
 */

#include "handle.h"

#include "protocol/query.h"

#include <assert.h>

#define SHOWN 5	      /* ids that a 409 lists */
#define SHOWN_TEXT 12 /* characters of each of these */
#define TRIES 3	      /* to read a record and the content that it names */

/* ---- ids ---- */

/*
 * The id of the path in lower case, as the store has ids, since people and
 * other systems write them in either case. An answer that quotes the id uses
 * request->id, the text as sent.
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
 * The record and its content are two reads of the store, and a change may come
 * between them. Then the content is gone, and the record is read again.
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

/* Read size bytes from offset on, or fewer up to the end of the content. */
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

/* Append all of the content, of at most a chunk, as in a JSON string. The
 * answer is then complete in memory, and so has a Content-Length. */
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

/* Answer with the object and the content as its last member. Content of more
 * than a chunk is read while the answer is written. */
static enum result
answer_quoted(struct reading *reading, struct json_value *object)
{
	const struct content *content = &reading->artifact->content;
	struct response *response = reading->response;
	struct arena *arena = reading->request->arena;
	struct span whole = json_text(arena, object);
	bool is_short = content->size <= LIMIT_CHUNK;
	enum result result;
	struct buffer text;

	buffer_init(&text, arena);
	buffer_reserve(&text, is_short ? (size_t)content->size + 1024 : 1024);
	/* Leave out the closing brace, so that a member can follow. */
	buffer_append(&text, span_of(whole.data, whole.size - 1));
	buffer_append(&text, SPAN(",\"content\":\""));
	result = is_short ? append_content(reading, &text)
			  : handle_read_probe(reading, 0);
	if (result != RESULT_OK)
		return result;
	if (is_short)
		buffer_append(&text, SPAN("\"}"));
	response_json_text(response, 200, buffer_span(&text));
	if (!is_short) {
		response->kind = RESPONSE_QUOTED;
		response->tail = SPAN("\"}");
		response->content = *content;
	}
	return RESULT_OK;
}

/*
 * Answer with the object and a last member `content`: the content, or null.
 * The conditions of the request may make the answer a 304 or a 412 instead.
 */
static enum result
answer_object(
    struct reading *reading, struct json_value *object, bool has_content)
{
	struct response *response = reading->response;
	enum result result = RESULT_OK;
	struct validators validators;
	char hex[2 * ETAG_SIZE + 1];
	uint8_t etag[ETAG_SIZE];

	artifact_etag(reading->artifact, reading->request->arena, etag);
	digest_hex(etag, sizeof(etag), hex);
	/* The answer has no date: the date of the content would stay the same
	 * when only the metadata changes. */
	validators = (struct validators){ .etag = span_str(hex) };
	if (response_is_decided(response, reading->request, &validators)) {
		result = RESULT_OK;
	} else if (has_content) {
		result = answer_quoted(reading, object);
	} else {
		json_put_text(object, "content", SPAN_NONE);
		response_json(response, 200, object);
	}
	if (result == RESULT_OK && response->status < 400)
		response_etag(response, etag, sizeof(etag));
	return result;
}

/* ---- detail ---- */

static enum result
answer_with_content(struct reading *reading)
{
	return answer_object(reading,
	    artifact_detail(reading->artifact, reading->request->arena), true);
}

static enum result
answer_without_content(struct reading *reading)
{
	return answer_object(reading,
	    artifact_detail(reading->artifact, reading->request->arena), false);
}

void
handle_detail(const struct context *context, struct request *request,
    struct response *response)
{
	bool has_content = true;
	struct faults faults;

	faults_init(&faults, request->arena);
	query_bool(
	    query_find(request->arena, request->query, "include_content"),
	    "include_content", &faults, &has_content);
	if (faults.count > 0) {
		response_faults(response, &faults);
		return;
	}
	handle_read(context, request, response,
	    has_content ? answer_with_content : answer_without_content);
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
	return answer_object(reading, object, true);
}

void
handle_content(const struct context *context, struct request *request,
    struct response *response)
{
	handle_read(context, request, response, answer_content);
}

/* ---- changes ---- */

/* Apply a change under the conditions of the request, and answer with what
 * became of the artifact. false: it was not made, and response says why. */
static bool
apply(const struct context *context, struct request *request,
    struct response *response, struct change *change, const char *became)
{
	struct json_value *object = json_object(request->arena);
	struct outcome outcome;
	enum result result;

	if (!response_read_conditions(response, request, change))
		return false;
	result = store_apply(context->store, change, &outcome);
	if (result != RESULT_OK) {
		response_result(response, result, request->id);
		return false;
	}
	json_put_text(
	    object, "artifact_id", handle_id_text(request->arena, &change->id));
	json_put_text(object, "status", span_str(became));
	response_json(response, 200, object);
	response->event_id = change->id;
	return true;
}

/* Read the body of an update: each member that is there changes one of the
 * artifact. */
static void
read_patch(const struct json_document *document, struct faults *faults,
    struct change *change)
{
	static const char *const names[] = { "title", "metadata",
		"is_primary_deliverable", "derived_from", NULL };
	struct artifact *artifact = change->artifact;

	artifact->title = json_get_string(
	    document, "title", JSON_OPTIONAL, LIMIT_TITLE, faults);
	if (artifact->title.data != NULL)
		change->patch |= PATCH_TITLE;
	artifact->metadata =
	    json_get_object_text(document, "metadata", LIMIT_METADATA, faults);
	if (artifact->metadata.data != NULL)
		change->patch |= PATCH_METADATA;
	if (json_get_bool(document, "is_primary_deliverable", faults,
		&artifact->is_primary))
		change->patch |= PATCH_PRIMARY;
	if (json_get_ids(document, "derived_from", LIMIT_DERIVED_FROM, faults,
		&artifact->derived_from, &artifact->derived_count))
		change->patch |= PATCH_DERIVED;
	json_refuse_extra(document, names, faults);
}

void
handle_update(const struct context *context, struct request *request,
    struct response *response)
{
	struct artifact artifact = { .created = 0 };
	struct change change = { .kind = CHANGE_UPDATE, .artifact = &artifact };
	struct json_document document;
	struct handle_body body;
	struct faults faults;

	faults_init(&faults, request->arena);
	handle_body_open(&body, request);
	if (!handle_body_json(context, &body, response, &faults, &document))
		return;
	if (document.root != NULL)
		read_patch(&document, &faults, &change);
	if (faults.count > 0) {
		response_faults(response, &faults);
		return;
	}
	if (handle_id_full(request, response, &change.id) &&
	    handle_body_is_intact(&body, response) &&
	    apply(context, request, response, &change, "updated") &&
	    change.patch != 0)
		response->event = "artifact_updated";
}

void
handle_delete(const struct context *context, struct request *request,
    struct response *response)
{
	struct change change = { .kind = CHANGE_DELETE };

	if (handle_id_full(request, response, &change.id) &&
	    apply(context, request, response, &change, "deleted"))
		response->event = "artifact_deleted";
}
