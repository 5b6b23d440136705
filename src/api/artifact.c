/* SPDX-License-Identifier: ISC */
/*
 * artifact.c - one artifact's record: read, changed, deleted.
 */

#include "handle.h"

#include "protocol/query.h"

/* ---- detail ---- */

static enum result
answer_whole(struct reading *reading)
{
	return handle_read_answer(reading,
	    artifact_detail(reading->artifact, reading->request->arena), true);
}

static enum result
answer_bare(struct reading *reading)
{
	return handle_read_answer(reading,
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
	    has_content ? answer_whole : answer_bare);
}

/* ---- changes ---- */

/* Add the conditions, apply, and say what became of the artifact. */
static void
apply(const struct context *context, struct request *request,
    struct response *response, struct change *change, const char *became)
{
	struct json_value *object = json_object(request->arena);
	struct outcome outcome;
	enum result result;

	if (!response_take_conditions(response, request, change))
		return;
	result = store_apply(context->store, change, &outcome);
	if (result != RESULT_OK) {
		response_result(response, result, request->id);
		return;
	}
	json_put_text(
	    object, "artifact_id", handle_id_text(request->arena, &change->id));
	json_put_text(object, "status", span_str(became));
	response_json(response, 200, object);
}

/* What the members say is to change. */
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
	    handle_body_is_intact(&body, response))
		apply(context, request, response, &change, "updated");
}

void
handle_delete(const struct context *context, struct request *request,
    struct response *response)
{
	struct change change = { .kind = CHANGE_DELETE };

	if (handle_id_full(request, response, &change.id))
		apply(context, request, response, &change, "deleted");
}
