/* SPDX-License-Identifier: ISC */
/*
 * create.c - creating an artifact, from a JSON object or from a form
 * with a file. Faults are noted in the order of "5. JSON bodies" in
 * doc/contract.md; what they have in common from there on is draft.c.
 */

#include "handle.h"

#include "protocol/header.h"

#include "protocol/utf8.h"

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
		handle_draft_create(context, body, response, draft);
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
	if (handle_draft_has_type(context, response, &draft) &&
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
	handle_form_judge_file(form, faults);
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
judge_form(const struct context *context, const struct form *form,
    struct response *response, struct draft *draft)
{
	struct faults faults;

	faults_init(&faults, response->arena);
	read_fields(form, &faults, draft);
	if (faults.count > 0)
		response_faults(response, &faults);
	else if (!handle_draft_has_type(context, response, draft))
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
	if (judge_form(context, &form, response, &draft))
		handle_draft_create(context, &body, response, &draft);
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
