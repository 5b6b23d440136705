/* SPDX-License-Identifier: ISC */
/* artifact_json.c - an artifact as clients see it (doc/contract.md 1). */

#include "artifact.h"

static void
put_id(struct json_value *object, const char *name, const struct id *id)
{
	char text[ID_TEXT + 1];

	id_format(id, text);
	json_put_text(object, name, span_of(text, ID_TEXT));
}

static void
put_moment(struct json_value *object, const char *name, uint64_t moment)
{
	char text[MOMENT_TEXT + 1];

	moment_format(moment, text);
	json_put_text(object, name, span_of(text, MOMENT_TEXT));
}

static void
put_hash(struct json_value *object, const char *name,
    const uint8_t hash[DIGEST_SHA256_SIZE])
{
	char text[DIGEST_SHA256_HEX + 1];

	digest_hex(hash, DIGEST_SHA256_SIZE, text);
	json_put_text(object, name, span_of(text, DIGEST_SHA256_HEX));
}

static void
put_derived(struct json_value *object, const char *name,
    const struct artifact *artifact, struct arena *arena)
{
	struct json_value *array = json_array(arena);
	size_t i;

	for (i = 0; i < artifact->derived_count; i++)
		json_push_text(array, artifact->derived_from[i]);
	json_put(object, name, array);
}

struct json_value *
artifact_summary(const struct artifact *artifact, struct arena *arena)
{
	struct json_value *object = json_object(arena);

	put_id(object, "id", &artifact->id);
	json_put_text(object, "workflow_id", artifact->workflow);
	json_put_text(object, "phase_id", artifact->phase);
	json_put_text(object, "artifact_type", artifact->type);
	json_put_text(object, "title", artifact->title);
	json_put_number(object, "size_bytes", artifact->content.size);
	put_moment(object, "created_at", artifact->created);
	return object;
}

struct json_value *
artifact_detail(const struct artifact *artifact, struct arena *arena)
{
	struct span metadata = artifact->metadata;
	struct json_value *object = json_object(arena);

	if (metadata.data == NULL)
		metadata = SPAN("{}");
	put_id(object, "id", &artifact->id);
	json_put_text(object, "workflow_id", artifact->workflow);
	json_put_text(object, "phase_id", artifact->phase);
	json_put_text(object, "session_id", artifact->session);
	json_put_text(object, "artifact_type", artifact->type);
	json_put_bool(object, "is_primary_deliverable", artifact->is_primary);
	json_put_text(object, "content_type", artifact->content.type);
	put_hash(object, "content_hash", artifact->content.hash);
	json_put_number(object, "size_bytes", artifact->content.size);
	json_put_text(object, "title", artifact->title);
	put_derived(object, "derived_from", artifact, arena);
	put_moment(object, "created_at", artifact->created);
	json_put_text(object, "created_by", artifact->creator);
	json_put_source(object, "metadata", metadata);
	return object;
}
