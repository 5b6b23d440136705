/* SPDX-License-Identifier: ISC */
/*
 * check_rows.c - records, and what leads to them. All of this is
 * compared inside the slice that reads the row.
 */

#include "check.h"

/* ---- records ---- */

static enum result
check_id_of(struct check *check, const struct artifact *artifact)
{
	char text[ID_TEXT + 1];
	uint64_t moment = 0;
	enum result result;

	result = layout_get_moment(&check->view, &artifact->id, &moment);
	if (check_is_fatal(check))
		return result;
	id_format(&artifact->id, text);
	if (result != RESULT_OK || moment != artifact->created)
		check_report(
		    check, DB_IDS, "%s does not lead to its record", text);
	return RESULT_OK;
}

static enum result
check_index_of(struct check *check, const struct artifact *artifact)
{
	char text[ID_TEXT + 1];
	enum result result;
	struct key key;
	struct span value;
	size_t tag;

	id_format(&artifact->id, text);
	for (tag = 0; tag < INDEX_TAGS; tag++) {
		value = index_value(artifact, tag);
		if (value.size == 0)
			continue;
		key = index_prefix(tag, value);
		key = key_then(&key, artifact->created);
		result = layout_has_index(&check->view, &key);
		if (check_is_fatal(check))
			return result;
		if (result != RESULT_OK)
			check_report(check, DB_INDEX, "%s has no entry '%c'",
			    text, key.bytes[0]);
	}
	return RESULT_OK;
}

/* The chunks are looked at when the slice has ended. */
static enum result
keep_content(struct check *check, const struct artifact *artifact)
{
	const struct content *content = &artifact->content;
	struct check_content *kept;
	struct pending pending;
	enum result result;

	result = layout_get_pending(&check->view, content->blob, &pending);
	if (check_is_fatal(check))
		return result;
	if (result != RESULT_NOT_FOUND)
		check_report(check, DB_PENDING, "blob %llu is also a record's",
		    (unsigned long long)content->blob);
	if (!check_name_blob(check, content->blob))
		check_report(check, DB_RECORDS, "two name blob %llu",
		    (unsigned long long)content->blob);
	kept = &check->contents[check->content_count++];
	*kept = (struct check_content){
		.blob = content->blob,
		.size = content->size,
		.moment = artifact->created,
	};
	memcpy(kept->hash, content->hash, sizeof(kept->hash));
	return RESULT_OK;
}

static enum result
check_artifact(struct check *check, const struct artifact *artifact)
{
	enum result result = RESULT_OK;

	check->about = artifact;
	/* Imported ones may be younger than the last moment, but were past. */
	if (check->has_meta && artifact->created > check->meta.last_moment &&
	    artifact->created > moment_now() + LIMIT_AHEAD)
		check_report(check, DB_RECORDS, "%llu is of a time to come",
		    (unsigned long long)artifact->created);
	if (artifact->content.blob != 0)
		result = keep_content(check, artifact);
	else if (artifact->content.size != 0)
		check_report(check, DB_RECORDS, "%llu names no content",
		    (unsigned long long)artifact->created);
	if (result == RESULT_OK)
		result = check_id_of(check, artifact);
	return result == RESULT_OK ? check_index_of(check, artifact) : result;
}

enum result
check_record(struct check *check, const struct key *key, struct span bytes)
{
	struct artifact *artifact;

	if (artifact_decode(bytes, check->arena, &artifact) != RESULT_OK) {
		check_report(check, DB_RECORDS, "%s is no artifact",
		    check_hex(check, key));
		return RESULT_OK;
	}
	artifact->created = key_last_number(key);
	return check_artifact(check, artifact);
}

/* ---- what leads to records ---- */

enum result
check_id(struct check *check, const struct key *key, struct span bytes)
{
	struct artifact *artifact;
	struct artifact stub = { .title = SPAN_NONE };
	char text[ID_TEXT + 1];
	enum result result;

	(void)bytes; /* read again with the record */
	memcpy(stub.id.bytes, key->bytes, sizeof(stub.id.bytes));
	result =
	    layout_find_record(&check->view, &stub.id, check->arena, &artifact);
	if (check_is_fatal(check))
		return result;
	if (result == RESULT_OK)
		return RESULT_OK;
	check->about = &stub;
	id_format(&stub.id, text);
	check_report(check, DB_IDS, "%s leads to no record of that id", text);
	check->about = NULL;
	return RESULT_OK;
}

enum result
check_index(struct check *check, const struct key *key, struct span bytes)
{
	struct artifact *artifact;
	enum result result;
	struct span value;
	uint64_t moment;
	size_t tag;

	(void)bytes; /* there are none */
	if (!index_parse(key, &tag, &value, &moment)) {
		check_report(check, DB_INDEX, "%s is no key of it",
		    check_hex(check, key));
		return RESULT_OK;
	}
	result =
	    layout_get_record(&check->view, moment, check->arena, &artifact);
	if (check_is_fatal(check))
		return result;
	if (result != RESULT_OK ||
	    !span_equal(value, index_value(artifact, tag)))
		check_report(check, DB_INDEX, "%s leads to no such record",
		    check_hex(check, key));
	return RESULT_OK;
}

/* ---- the rest ---- */

enum result
check_promise(struct check *check, const struct key *key, struct span bytes)
{
	struct promise promise;

	if (!promise_decode(bytes, &promise))
		check_report(check, DB_IDEMPOTENCY, "%s is no such row",
		    check_hex(check, key));
	return RESULT_OK;
}

enum result
check_applied(struct check *check, const struct key *key, struct span bytes)
{
	struct applied applied;

	if (!applied_decode(bytes, &applied))
		check_report(check, DB_APPLIED, "%s is no such row",
		    check_hex(check, key));
	return RESULT_OK;
}
