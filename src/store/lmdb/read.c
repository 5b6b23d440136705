/* SPDX-License-Identifier: ISC */
/*
 * read.c - records, ids by their first characters, content.
 *
 * What is handed out is copied first; the transaction ends in the same call.
 */

#include "state.h"

enum result
lmdb_get(void *state, const struct id *id, struct arena *arena,
    struct artifact **ret_artifact)
{
	struct lmdb *lmdb = state;
	struct view view;
	enum result result;

	result = lmdb_read_begin(lmdb, &view);
	if (result != RESULT_OK)
		return result;
	result = layout_find_record(&view, id, arena, ret_artifact);
	return lmdb_read_end(lmdb, &view, result);
}

/* ---- ids that start with a text ---- */

/* The lowest id that starts with it; false: none does. */
static bool
lowest_id(struct span prefix, struct id *ret_id)
{
	struct id id = { { 0 } };
	size_t nibble = 0;
	size_t i;
	int digit;

	if (prefix.size > ID_TEXT)
		return false;
	for (i = 0; i < prefix.size; i++) {
		if (i == 8 || i == 13 || i == 18 || i == 23)
			continue; /* a wrong byte matches no id's text */
		digit = ascii_hex(prefix.data[i]);
		if (digit < 0)
			return false;
		id.bytes[nibble / 2] |=
		    (uint8_t)(digit << (nibble % 2 == 0 ? 4 : 0));
		nibble++;
	}
	*ret_id = id;
	return true;
}

static bool
id_starts_with(const struct id *id, struct span prefix)
{
	char text[ID_TEXT + 1];

	id_format(id, text);
	return span_equal(span_of(text, prefix.size), prefix);
}

static enum result
collect_ids(struct view *view, MDB_cursor *cursor, struct span prefix,
    struct id ids[LIMIT_CANDIDATES], size_t *ret_count)
{
	struct key lowest;
	MDB_val key, value;
	struct span bytes;
	enum result result;
	struct id id;
	int code;

	*ret_count = 0;
	if (!lowest_id(prefix, &id))
		return RESULT_OK;
	lowest = key_id(&id);
	key = (MDB_val){ lowest.size, lowest.bytes };
	code = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);
	while (code == MDB_SUCCESS && *ret_count < LIMIT_CANDIDATES) {
		result = layout_verify(view, DB_IDS, &key, &value, &bytes);
		if (result != RESULT_OK)
			return result;
		if (key.mv_size != sizeof(id))
			return layout_damaged(view, DB_IDS);
		memcpy(&id, key.mv_data, sizeof(id));
		if (!id_starts_with(&id, prefix))
			return RESULT_OK;
		ids[(*ret_count)++] = id;
		code = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
	}
	if (code == MDB_NOTFOUND)
		code = MDB_SUCCESS;
	return layout_note(view, DB_IDS, code);
}

enum result
lmdb_find(void *state, struct span prefix, struct id ret_ids[LIMIT_CANDIDATES],
    size_t *ret_count)
{
	struct lmdb *lmdb = state;
	struct id ids[LIMIT_CANDIDATES];
	MDB_cursor *cursor;
	struct view view;
	enum result result;
	size_t count;

	result = lmdb_read_begin(lmdb, &view);
	if (result != RESULT_OK)
		return result;
	result = layout_note(&view, DB_IDS,
	    mdb_cursor_open(view.txn, view.databases[DB_IDS], &cursor));
	if (result != RESULT_OK)
		return lmdb_read_end(lmdb, &view, result);
	result = collect_ids(&view, cursor, prefix, ids, &count);
	mdb_cursor_close(cursor);
	if (result == RESULT_OK) {
		memcpy(ret_ids, ids, count * sizeof(ids[0]));
		*ret_count = count;
	}
	return lmdb_read_end(lmdb, &view, result);
}

/* ---- content ---- */

/* What a chunk of this content must hold. */
static size_t
chunk_size(const struct content *content, uint64_t chunk)
{
	uint64_t rest = content->size - chunk * LIMIT_CHUNK;

	return rest < LIMIT_CHUNK ? (size_t)rest : LIMIT_CHUNK;
}

enum result
lmdb_read(void *state, const struct content *content, uint64_t offset,
    char *data, size_t size, size_t *ret_size)
{
	struct lmdb *lmdb = state;
	uint64_t chunk = offset / LIMIT_CHUNK;
	struct view view;
	struct span bytes;
	enum result result;
	struct key key;

	if (offset >= content->size || size == 0) {
		*ret_size = 0;
		return RESULT_OK;
	}
	result = lmdb_read_begin(lmdb, &view);
	if (result != RESULT_OK)
		return result;
	if (chunk > UINT32_MAX)
		return lmdb_read_end(
		    lmdb, &view, layout_damaged(&view, DB_CHUNKS));
	key = key_chunk(content->blob, (uint32_t)chunk);
	result = layout_get(&view, DB_CHUNKS, &key, &bytes);
	if (result == RESULT_NOT_FOUND)
		result = RESULT_GONE;
	else if (result == RESULT_OK &&
		 bytes.size != chunk_size(content, chunk))
		result = layout_damaged(&view, DB_CHUNKS);
	if (result == RESULT_OK) {
		bytes = span_from(bytes, (size_t)(offset % LIMIT_CHUNK));
		*ret_size = bytes.size < size ? bytes.size : size;
		memcpy(data, bytes.data, *ret_size);
	}
	return lmdb_read_end(lmdb, &view, result);
}

enum result
lmdb_stat(void *state, struct store_stat *ret_stat)
{
	struct lmdb *lmdb = state;
	struct view view;
	struct meta meta;
	enum result result;

	result = lmdb_read_begin(lmdb, &view);
	if (result != RESULT_OK)
		return result;
	result = layout_get_meta(&view, &meta);
	if (result == RESULT_NOT_FOUND)
		result = layout_damaged(&view, DB_META);
	if (result == RESULT_OK)
		*ret_stat = (struct store_stat){
			.artifacts = meta.artifacts,
			.bytes = meta.bytes,
			.staged = meta.staged,
			.newest = meta.last_moment,
		};
	return lmdb_read_end(lmdb, &view, result);
}
