/* SPDX-License-Identifier: ISC */
/* import_detail.c - an artifact as a server tells of it. */

#include "import_detail.h"

bool
import_detail_read(struct arena *arena, struct span id, struct span body,
    struct import_detail *ret_detail, const char **ret_fault)
{
	struct json_document document;
	struct import_detail detail;
	char text[ID_TEXT + 1];
	struct faults faults;

	if (!ctl_record_read(arena, body, &detail.record, ret_fault))
		return false;
	/* A server takes the start of an id for the whole. */
	id_format(&detail.record.artifact.id, text);
	if (!span_is(span_lower(arena, id), text)) {
		*ret_fault = "the server answers with another artifact";
		return false;
	}
	faults_init(&faults, arena);
	if (json_read(arena, body, &faults, &document) != JSON_VALID) {
		*ret_fault = "is no JSON";
		return false;
	}
	detail.content =
	    json_text_of(arena, json_get_source(&document, "content"));
	detail.storage =
	    json_text_of(arena, json_get_source(&document, "storage_url"));
	*ret_detail = detail;
	return true;
}

static bool
has_hash_of(const struct content *content, struct span text)
{
	uint8_t hash[DIGEST_SHA256_SIZE];
	struct digest digest;

	digest_begin(&digest);
	digest_add(&digest, text);
	digest_end(&digest, hash);
	return memcmp(hash, content->hash, sizeof(hash)) == 0;
}

/*
 * Without a hash: where nothing was replaced, the text is the bytes. Where
 * something looks as if, nobody can tell.
 */
static bool
is_plausible(struct span text)
{
	static const char replacement[] = "\xef\xbf\xbd";

	return memmem(text.data, text.size, replacement,
		   sizeof(replacement) - 1) == NULL;
}

bool
import_detail_take(struct import_detail *detail)
{
	struct content *content = &detail->record.artifact.content;
	struct span text = detail->content;
	struct digest digest;

	if (text.data == NULL)
		return false;
	if (detail->record.has_hash && !has_hash_of(content, text))
		return false;
	if (!detail->record.has_hash && !is_plausible(text))
		return false;
	digest_begin(&digest);
	digest_add(&digest, text);
	digest_end(&digest, content->hash);
	content->size = text.size;
	return true;
}

struct span
import_detail_path(const struct import_detail *detail, struct span url)
{
	static const char here[] = "/artifacts/";
	struct span storage = detail->storage;
	const char *path;

	if (storage.data == NULL)
		return SPAN_NONE;
	if (!span_starts_with(storage, "/") &&
	    (storage.size < url.size ||
		!span_equal(span_of(storage.data, url.size), url)))
		return SPAN_NONE;
	path = memmem(storage.data, storage.size, here, sizeof(here) - 1);
	if (path == NULL)
		return SPAN_NONE;
	return span_from(storage, (size_t)(path - storage.data));
}
