/* SPDX-License-Identifier: ISC */
/*
 * change.c - a change as bytes: between a worker and the writer; and whether
 * what is there lets it happen.
 *
 *	kind u8  number u64  owner u64 u64  id 16  patch u8
 *	artifact span (stored form, absent: none)  bytes span
 *	blob u64  chunk u32
 *	if-match, if-none-match: flags u8, count u32, etags 16 each,
 *		count u32, hashes 32 each
 *	if-unmodified-since: flag u8, seconds u64
 *	key: flag u8, [key 32, meaning 32]
 */

#include "change.h"
#include "base/pack.h"

#include <stddef.h>

#define FLAG_THERE 1u
#define FLAG_ANY 2u
#define PATCH_ALL (PATCH_TITLE | PATCH_METADATA | PATCH_PRIMARY | PATCH_DERIVED)

/* More than any record within base/limits.h. */
#define RECORD_SIZE (LIMIT_MESSAGE - LIMIT_CHUNK)

static void
encode_artifact(const struct artifact *artifact, struct buffer *buffer)
{
	struct buffer record;

	if (artifact == NULL) {
		pack_span(buffer, SPAN_NONE);
		return;
	}
	buffer_init(&record, buffer->arena);
	artifact_encode(artifact, &record);
	pack_span(buffer, buffer_span(&record));
}

static void
encode_tags(const struct tags *tags, struct buffer *buffer)
{
	unsigned flags =
	    (tags->is_there ? FLAG_THERE : 0) | (tags->is_any ? FLAG_ANY : 0);

	pack_u8(buffer, (uint8_t)flags);
	pack_u32(buffer, (uint32_t)tags->etag_count);
	pack_bytes(buffer, tags->etags, tags->etag_count * ETAG_SIZE);
	pack_u32(buffer, (uint32_t)tags->hash_count);
	pack_bytes(buffer, tags->hashes, tags->hash_count * DIGEST_SHA256_SIZE);
}

void
change_encode(const struct change *change, struct buffer *buffer)
{
	pack_u8(buffer, (uint8_t)change->kind);
	pack_u64(buffer, change->number);
	pack_u64(buffer, change->owner.incarnation);
	pack_u64(buffer, change->owner.request);
	pack_bytes(buffer, change->id.bytes, sizeof(change->id.bytes));
	pack_u8(buffer, (uint8_t)change->patch);
	encode_artifact(change->artifact, buffer);
	pack_span(buffer, change->bytes);
	pack_u64(buffer, change->blob);
	pack_u32(buffer, change->chunk);
	encode_tags(&change->if_match, buffer);
	encode_tags(&change->if_none_match, buffer);
	pack_u8(buffer, change->has_unmodified_since);
	pack_u64(buffer, (uint64_t)change->unmodified_since);
	pack_u8(buffer, change->has_key);
	if (change->has_key) {
		pack_bytes(buffer, change->key, sizeof(change->key));
		pack_bytes(buffer, change->meaning, sizeof(change->meaning));
	}
}

static void
decode_artifact(
    struct unpack *unpack, struct arena *arena, struct change *change)
{
	struct span record = unpack_span(unpack, RECORD_SIZE);

	if (record.data == NULL)
		return;
	if (artifact_decode(record, arena, &change->artifact) != RESULT_OK)
		unpack->failed = true;
}

/* So many of that size, in the arena. */
static void *
decode_list(
    struct unpack *unpack, struct arena *arena, size_t size, size_t *ret_count)
{
	uint32_t count = unpack_u32(unpack);
	void *list;

	if (count > LIMIT_IF_MATCH) {
		unpack->failed = true;
		count = 0;
	}
	list = arena_alloc(arena, count * size);
	unpack_bytes(unpack, list, count * size);
	*ret_count = count;
	return list;
}

static void
decode_tags(struct unpack *unpack, struct arena *arena, struct tags *tags)
{
	uint8_t flags = unpack_u8(unpack);

	if (flags > (FLAG_THERE | FLAG_ANY))
		unpack->failed = true;
	tags->is_there = (flags & FLAG_THERE) != 0;
	tags->is_any = (flags & FLAG_ANY) != 0;
	tags->etags =
	    decode_list(unpack, arena, sizeof(*tags->etags), &tags->etag_count);
	tags->hashes = decode_list(
	    unpack, arena, sizeof(*tags->hashes), &tags->hash_count);
}

/* Does it carry what its kind needs, and nothing impossible? */
static bool
is_sound(const struct change *change)
{
	const struct artifact *artifact = change->artifact;

	switch (change->kind) {
	case CHANGE_CREATE:
		return artifact != NULL && artifact->type.size > 0 &&
		       artifact->workflow.data != NULL &&
		       artifact->title.data != NULL;
	case CHANGE_CONTENT:
		return artifact != NULL;
	case CHANGE_UPDATE:
		return artifact != NULL && (!(change->patch & PATCH_TITLE) ||
					       artifact->title.data != NULL);
	case CHANGE_STAGE:
		return change->bytes.size > 0 && change->blob != 0;
	case CHANGE_DROP:
		return change->blob != 0;
	case CHANGE_DELETE:
		return true;
	case CHANGE_IMPORT:
		return false; /* no worker may send one: change.h */
	}
	return false;
}

enum result
change_decode(
    struct span bytes, struct arena *arena, struct change **ret_change)
{
	struct change *change = arena_alloc(arena, sizeof(*change));
	struct unpack unpack = { .rest = bytes };

	change->kind = unpack_u8(&unpack);
	change->number = unpack_u64(&unpack);
	change->owner.incarnation = unpack_u64(&unpack);
	change->owner.request = unpack_u64(&unpack);
	unpack_bytes(&unpack, change->id.bytes, sizeof(change->id.bytes));
	change->patch = unpack_u8(&unpack);
	decode_artifact(&unpack, arena, change);
	change->bytes = unpack_span(&unpack, LIMIT_CHUNK);
	change->blob = unpack_u64(&unpack);
	change->chunk = unpack_u32(&unpack);
	decode_tags(&unpack, arena, &change->if_match);
	decode_tags(&unpack, arena, &change->if_none_match);
	change->has_unmodified_since = unpack_bool(&unpack);
	change->unmodified_since = (int64_t)unpack_u64(&unpack);
	change->has_key = unpack_bool(&unpack);
	if (change->has_key) {
		unpack_bytes(&unpack, change->key, sizeof(change->key));
		unpack_bytes(&unpack, change->meaning, sizeof(change->meaning));
	}
	if (!unpack_is_done(&unpack) || change->patch > PATCH_ALL ||
	    !is_sound(change))
		return RESULT_MALFORMED;
	*ret_change = change;
	return RESULT_OK;
}

/* ---- conditions ---- */

/* Is a tag of the artifact among these? */
static bool
tags_match(const struct tags *tags, const struct artifact *artifact,
    struct arena *arena)
{
	uint8_t etag[ETAG_SIZE];
	size_t i;

	if (tags->is_any)
		return true;
	for (i = 0; i < tags->hash_count; i++)
		if (memcmp(tags->hashes[i], artifact->content.hash,
			DIGEST_SHA256_SIZE) == 0)
			return true;
	if (tags->etag_count == 0)
		return false;
	artifact_etag(artifact, arena, etag);
	for (i = 0; i < tags->etag_count; i++)
		if (memcmp(tags->etags[i], etag, ETAG_SIZE) == 0)
			return true;
	return false;
}

bool
change_is_awaited(const struct change *change)
{
	return change->kind <= CHANGE_DELETE;
}

bool
change_is_allowed(const struct change *change, const struct artifact *artifact,
    uint64_t now, struct arena *arena)
{
	if (change->if_match.is_there) {
		if (!tags_match(&change->if_match, artifact, arena))
			return false;
	} else if (change->has_unmodified_since) {
		if (!content_is_unmodified_since(
			&artifact->content, change->unmodified_since, now))
			return false;
	}
	return !change->if_none_match.is_there ||
	       !tags_match(&change->if_none_match, artifact, arena);
}
