/* SPDX-License-Identifier: ISC */
/*
 * change.c - a change as bytes: between a worker and the writer.
 *
 *	kind u8  number u64  owner u64 u64  id 16  patch u8
 *	artifact span (stored form, absent: none)  bytes span
 *	blob u64  chunk u32
 *	if-match: flags u8, count u32, etags 16 each
 *	key: flag u8, [key 32, meaning 32]
 */

#include "change.h"
#include "pack.h"

#include <stddef.h>

#define FLAG_IF_MATCH 1u
#define FLAG_ANY 2u
#define PATCH_ALL (PATCH_TITLE | PATCH_METADATA | PATCH_PRIMARY | PATCH_DERIVED)

/* More than any record within limits.h. */
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

void
change_encode(const struct change *change, struct buffer *buffer)
{
	unsigned flags = (change->has_if_match ? FLAG_IF_MATCH : 0) |
			 (change->if_match_any ? FLAG_ANY : 0);

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
	pack_u8(buffer, (uint8_t)flags);
	pack_u32(buffer, (uint32_t)change->etag_count);
	pack_bytes(buffer, change->etags, change->etag_count * ETAG_SIZE);
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

static void
decode_if_match(
    struct unpack *unpack, struct arena *arena, struct change *change)
{
	uint8_t flags = unpack_u8(unpack);
	uint32_t count = unpack_u32(unpack);

	if (count > LIMIT_IF_MATCH || flags > (FLAG_IF_MATCH | FLAG_ANY)) {
		unpack->failed = true;
		return;
	}
	change->has_if_match = (flags & FLAG_IF_MATCH) != 0;
	change->if_match_any = (flags & FLAG_ANY) != 0;
	change->etag_count = count;
	change->etags = arena_alloc(arena, (size_t)count * ETAG_SIZE);
	unpack_bytes(unpack, change->etags, (size_t)count * ETAG_SIZE);
}

static void
decode_key(struct unpack *unpack, struct change *change)
{
	uint8_t has_key = unpack_u8(unpack);

	if (has_key > 1)
		unpack->failed = true;
	change->has_key = has_key == 1;
	if (change->has_key) {
		unpack_bytes(unpack, change->key, sizeof(change->key));
		unpack_bytes(unpack, change->meaning, sizeof(change->meaning));
	}
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
		return false; /* by whoever holds the store, nobody else */
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
	decode_if_match(&unpack, arena, change);
	decode_key(&unpack, change);
	if (!unpack_is_done(&unpack) || change->patch > PATCH_ALL ||
	    !is_sound(change))
		return RESULT_MALFORMED;
	*ret_change = change;
	return RESULT_OK;
}
