/* SPDX-License-Identifier: ISC */
/* record.c - an artifact as JSON, and from it. */

#include "record.h"

/* ---- writing ---- */

struct span
ctl_record_line(const struct artifact *artifact, struct arena *arena)
{
	struct json_value *detail = artifact_detail(artifact, arena);
	char stored[MOMENT_TEXT + 1];
	struct buffer line;

	moment_format(artifact->content.stored, stored);
	json_put_text(
	    detail, "content_stored_at", span_of(stored, MOMENT_TEXT));
	json_put_text(detail, "filename", artifact->content.filename);
	buffer_init(&line, arena);
	buffer_append(&line, json_text(arena, detail));
	buffer_append_byte(&line, '\n');
	return buffer_span(&line);
}

/* ---- reading ---- */

struct reading {
	struct arena *arena;
	struct json_document document;
	struct faults faults;
};

static void
note(struct reading *reading, const char *name, const char *message)
{
	faults_add(&reading->faults, (struct fault){ .type = "value_error",
					 .message = message,
					 .area = "body",
					 .name = span_str(name) });
}

/* Absent or null. */
static bool
is_null(const struct reading *reading, const char *name)
{
	struct span source = json_get_source(&reading->document, name);

	return source.data == NULL || span_is(source, "null");
}

static struct span
text(struct reading *reading, const char *name, size_t limit)
{
	return json_get_string(
	    &reading->document, name, JSON_NULLABLE, limit, &reading->faults);
}

static struct span
needed(struct reading *reading, const char *name, size_t limit)
{
	return json_get_string(
	    &reading->document, name, JSON_REQUIRED, limit, &reading->faults);
}

/* A text that may not be missing. Other servers have null in place of an empty
 * text. */
static struct span
needed_or_null(struct reading *reading, const char *name, size_t limit)
{
	if (span_is(json_get_source(&reading->document, name), "null"))
		return SPAN("");
	return needed(reading, name, limit);
}

static void
read_id(struct reading *reading, struct id *ret_id)
{
	struct span id = needed(reading, "id", 0);

	/* Other systems write capitals, and paths find either. */
	if (id.data != NULL &&
	    !id_parse(span_lower(reading->arena, id), ret_id))
		note(reading, "id",
		    "has to be a UUID; no other id fits in a store of "
		    "artifactd");
}

static void
read_members(struct reading *reading, struct artifact *artifact)
{
	read_id(reading, &artifact->id);
	artifact->workflow =
	    needed_or_null(reading, "workflow_id", LIMIT_WORKFLOW);
	artifact->phase = text(reading, "phase_id", LIMIT_PHASE);
	artifact->session = text(reading, "session_id", LIMIT_SESSION);
	artifact->type = span_lower(
	    reading->arena, needed(reading, "artifact_type", LIMIT_TYPE));
	if (artifact->type.data != NULL && artifact->type.size == 0)
		note(reading, "artifact_type", "is empty");
	artifact->title = needed_or_null(reading, "title", LIMIT_TITLE);
	artifact->creator = text(reading, "created_by", LIMIT_USER);
	artifact->content.filename = text(reading, "filename", LIMIT_FILENAME);
	artifact->content.type =
	    text(reading, "content_type", LIMIT_CONTENT_TYPE);
	if (artifact->content.type.data == NULL)
		artifact->content.type = SPAN("text/markdown");
}

static void
read_others(struct reading *reading, struct artifact *artifact)
{
	const struct json_document *document = &reading->document;
	struct faults *faults = &reading->faults;

	artifact->is_primary = true;
	if (!is_null(reading, "is_primary_deliverable"))
		(void)json_get_bool(document, "is_primary_deliverable", faults,
		    &artifact->is_primary); /* else noted */
	if (!is_null(reading, "metadata"))
		artifact->metadata = json_get_object_text(
		    document, "metadata", LIMIT_METADATA, faults);
	if (span_is(artifact->metadata, "{}"))
		artifact->metadata = SPAN_NONE;
	if (!is_null(reading, "derived_from"))
		(void)json_get_ids(document, "derived_from", LIMIT_DERIVED_FROM,
		    faults, &artifact->derived_from,
		    &artifact->derived_count); /* else noted */
}

/* false: there is none; a wrong one is noted. */
static bool
read_moment(struct reading *reading, const char *name, uint64_t *ret_moment)
{
	struct span value = text(reading, name, 0);

	if (value.data == NULL)
		return false;
	if (!moment_parse(value, ret_moment))
		note(reading, name, "is no time from 1970 to 9999");
	return true;
}

/* false: it is none, and some of *ret_hash was overwritten. */
static bool
hash_parse(struct span hex, uint8_t ret_hash[DIGEST_SHA256_SIZE])
{
	size_t i;
	int digit;

	if (hex.size != DIGEST_SHA256_HEX)
		return false;
	for (i = 0; i < hex.size; i++) {
		digit = ascii_hex(hex.data[i]);
		if (digit < 0)
			return false;
		ret_hash[i / 2] = (uint8_t)(ret_hash[i / 2] << 4 | digit);
	}
	return true;
}

static void
read_content(struct reading *reading, struct ctl_record *record)
{
	struct content *content = &record->artifact.content;
	struct span hash = text(reading, "content_hash", 0);

	record->has_hash = hash.data != NULL;
	if (record->has_hash && !hash_parse(hash, content->hash))
		note(reading, "content_hash", "is no SHA-256 in hex");
	record->has_size = !is_null(reading, "size_bytes");
	if (record->has_size &&
	    !json_get_number(&reading->document, "size_bytes", &content->size))
		note(reading, "size_bytes", "is no whole number");
	record->has_created =
	    read_moment(reading, "created_at", &record->artifact.created);
	content->stored = record->artifact.created;
	(void)read_moment(reading, "content_stored_at",
	    &content->stored); /* else when it was created */
	record->text = json_get_text(&reading->document, "content");
	record->storage = json_get_text(&reading->document, "storage_url");
}

static const char *
fault_text(const struct reading *reading)
{
	const struct fault *fault = &reading->faults.list[0];

	if (fault->name.data == NULL)
		return fault->message;
	return arena_printf(reading->arena, "%.*s: %s", (int)fault->name.size,
	    fault->name.data, fault->message)
	    .data;
}

bool
ctl_record_read(struct arena *arena, struct span source,
    struct ctl_record *ret_record, const char **ret_fault)
{
	struct reading reading = { .arena = arena };
	struct ctl_record record = { 0 };

	faults_init(&reading.faults, arena);
	if (json_read(arena, source, &reading.faults, &reading.document) !=
	    JSON_VALID) {
		*ret_fault = "is no JSON";
		return false;
	}
	if (reading.faults.count == 0) {
		read_members(&reading, &record.artifact);
		read_others(&reading, &record.artifact);
		read_content(&reading, &record);
	}
	if (reading.faults.count != 0) {
		*ret_fault = fault_text(&reading);
		return false;
	}
	*ret_record = record;
	return true;
}
