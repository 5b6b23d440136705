/* SPDX-License-Identifier: ISC */
/*
 * create.c - creating an artifact, from a JSON object or from a form with a
 * file. Each fills a draft; from there on both go the same way. Faults are
 * noted in the order of "5. JSON bodies" in doc/contract.md.
 */

#include "handle.h"

#include "base/pack.h"
#include "protocol/header.h"
#include "protocol/utf8.h"

struct draft {
	struct artifact artifact; /* but for id and content's hash */
	struct span type;	  /* as sent */
	struct upload *upload;
	struct span repr_digest; /* over the content; or SPAN_NONE */
};

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

/* May artifacts be of this type? false: response says 400. */
static bool
has_type(const struct context *context, struct response *response,
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

/* Of the key and its user, so that no user meets the key of another. */
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
 * Of what is created, not of the bytes of the request: a repeat as a form means
 * the same as JSON, whatever its file is called.
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
read_key(const struct request *request, struct response *response,
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

/* ---- from a draft to an artifact ---- */

/* A repeat whose artifact was deleted since gets no Location: its id leads
 * nowhere. */
static void
answer_created(const struct context *context, const struct request *request,
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

/* The checks that need all of the body; false: response says 400. */
static bool
is_agreed(struct handle_body *body, struct response *response,
    const struct draft *draft, struct change *change)
{
	return handle_body_is_intact(body, response) &&
	       handle_body_agrees(response, "Repr-Digest", draft->repr_digest,
		   draft->artifact.content.hash) &&
	       response_refuse_conditions(response, body->request) &&
	       read_key(body->request, response, change);
}

/* With a random id, and once more with another should that one be taken. */
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

/* Create the artifact, or let go of its upload, and answer. */
static void
create(const struct context *context, struct handle_body *body,
    struct response *response, struct draft *draft)
{
	struct artifact *artifact = &draft->artifact;
	struct request *request = body->request;
	struct change change = {
		.kind = CHANGE_CREATE,
		.owner = context->owner,
		.artifact = artifact,
	};
	struct outcome outcome;
	enum result result;
	bool is_named;

	artifact->type = span_lower(request->arena, draft->type);
	artifact->creator = request->user.size > 0 ? request->user : SPAN_NONE;
	artifact->is_primary = true;
	result =
	    upload_finish(draft->upload, &artifact->content, &change.bytes);
	if (result == RESULT_OK && !is_agreed(body, response, draft, &change)) {
		upload_drop(draft->upload);
		return;
	}
	if (result == RESULT_OK)
		result = apply(context, &change, &outcome);
	/*
	 * For a repeat the record of the first create names other content. If
	 * the outcome is not known, a record may name this content by now.
	 */
	is_named = result == RESULT_UNKNOWN ||
		   (result == RESULT_OK && memcmp(&outcome.id, &artifact->id,
					       sizeof(outcome.id)) == 0);
	if (!is_named)
		upload_drop(draft->upload);
	if (result == RESULT_OK)
		answer_created(context, request, response, artifact, &outcome);
	else
		response_result(response, result, SPAN_NONE);
}

/* ---- JSON ---- */

static void
read_members(const struct json_document *document, struct faults *faults,
    struct draft *draft, struct span *ret_content)
{
	static const char *const names[] = { "workflow_id", "artifact_type",
		"title", "content", "phase_id", "session_id", "content_type",
		NULL };
	struct artifact *artifact = &draft->artifact;

	artifact->workflow = json_get_string(
	    document, "workflow_id", JSON_REQUIRED, LIMIT_WORKFLOW, faults);
	draft->type = json_get_string(
	    document, "artifact_type", JSON_REQUIRED, LIMIT_TYPE, faults);
	artifact->title = json_get_string(
	    document, "title", JSON_REQUIRED, LIMIT_TITLE, faults);
	*ret_content =
	    json_get_string(document, "content", JSON_REQUIRED, 0, faults);
	artifact->phase = json_get_string(
	    document, "phase_id", JSON_NULLABLE, LIMIT_PHASE, faults);
	artifact->session = json_get_string(
	    document, "session_id", JSON_NULLABLE, LIMIT_SESSION, faults);
	artifact->content.type = json_get_string(document, "content_type",
	    JSON_OPTIONAL, LIMIT_CONTENT_TYPE, faults);
	if (artifact->content.type.data == NULL)
		artifact->content.type = SPAN("text/markdown");
	json_refuse_extra(document, names, faults);
}

static bool
is_content(const struct context *context, struct response *response,
    struct span content)
{
	if (content.size == 0)
		response_error(response, 400, "Artifact must have content");
	else if (content.size > context->config->max_content)
		handle_body_refuse_size(context, response);
	else
		return true;
	return false;
}

static void
create_from_json(const struct context *context, struct handle_body *body,
    struct response *response, struct draft *draft, struct span content)
{
	enum result result;

	draft->upload =
	    upload_open(context->store, body->request->arena, context->owner);
	result = upload_write(draft->upload, content);
	if (result == RESULT_OK) {
		create(context, body, response, draft);
		return;
	}
	upload_drop(draft->upload);
	response_result(response, result, SPAN_NONE);
}

static void
handle_json(const struct context *context, struct request *request,
    struct response *response)
{
	struct draft draft = { .upload = NULL };
	struct span content = SPAN_NONE;
	struct json_document document;
	struct handle_body body;
	struct faults faults;

	faults_init(&faults, request->arena);
	handle_body_open(&body, request);
	if (!handle_body_json(context, &body, response, &faults, &document))
		return;
	if (document.root != NULL)
		read_members(&document, &faults, &draft, &content);
	if (faults.count > 0) {
		response_faults(response, &faults);
		return;
	}
	if (has_type(context, response, &draft) &&
	    is_content(context, response, content))
		create_from_json(context, &body, response, &draft, content);
}

/* ---- multipart/form-data ---- */

enum field {
	FIELD_WORKFLOW,
	FIELD_TYPE,
	FIELD_TITLE,
	FIELD_PHASE,
	FIELD_SESSION,
	FIELD_CONTENT_TYPE,
	FIELD_COUNT,
};

static const struct form_field fields[FIELD_COUNT] = {
	[FIELD_WORKFLOW] = { .name = "workflow_id", .limit = LIMIT_WORKFLOW },
	[FIELD_TYPE] = { .name = "artifact_type", .limit = LIMIT_TYPE },
	[FIELD_TITLE] = { .name = "title", .limit = LIMIT_TITLE },
	[FIELD_PHASE] = { .name = "phase_id", .limit = LIMIT_PHASE },
	[FIELD_SESSION] = { .name = "session_id", .limit = LIMIT_SESSION },
	[FIELD_CONTENT_TYPE] = { .name = "content_type",
	    .limit = LIMIT_CONTENT_TYPE },
};

/* The field's value, or what stands in for it where it was not sent. */
static struct span
read_field(const struct form *form, enum field index, struct span otherwise,
    bool is_required, struct faults *faults)
{
	const struct form_field *field = &form->fields[index];
	struct span name = span_str(field->name);

	if (!field->is_there) {
		if (otherwise.data == NULL && is_required)
			fault_missing(faults, name);
		return otherwise;
	}
	if (field->is_file)
		fault_string_type(faults, name);
	else if (field->is_too_long)
		fault_too_long(faults, name, field->limit);
	else if (!utf8_is_valid(field->value))
		fault_string_unicode(faults, name);
	return field->value;
}

static struct span
read_content_type(const struct form *form, struct faults *faults)
{
	struct span type = form->file.content_type;

	if (type.data == NULL)
		type = SPAN("application/octet-stream");
	if (!form->fields[FIELD_CONTENT_TYPE].is_there &&
	    type.size > LIMIT_CONTENT_TYPE)
		fault_too_long(
		    faults, SPAN("content_type"), LIMIT_CONTENT_TYPE);
	return read_field(form, FIELD_CONTENT_TYPE, type, false, faults);
}

static void
read_fields(const struct form *form, struct faults *faults, struct draft *draft)
{
	struct artifact *artifact = &draft->artifact;
	size_t i;

	artifact->workflow =
	    read_field(form, FIELD_WORKFLOW, SPAN_NONE, true, faults);
	draft->type = read_field(form, FIELD_TYPE, SPAN_NONE, true, faults);
	artifact->title =
	    read_field(form, FIELD_TITLE, form->file.filename, true, faults);
	handle_form_check_file(form, faults);
	artifact->phase =
	    read_field(form, FIELD_PHASE, SPAN_NONE, false, faults);
	artifact->session =
	    read_field(form, FIELD_SESSION, SPAN_NONE, false, faults);
	artifact->content.type = read_content_type(form, faults);
	artifact->content.filename = form->file.filename;
	for (i = 0; i < form->extra_count; i++)
		fault_extra(faults, form->extra[i].name);
	draft->upload = form->file.upload;
	draft->repr_digest = form->file.repr_digest;
}

static bool
check_form(const struct context *context, const struct form *form,
    struct response *response, struct draft *draft)
{
	struct faults faults;

	faults_init(&faults, response->arena);
	read_fields(form, &faults, draft);
	if (faults.count > 0)
		response_faults(response, &faults);
	else if (!has_type(context, response, draft))
		return false;
	else if (form->file.is_too_large)
		handle_body_refuse_size(context, response);
	else
		return true;
	return false;
}

static void
handle_multipart(const struct context *context, struct request *request,
    struct response *response)
{
	struct form_field copies[FIELD_COUNT];
	struct form form = {
		.fields = copies,
		.field_count = FIELD_COUNT,
		.has_extra = true,
	};
	struct draft draft = { .upload = NULL };
	struct handle_body body;

	memcpy(copies, fields, sizeof(copies));
	handle_body_open(&body, request);
	if (!handle_form_read(context, &body, &form, response))
		return;
	if (check_form(context, &form, response, &draft))
		create(context, &body, response, &draft);
	else
		handle_form_drop(&form);
}

void
handle_create(const struct context *context, struct request *request,
    struct response *response)
{
	if (header_media_is(request->content_type, "multipart/form-data"))
		handle_multipart(context, request, response);
	else
		handle_json(context, request, response);
}
