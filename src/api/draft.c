/* SPDX-License-Identifier: ISC */
/*
 * draft.c - from a draft to an artifact: its type, its digests, its
 * Idempotency-Key, and the change that creates it.
 */

#include "handle.h"

#include "base/pack.h"

/* ---- type ---- */

static bool
is_listed(const struct config *config, struct span type)
{
	size_t i;

	for (i = 0; i < config->artifact_types.count; i++)
		if (span_is_nocase(type, config->artifact_types.items[i]))
			return true;
	return false;
}

static void
refuse_type(
    const struct config *config, struct response *response, struct span type)
{
	struct buffer detail;
	size_t i;

	buffer_init(&detail, response->arena);
	buffer_append(&detail, SPAN("Unknown artifact_type: '"));
	buffer_append(&detail, type);
	buffer_append(&detail, SPAN("'. Valid types: ["));
	for (i = 0; i < config->artifact_types.count; i++)
		buffer_printf(&detail, "%s'%s'", i == 0 ? "" : ", ",
		    config->artifact_types.items[i]);
	buffer_append(&detail, SPAN("]"));
	response_detail(response, 400, buffer_span(&detail));
}

bool
handle_draft_has_type(const struct context *context, struct response *response,
    const struct draft *draft)
{
	const struct config *config = context->config;

	if (config->artifact_types.count == 0) {
		if (draft->type.size > 0)
			return true;
		response_error(response, 400, "Artifact must have a type");
		return false;
	}
	if (is_listed(config, draft->type))
		return true;
	refuse_type(config, response, draft->type);
	return false;
}

/* ---- Idempotency-Key ---- */

static bool
is_key(struct span key)
{
	size_t i;

	for (i = 0; i < key.size; i++)
		if (key.data[i] < 0x21 || key.data[i] > 0x7e)
			return false;
	return key.size >= 1 && key.size <= LIMIT_IDEMPOTENCY_KEY;
}

/* Whose key it is, apart from everybody else's. */
static void
fingerprint_key(const struct request *request, uint8_t ret_hash[32])
{
	struct buffer buffer;

	buffer_init(&buffer, request->arena);
	pack_span(&buffer, request->user.size > 0 ? request->user : SPAN_NONE);
	pack_span(&buffer, request->idempotency_key);
	digest_fingerprint(buffer_span(&buffer), ret_hash, 32);
}

/*
 * What is created, not the bytes that said so: a repeat as a form means the
 * same as JSON, whatever its file is called.
 */
static void
fingerprint_meaning(
    const struct artifact *artifact, struct arena *arena, uint8_t ret_hash[32])
{
	const struct content *content = &artifact->content;
	struct buffer buffer;

	buffer_init(&buffer, arena);
	pack_span(&buffer, artifact->workflow);
	pack_span(&buffer, artifact->type);
	pack_span(&buffer, artifact->title);
	pack_span(&buffer, artifact->phase);
	pack_span(&buffer, artifact->session);
	pack_span(&buffer, content->type);
	pack_u64(&buffer, content->size);
	pack_bytes(&buffer, content->hash, sizeof(content->hash));
	digest_fingerprint(buffer_span(&buffer), ret_hash, 32);
}

/* false: response says 400. */
static bool
take_key(const struct request *request, struct response *response,
    struct change *change)
{
	if (request->idempotency_key.data == NULL)
		return true;
	if (!is_key(request->idempotency_key)) {
		response_error(response, 400,
		    "Idempotency-Key must be 1 to %d visible ASCII characters",
		    LIMIT_IDEMPOTENCY_KEY);
		return false;
	}
	change->has_key = true;
	fingerprint_key(request, change->key);
	fingerprint_meaning(change->artifact, request->arena, change->meaning);
	return true;
}

/* ---- creating ---- */

/* Of a repeat whose artifact is gone, the id leads nowhere. */
static void
answer(const struct context *context, const struct request *request,
    struct response *response, const struct artifact *artifact,
    const struct outcome *outcome)
{
	struct json_value *object = json_object(request->arena);
	const struct id *id = &outcome->id;

	json_put_text(object, "id", handle_id_text(request->arena, id));
	json_put_text(object, "title", artifact->title);
	json_put_text(object, "artifact_type", artifact->type);
	json_put_text(object, "status",
	    outcome->is_deleted ? SPAN("deleted") : SPAN("created"));
	response_json(response, 201, object);
	if (!outcome->is_deleted)
		response_header(response, "Location",
		    handle_id_url(context, request, id, ""));
}

static enum result
apply(const struct context *context, struct change *change,
    struct outcome *ret_outcome)
{
	enum result result = RESULT_EXISTS;
	int i;

	for (i = 0; i < 2 && result == RESULT_EXISTS; i++) {
		change->id = change->artifact->id = id_random();
		result = store_apply(context->store, change, ret_outcome);
	}
	return result;
}

/* Create the artifact. RESULT_END: refused, and response says why. */
static enum result
create(const struct context *context, struct handle_body *body,
    struct response *response, struct draft *draft, struct outcome *ret_outcome)
{
	struct artifact *artifact = &draft->artifact;
	struct change change = {
		.kind = CHANGE_CREATE,
		.owner = context->owner,
		.artifact = artifact,
	};
	enum result result;

	result =
	    upload_finish(draft->upload, &artifact->content, &change.bytes);
	if (result != RESULT_OK)
		return result;
	if (!handle_body_is_intact(body, response) ||
	    !handle_body_agrees(response, "Repr-Digest", draft->repr_digest,
		artifact->content.hash) ||
	    !response_refuse_conditions(response, body->request) ||
	    !take_key(body->request, response, &change))
		return RESULT_END;
	return apply(context, &change, ret_outcome);
}

void
handle_draft_create(const struct context *context, struct handle_body *body,
    struct response *response, struct draft *draft)
{
	struct artifact *artifact = &draft->artifact;
	struct request *request = body->request;
	struct outcome outcome;
	enum result result;
	bool is_named;

	artifact->type = span_lower(request->arena, draft->type);
	artifact->creator = request->user.size > 0 ? request->user : SPAN_NONE;
	artifact->is_primary = true;
	result = create(context, body, response, draft, &outcome);
	/*
	 * A repeat's content is another's already. When the outcome is not
	 * known a record may name it by now.
	 */
	is_named = result == RESULT_UNKNOWN ||
		   (result == RESULT_OK && memcmp(&outcome.id, &artifact->id,
					       sizeof(outcome.id)) == 0);
	if (!is_named)
		upload_drop(draft->upload);
	if (result == RESULT_OK)
		answer(context, request, response, artifact, &outcome);
	else if (result != RESULT_END)
		response_result(response, result, SPAN_NONE);
}
