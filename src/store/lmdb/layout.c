/* SPDX-License-Identifier: ISC */
/*
 * layout.c - what stands where in data.mdb: keys, checked values, and each
 * kind of row, its members as bytes and back. LMDB's codes as results.
 *
 * Meta has two rows: the format, which an older or newer program reads
 * first, and the counters, which every commit may change.
 * Nothing here knows why something is read or put.
 */

#include "internal.h"

#include "base/pack.h"

#include <assert.h>
#include <errno.h>

#define CHECK_SIZE 8

static const char *const names[DB_COUNT] = {
	[DB_META] = "meta",
	[DB_IDS] = "ids",
	[DB_RECORDS] = "records",
	[DB_INDEX] = "index",
	[DB_CHUNKS] = "chunks",
	[DB_PENDING] = "pending",
	[DB_IDEMPOTENCY] = "idempotency",
	[DB_APPLIED] = "applied",
};

/* What the keys of the index begin with: a letter for each filter. */
static const uint8_t tags[] = { 'w', 'p', 't', 's' };

_Static_assert(COUNT_OF(tags) == FILTERS, "letters");

const char *
layout_name(enum database database)
{
	return names[database];
}

/* ---- codes ---- */

static const struct {
	int code;
	enum result result;
} codes[] = {
	{ MDB_SUCCESS, RESULT_OK },
	{ MDB_NOTFOUND, RESULT_NOT_FOUND },
	{ MDB_MAP_FULL, RESULT_NO_SPACE },
	{ ENOSPC, RESULT_NO_SPACE },
	{ ENOMEM, RESULT_UNAVAILABLE },
	{ EDQUOT, RESULT_NO_SPACE },
	{ MDB_READERS_FULL, RESULT_UNAVAILABLE },
	{ MDB_CORRUPTED, RESULT_DAMAGED },
	{ MDB_PAGE_NOTFOUND, RESULT_DAMAGED },
	{ MDB_INVALID, RESULT_DAMAGED },
	{ MDB_VERSION_MISMATCH, RESULT_DAMAGED },
};

enum result
from_lmdb(int code)
{
	size_t i;

	for (i = 0; i < COUNT_OF(codes); i++)
		if (codes[i].code == code)
			return codes[i].result;
	return RESULT_IO;
}

enum result
layout_note(struct view *view, enum database database, int code)
{
	if (code != MDB_SUCCESS && code != MDB_NOTFOUND) {
		view->error = code;
		view->where = database;
	}
	return from_lmdb(code);
}

enum result
layout_damaged(struct view *view, enum database database)
{
	view->is_damaged = true;
	view->where = database;
	return RESULT_DAMAGED;
}

/* ---- keys ---- */

struct key
key_of(const void *bytes, size_t size)
{
	struct key key;

	assert(size <= LAYOUT_KEY);
	key.size = size;
	memcpy(key.bytes, bytes, size);
	return key;
}

struct key
key_number(uint64_t number)
{
	struct key key;

	key.size = 8;
	pack_key(key.bytes, number);
	return key;
}

struct key
key_chunk(uint64_t blob, uint32_t chunk)
{
	struct key key = key_number(blob);
	int i;

	for (i = 0; i < 4; i++)
		key.bytes[key.size++] = (uint8_t)(chunk >> (8 * (3 - i)));
	return key;
}

struct key
key_id(const struct id *id)
{
	return key_of(id->bytes, sizeof(id->bytes));
}

struct key
key_from(const MDB_val *value)
{
	return key_of(value->mv_data,
	    value->mv_size < LAYOUT_KEY ? value->mv_size : LAYOUT_KEY);
}

struct key
key_then(const struct key *prefix, uint64_t number)
{
	struct key key = *prefix;

	assert(key.size + 8 <= LAYOUT_KEY);
	pack_key(key.bytes + key.size, number);
	key.size += 8;
	return key;
}

bool
key_has_prefix(const struct key *key, const struct key *prefix)
{
	return key->size >= prefix->size &&
	       memcmp(key->bytes, prefix->bytes, prefix->size) == 0;
}

uint64_t
key_last_number(const struct key *key)
{
	assert(key->size >= 8);
	return unpack_key(key->bytes + key->size - 8);
}

struct key
index_prefix(size_t tag, struct span value)
{
	struct key key;

	assert(tag < FILTERS);
	assert(value.size > 0 && value.size <= filter_rows[tag].limit);
	key.bytes[0] = tags[tag];
	key.bytes[1] = (uint8_t)value.size;
	memcpy(key.bytes + 2, value.data, value.size);
	key.size = 2 + value.size;
	return key;
}

bool
index_parse(const struct key *key, size_t *ret_tag, struct span *ret_value,
    uint64_t *ret_moment)
{
	size_t tag = 0;

	if (key->size < 2 || key->size != 2u + key->bytes[1] + 8u)
		return false;
	while (tag < FILTERS && tags[tag] != key->bytes[0])
		tag++;
	if (tag == FILTERS || key->bytes[1] == 0 ||
	    key->bytes[1] > filter_rows[tag].limit)
		return false;
	*ret_tag = tag;
	*ret_value = span_of(key->bytes + 2, key->bytes[1]);
	*ret_moment = key_last_number(key);
	return true;
}

/* ---- values ---- */

static MDB_val
val_of(const struct key *key)
{
	/* LMDB takes keys as they are, and does not write to them. */
	return (MDB_val){ key->size, (void *)(uintptr_t)key->bytes };
}

enum result
layout_verify(struct view *view, enum database database, const MDB_val *key,
    const MDB_val *value, struct span *ret_bytes)
{
	const uint8_t *bytes = value->mv_data;
	struct span payload;

	if (value->mv_size < CHECK_SIZE)
		return layout_damaged(view, database);
	payload = span_of(bytes, value->mv_size - CHECK_SIZE);
	if (digest_check(span_of(key->mv_data, key->mv_size), payload) !=
	    unpack_key(bytes + payload.size))
		return layout_damaged(view, database);
	*ret_bytes = payload;
	return RESULT_OK;
}

enum result
layout_get(struct view *view, enum database database, const struct key *key,
    struct span *ret_bytes)
{
	MDB_val name = val_of(key);
	MDB_val value;
	int code;

	code = mdb_get(view->txn, view->databases[database], &name, &value);
	if (code != MDB_SUCCESS)
		return layout_note(view, database, code);
	return layout_verify(view, database, &name, &value, ret_bytes);
}

enum result
layout_cursor(
    struct view *view, enum database database, MDB_cursor **ret_cursor)
{
	return layout_note(view, database,
	    mdb_cursor_open(view->txn, view->databases[database], ret_cursor));
}

int
layout_next(MDB_cursor *cursor, const void *last, size_t size,
    MDB_val *ret_name, MDB_val *ret_value)
{
	int code;

	if (size == 0)
		return mdb_cursor_get(cursor, ret_name, ret_value, MDB_FIRST);
	*ret_name = (MDB_val){ size, (void *)(uintptr_t)last };
	code = mdb_cursor_get(cursor, ret_name, ret_value, MDB_SET_RANGE);
	if (code != MDB_SUCCESS || ret_name->mv_size != size ||
	    memcmp(ret_name->mv_data, last, size) != 0)
		return code;
	return mdb_cursor_get(cursor, ret_name, ret_value, MDB_NEXT);
}

enum result
layout_seek(struct view *view, enum database database, struct key *key)
{
	MDB_val name = val_of(key);
	MDB_val value;
	MDB_cursor *cursor;
	enum result result;
	int code;

	result = layout_cursor(view, database, &cursor);
	if (result != RESULT_OK)
		return result;
	code = mdb_cursor_get(cursor, &name, &value, MDB_SET_RANGE);
	if (code == MDB_SUCCESS)
		*key = key_from(&name);
	mdb_cursor_close(cursor);
	return layout_note(view, database, code);
}

bool
layout_is_summed(enum database database)
{
	return database != DB_META && database != DB_INDEX &&
	       database != DB_CHUNKS;
}

uint64_t
layout_addend(const MDB_val *value)
{
	const uint8_t *bytes = value->mv_data;

	if (value->mv_size < CHECK_SIZE)
		return 0;
	return unpack_key(bytes + value->mv_size - CHECK_SIZE);
}

/* Take the row that is to be deleted or overwritten out of the sum; LMDB's
 * code. */
static int
subtract(struct view *view, enum database database, MDB_val *name)
{
	MDB_val value;
	int code;

	if (!layout_is_summed(database))
		return MDB_SUCCESS;
	code = mdb_get(view->txn, view->databases[database], name, &value);
	if (code == MDB_SUCCESS)
		view->sum -= layout_addend(&value);
	return code;
}

/* A put found a row that cannot be there, or a delete found none. Half of the
 * change may stand in the transaction, which is to be aborted. */
static enum result
spoilt(struct view *view, enum database database, int code)
{
	view->error = code;
	return layout_damaged(view, database);
}

enum result
layout_put(struct view *view, enum database database, const struct key *key,
    struct span bytes, unsigned flags)
{
	MDB_val name = val_of(key);
	MDB_val value = { bytes.size + CHECK_SIZE, NULL };
	uint8_t *room;
	int code = MDB_NOTFOUND;

	if (flags == 0)
		code = subtract(view, database, &name);
	if (code != MDB_SUCCESS && code != MDB_NOTFOUND)
		return layout_note(view, database, code);
	/* Reserve, so that the bytes are copied once. */
	code = mdb_put(view->txn, view->databases[database], &name, &value,
	    flags | MDB_RESERVE);
	if (code == MDB_KEYEXIST)
		return spoilt(view, database, code);
	if (code != MDB_SUCCESS)
		return layout_note(view, database, code);
	room = value.mv_data;
	if (bytes.size > 0)
		memcpy(room, bytes.data, bytes.size);
	pack_key(room + bytes.size,
	    digest_check(span_of(key->bytes, key->size), bytes));
	if (layout_is_summed(database))
		view->sum += layout_addend(&value);
	return RESULT_OK;
}

enum result
layout_delete(struct view *view, enum database database, const struct key *key)
{
	MDB_val name = val_of(key);
	int code;

	code = subtract(view, database, &name);
	if (code == MDB_SUCCESS)
		code =
		    mdb_del(view->txn, view->databases[database], &name, NULL);
	if (code == MDB_NOTFOUND)
		return spoilt(view, database, code);
	return layout_note(view, database, code);
}

enum result
layout_put_index(struct view *view, const struct key *key)
{
	MDB_val name = val_of(key);
	MDB_val value = { 0, NULL };

	return layout_note(view, DB_INDEX,
	    mdb_put(view->txn, view->databases[DB_INDEX], &name, &value, 0));
}

enum result
layout_has_index(struct view *view, const struct key *key)
{
	MDB_val name = val_of(key);
	MDB_val value;

	return layout_note(view, DB_INDEX,
	    mdb_get(view->txn, view->databases[DB_INDEX], &name, &value));
}

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
layout_put_format(struct view *view)
{
	struct buffer buffer;

	buffer_init(&buffer, view->arena);
	pack_u32(&buffer, LAYOUT_FORMAT);
	return layout_put(view, DB_META, &name_format, buffer_span(&buffer), 0);
}

enum result
layout_get_meta(struct view *view, struct meta *ret_meta)
{
	struct unpack unpack = { 0 };
	struct meta meta = { 0 };
	enum result result;

	result = layout_get(view, DB_META, &name_counters, &unpack.rest);
	if (result == RESULT_NOT_FOUND)
		return layout_damaged(view, DB_META);
	if (result != RESULT_OK)
		return result;
	meta.last_moment = unpack_u64(&unpack);
	meta.next_blob = unpack_u64(&unpack);
	meta.artifacts = unpack_u64(&unpack);
	meta.bytes = unpack_u64(&unpack);
	meta.staged = unpack_u64(&unpack);
	meta.sum = unpack_u64(&unpack);
	meta.txn = unpack_u64(&unpack);
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
idempotency_decode(struct span bytes, struct idempotency *ret_row)
{
	struct unpack unpack = { bytes, false };
	struct idempotency row;

	unpack_bytes(&unpack, row.meaning, sizeof(row.meaning));
	unpack_bytes(&unpack, row.id.bytes, sizeof(row.id.bytes));
	row.expires = unpack_u64(&unpack);
	if (!unpack_is_done(&unpack))
		return false;
	*ret_row = row;
	return true;
}

enum result
layout_get_idempotency(
    struct view *view, const uint8_t key[32], struct idempotency *ret_row)
{
	struct key name = key_of(key, 32);
	struct span bytes;
	enum result result;

	result = layout_get(view, DB_IDEMPOTENCY, &name, &bytes);
	if (result == RESULT_OK && !idempotency_decode(bytes, ret_row))
		return layout_damaged(view, DB_IDEMPOTENCY);
	return result;
}

enum result
layout_put_idempotency(
    struct view *view, const uint8_t key[32], const struct idempotency *row)
{
	struct key name = key_of(key, 32);
	struct buffer buffer;

	buffer_init(&buffer, view->arena);
	pack_bytes(&buffer, row->meaning, sizeof(row->meaning));
	pack_bytes(&buffer, row->id.bytes, sizeof(row->id.bytes));
	pack_u64(&buffer, row->expires);
	return layout_put(view, DB_IDEMPOTENCY, &name, buffer_span(&buffer), 0);
}

/* ---- applied ---- */

bool
last_change_decode(struct span bytes, struct last_change *ret_last)
{
	struct unpack unpack = { bytes, false };
	struct last_change last;
	uint8_t code;

	last.number = unpack_u64(&unpack);
	code = unpack_u8(&unpack);
	unpack_bytes(&unpack, last.id.bytes, sizeof(last.id.bytes));
	if (!unpack_is_done(&unpack) || code >= RESULT_COUNT)
		return false;
	last.result = (enum result)code;
	*ret_last = last;
	return true;
}

enum result
layout_get_last_change(
    struct view *view, uint64_t incarnation, struct last_change *ret_last)
{
	struct key key = key_number(incarnation);
	struct span bytes;
	enum result result;

	result = layout_get(view, DB_APPLIED, &key, &bytes);
	if (result == RESULT_OK && !last_change_decode(bytes, ret_last))
		return layout_damaged(view, DB_APPLIED);
	return result;
}

enum result
layout_put_last_change(
    struct view *view, uint64_t incarnation, const struct last_change *last)
{
	struct key key = key_number(incarnation);
	struct buffer buffer;

	buffer_init(&buffer, view->arena);
	pack_u64(&buffer, last->number);
	pack_u8(&buffer, (uint8_t)last->result);
	pack_bytes(&buffer, last->id.bytes, sizeof(last->id.bytes));
	return layout_put(view, DB_APPLIED, &key, buffer_span(&buffer), 0);
}

/* ---- chunks ---- */

enum result
layout_first_chunk(struct view *view, uint64_t blob, struct key *ret_key)
{
	struct key key = key_chunk(blob, 0);
	struct key prefix = key_number(blob);
	enum result result = layout_seek(view, DB_CHUNKS, &key);

	if (result != RESULT_OK)
		return result;
	if (!key_has_prefix(&key, &prefix))
		return RESULT_NOT_FOUND;
	*ret_key = key;
	return RESULT_OK;
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
