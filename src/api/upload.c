/* SPDX-License-Identifier: ISC */
/*
 * upload.c - new content for an artifact that exists: as a part of a
 * form, or as the whole body. Content, size, hash and type are replaced
 * together; whatever fails leaves the old ones.
 */

#include "handle.h"

#include "protocol/header.h"
#include "protocol/utf8.h"

/* Content that has come, and whose it is to be. */
struct replacement {
	struct id id;
	struct upload *upload;
	struct span type;     /* SPAN_NONE: not given */
	struct span filename; /* or SPAN_NONE */
	struct span repr_digest;
};

/* ---- replacing ---- */

/* The checks that need all of the body; false: response says 400. */
static bool
is_agreed(struct handle_body *body, struct response *response,
    const struct replacement *new, struct change *change)
{
	return handle_body_is_intact(body, response) &&
	       handle_body_agrees(response, "Repr-Digest", new->repr_digest,
		   change->artifact->content.hash) &&
	       response_read_conditions(response, body->request, change);
}

static void
answer_replaced(const struct context *context, struct request *request,
    struct response *response, const struct id *id)
{
	struct json_value *object = json_object(request->arena);

	response->event = "content_replaced";
	response->event_id = *id;
	json_put_text(
	    object, "artifact_id", handle_id_text(request->arena, id));
	json_put_text(
	    object, "storage_url", handle_id_url(context, request, id, "/raw"));
	json_put_text(object, "status", SPAN("uploaded"));
	response_json(response, 200, object);
}

/* Replace the content, or let go of what came, and answer. */
static void
replace(const struct context *context, struct handle_body *body,
    struct response *response, const struct replacement *new)
{
	struct artifact artifact = {
		.content = { .type = new->type, .filename = new->filename },
	};
	struct change change = {
		.kind = CHANGE_CONTENT,
		.owner = context->owner,
		.id = new->id,
		.artifact = &artifact,
	};
	struct outcome outcome;
	enum result result;

	if (artifact.content.type.data == NULL)
		artifact.content.type = SPAN("application/octet-stream");
	result = upload_finish(new->upload, &artifact.content, &change.bytes);
	if (result == RESULT_OK && !is_agreed(body, response, new, &change)) {
		upload_drop(new->upload);
		return;
	}
	if (result == RESULT_OK)
		result = store_apply(context->store, &change, &outcome);
	/* When the outcome is not known, the record may name this content
	 * already, so that its chunks must stay. */
	if (result != RESULT_OK && result != RESULT_UNKNOWN)
		upload_drop(new->upload);
	if (result == RESULT_OK)
		answer_replaced(context, body->request, response, &new->id);
	else
		response_result(response, result, body->request->id);
}

/* ---- POST, multipart/form-data ---- */

static bool
check_form(
    const struct form *form, struct arena *arena, struct response *response)
{
	struct faults faults;

	faults_init(&faults, arena);
	handle_form_check_file(form, &faults);
	if (form->file.content_type.size > LIMIT_CONTENT_TYPE)
		fault_too_long(&faults, SPAN("file"), LIMIT_CONTENT_TYPE);
	if (faults.count > 0)
		response_faults(response, &faults);
	return faults.count == 0;
}

/* The order of these faults is that of "9. Upload" in doc/contract.md. */
static void
replace_from_form(const struct context *context, struct handle_body *body,
    struct response *response, struct form *form, const struct target *target)
{
	struct replacement new = {
		.upload = form->file.upload,
		.type = form->file.content_type,
		.filename = form->file.filename,
		.repr_digest = form->file.repr_digest,
	};

	if (!check_form(form, body->request->arena, response)) {
		handle_form_drop(form);
	} else if (form->file.is_too_large) {
		handle_body_refuse_size(context, response);
	} else if (target->result != RESULT_OK) {
		handle_id_refuse(body->request, target, response);
	} else {
		new.id = target->artifact->id;
		replace(context, body, response, &new);
	}
}

void
handle_upload(const struct context *context, struct request *request,
    struct response *response)
{
	struct form form = { .field_count = 0 };
	struct handle_body body;
	struct target target;

	if (!header_media_is(request->content_type, "multipart/form-data")) {
		(void)check_form(&form, request->arena, response);
		return;
	}
	/* Before the body comes, so that no byte is kept for an artifact that
	 * there is not. */
	handle_id_resolve(context, request, &target);
	form.is_nowhere = target.result != RESULT_OK;
	handle_body_open(&body, request);
	if (handle_form_read(context, &body, &form, response))
		replace_from_form(context, &body, response, &form, &target);
}

/* ---- PUT, the body is the content ---- */

/*
 * The body is all of the content. A part of it, as "curl -C - -T" sends it,
 * would replace the whole (RFC 9110, 14.5).
 */
static bool
is_whole(const struct request *request, struct response *response)
{
	if (request->content_range.data == NULL)
		return true;
	response_error(response, 400,
	    "Content is replaced as a whole, never in part: send all of it, "
	    "without Content-Range. Nothing was stored.");
	return false;
}

/*
 * The body has to be the content, and to be there: a form's boundary lines
 * would be stored with it, and a request that says nothing of a body would
 * empty the content.
 */
static bool
is_content(const struct request *request, struct response *response)
{
	if (header_media_is(request->content_type, "multipart/form-data"))
		response_error(response, 400,
		    "Here the body itself becomes the content, and this one is "
		    "a form: send it to POST /artifacts/{id}/upload, or the "
		    "file without a form. Nothing was stored.");
	else if (!request->has_length)
		response_error(response, 411,
		    "The request has neither a Content-Length nor a body in "
		    "chunks, so there is no content in it; for an empty one "
		    "send Content-Length: 0. Nothing was stored.");
	else
		return true;
	return false;
}

/*
 * SPAN_NONE where the header says nothing of the content: curl's --data-binary
 * calls whatever it sends a form.
 */
static struct span
content_type(const struct request *request)
{
	struct span type = header_media_type(request->content_type);

	if (header_media_is(type, "application/x-www-form-urlencoded"))
		return SPAN_NONE;
	return utf8_repair(request->arena, type);
}

static bool
check_type(struct span type, struct arena *arena, struct response *response)
{
	struct faults faults;

	if (type.size <= LIMIT_CONTENT_TYPE)
		return true;
	faults_init(&faults, arena);
	fault_too_long(&faults, SPAN("Content-Type"), LIMIT_CONTENT_TYPE);
	faults.list[0].area = "header";
	response_faults(response, &faults);
	return false;
}

/* Is there an artifact for the body? Else the body is not even read. */
static bool
find_full(const struct context *context, struct request *request,
    struct response *response, struct id *ret_id)
{
	struct artifact *artifact;
	enum result result;

	if (!handle_id_full(request, response, ret_id))
		return false;
	result = store_get(context->store, ret_id, request->arena, &artifact);
	if (result != RESULT_OK)
		response_result(response, result, request->id);
	return result == RESULT_OK;
}

static enum result
receive(struct handle_body *body, struct upload *upload)
{
	enum result result;
	struct span piece;

	while ((result = handle_body_next(body, &piece)) == RESULT_OK) {
		result = upload_write(upload, piece);
		if (result != RESULT_OK)
			return result;
	}
	return result == RESULT_END ? RESULT_OK : result;
}

void
handle_raw_put(const struct context *context, struct request *request,
    struct response *response)
{
	struct replacement new = { .repr_digest = request->repr_digest };
	struct handle_body body;
	enum result result;

	if (!is_content(request, response))
		return;
	new.type = content_type(request);
	if (!check_type(new.type, request->arena, response) ||
	    !is_whole(request, response))
		return;
	if (request->content_length > context->config->max_content) {
		handle_body_refuse_size(context, response);
		return;
	}
	if (!find_full(context, request, response, &new.id))
		return;
	new.upload =
	    upload_open(context->store, request->arena, context->owner);
	handle_body_open(&body, request);
	result = receive(&body, new.upload);
	if (result != RESULT_OK) {
		upload_drop(new.upload);
		response_result(response, result, request->id);
		return;
	}
	replace(context, &body, response, &new);
}
