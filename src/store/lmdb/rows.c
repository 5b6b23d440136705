/* SPDX-License-Identifier: ISC */
/*
 * rows.c - each kind of row: its members as bytes and back.
 *
 * Meta has two rows: the format, which an older or newer program reads
 * first, and the counters, which every commit may change.
 */

#include "layout.h"

#include "base/pack.h"

static const struct key name_format = { 6, "format" };
static const struct key name_counters = { 8, "counters" };

/* ---- meta ---- */

enum result
layout_get_format(struct view *view, uint32_t *ret_format)
{
	struct unpack unpack = { 0 };
	enum result result;
	uint32_t format;

	result = layout_get(view, DB_META, &name_format, &unpack.rest);
	if (result != RESULT_OK)
		return result;
	format = unpack_u32(&unpack);
	if (!unpack_is_done(&unpack))
		return layout_damaged(view, DB_META);
	*ret_format = format;
	return RESULT_OK;
}

enum result
layout_put_format(struct view *view, uint32_t format)
{
	struct buffer buffer;

	buffer_init(&buffer, view->arena);
	pack_u32(&buffer, format);
	return layout_put(view, DB_META, &name_format, buffer_span(&buffer), 0);
}

enum result
layout_get_meta(struct view *view, struct meta *ret_meta)
{
	struct unpack unpack = { 0 };
	struct meta meta = { 0 };
	enum result result;

	result = layout_get(view, DB_META, &name_counters, &unpack.rest);
	if (result != RESULT_OK)
		return result;
	meta.last_moment = unpack_u64(&unpack);
	meta.next_blob = unpack_u64(&unpack);
	meta.artifacts = unpack_u64(&unpack);
	meta.bytes = unpack_u64(&unpack);
	meta.staged = unpack_u64(&unpack);
	if (view->format >= LAYOUT_FORMAT_SUMMED) {
		meta.sum = unpack_u64(&unpack);
		meta.txn = unpack_u64(&unpack);
	}
	if (!unpack_is_done(&unpack))
		return layout_damaged(view, DB_META);
	*ret_meta = meta;
	return RESULT_OK;
}

enum result
layout_put_meta(struct view *view, const struct meta *meta)
{
	struct buffer buffer;

	buffer_init(&buffer, view->arena);
	pack_u64(&buffer, meta->last_moment);
	pack_u64(&buffer, meta->next_blob);
	pack_u64(&buffer, meta->artifacts);
	pack_u64(&buffer, meta->bytes);
	pack_u64(&buffer, meta->staged);
	pack_u64(&buffer, meta->sum + view->sum);
	pack_u64(&buffer, mdb_txn_id(view->txn));
	return layout_put(
	    view, DB_META, &name_counters, buffer_span(&buffer), 0);
}

/* ---- pending ---- */

bool
pending_decode(struct span bytes, struct pending *ret_pending)
{
	struct unpack unpack = { bytes, false };
	struct pending pending;
	uint8_t kind;

	kind = unpack_u8(&unpack);
	pending.owner.incarnation = unpack_u64(&unpack);
	pending.owner.request = unpack_u64(&unpack);
	pending.chunks = unpack_u32(&unpack);
	pending.bytes = unpack_u64(&unpack);
	if (kind != PENDING_UPLOAD && kind != PENDING_GARBAGE)
		return false;
	pending.kind = (enum pending_kind)kind;
	if (!unpack_is_done(&unpack))
		return false;
	*ret_pending = pending;
	return true;
}

enum result
layout_get_pending(
    struct view *view, uint64_t blob, struct pending *ret_pending)
{
	struct key key = key_number(blob);
	struct span bytes;
	enum result result;

	result = layout_get(view, DB_PENDING, &key, &bytes);
	if (result == RESULT_OK && !pending_decode(bytes, ret_pending))
		return layout_damaged(view, DB_PENDING);
	return result;
}

enum result
layout_put_pending(
    struct view *view, uint64_t blob, const struct pending *pending)
{
	struct key key = key_number(blob);
	struct buffer buffer;

	buffer_init(&buffer, view->arena);
	pack_u8(&buffer, (uint8_t)pending->kind);
	pack_u64(&buffer, pending->owner.incarnation);
	pack_u64(&buffer, pending->owner.request);
	pack_u32(&buffer, pending->chunks);
	pack_u64(&buffer, pending->bytes);
	return layout_put(view, DB_PENDING, &key, buffer_span(&buffer), 0);
}

/* ---- idempotency ---- */

bool
promise_decode(struct span bytes, struct promise *ret_promise)
{
	struct unpack unpack = { bytes, false };
	struct promise promise;

	unpack_bytes(&unpack, promise.meaning, sizeof(promise.meaning));
	unpack_bytes(&unpack, promise.id.bytes, sizeof(promise.id.bytes));
	promise.expires = unpack_u64(&unpack);
	if (!unpack_is_done(&unpack))
		return false;
	*ret_promise = promise;
	return true;
}

enum result
layout_get_promise(
    struct view *view, const uint8_t key[32], struct promise *ret_promise)
{
	struct key name = key_of(key, 32);
	struct span bytes;
	enum result result;

	result = layout_get(view, DB_IDEMPOTENCY, &name, &bytes);
	if (result == RESULT_OK && !promise_decode(bytes, ret_promise))
		return layout_damaged(view, DB_IDEMPOTENCY);
	return result;
}

enum result
layout_put_promise(
    struct view *view, const uint8_t key[32], const struct promise *promise)
{
	struct key name = key_of(key, 32);
	struct buffer buffer;

	buffer_init(&buffer, view->arena);
	pack_bytes(&buffer, promise->meaning, sizeof(promise->meaning));
	pack_bytes(&buffer, promise->id.bytes, sizeof(promise->id.bytes));
	pack_u64(&buffer, promise->expires);
	return layout_put(view, DB_IDEMPOTENCY, &name, buffer_span(&buffer), 0);
}

/* ---- applied ---- */

bool
applied_decode(struct span bytes, struct applied *ret_applied)
{
	struct unpack unpack = { bytes, false };
	struct applied applied;
	uint8_t code;

	applied.number = unpack_u64(&unpack);
	code = unpack_u8(&unpack);
	unpack_bytes(&unpack, applied.id.bytes, sizeof(applied.id.bytes));
	if (!unpack_is_done(&unpack) || code >= RESULT_COUNT)
		return false;
	applied.result = (enum result)code;
	*ret_applied = applied;
	return true;
}

enum result
layout_get_applied(
    struct view *view, uint64_t incarnation, struct applied *ret_applied)
{
	struct key key = key_number(incarnation);
	struct span bytes;
	enum result result;

	result = layout_get(view, DB_APPLIED, &key, &bytes);
	if (result == RESULT_OK && !applied_decode(bytes, ret_applied))
		return layout_damaged(view, DB_APPLIED);
	return result;
}

enum result
layout_put_applied(
    struct view *view, uint64_t incarnation, const struct applied *applied)
{
	struct key key = key_number(incarnation);
	struct buffer buffer;

	buffer_init(&buffer, view->arena);
	pack_u64(&buffer, applied->number);
	pack_u8(&buffer, (uint8_t)applied->result);
	pack_bytes(&buffer, applied->id.bytes, sizeof(applied->id.bytes));
	return layout_put(view, DB_APPLIED, &key, buffer_span(&buffer), 0);
}

/* ---- ids and records ---- */

enum result
layout_get_moment(struct view *view, const struct id *id, uint64_t *ret_moment)
{
	struct key key = key_id(id);
	struct unpack unpack = { 0 };
	enum result result;
	uint64_t moment;

	result = layout_get(view, DB_IDS, &key, &unpack.rest);
	if (result != RESULT_OK)
		return result;
	moment = unpack_u64(&unpack);
	if (!unpack_is_done(&unpack))
		return layout_damaged(view, DB_IDS);
	*ret_moment = moment;
	return RESULT_OK;
}

enum result
layout_put_moment(struct view *view, const struct id *id, uint64_t moment)
{
	struct key key = key_id(id);
	struct key value = key_number(moment);

	return layout_put(view, DB_IDS, &key, span_of(value.bytes, value.size),
	    MDB_NOOVERWRITE);
}

enum result
layout_get_record(struct view *view, uint64_t moment, struct arena *arena,
    struct artifact **ret_artifact)
{
	struct key key = key_number(moment);
	struct artifact *artifact;
	struct span bytes;
	enum result result;

	result = layout_get(view, DB_RECORDS, &key, &bytes);
	if (result != RESULT_OK)
		return result;
	result = artifact_decode(arena_copy(arena, bytes), arena, &artifact);
	if (result != RESULT_OK)
		return layout_damaged(view, DB_RECORDS);
	artifact->created = moment;
	*ret_artifact = artifact;
	return RESULT_OK;
}

enum result
layout_find_record(struct view *view, const struct id *id, struct arena *arena,
    struct artifact **ret_artifact)
{
	struct artifact *artifact;
	enum result result;
	uint64_t moment;

	result = layout_get_moment(view, id, &moment);
	if (result != RESULT_OK)
		return result;
	result = layout_get_record(view, moment, arena, &artifact);
	if (result == RESULT_NOT_FOUND)
		return layout_damaged(view, DB_RECORDS);
	if (result != RESULT_OK)
		return result;
	if (memcmp(&artifact->id, id, sizeof(*id)) != 0)
		return layout_damaged(view, DB_IDS);
	*ret_artifact = artifact;
	return RESULT_OK;
}
