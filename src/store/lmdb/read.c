/* SPDX-License-Identifier: ISC */
/*
 * read.c - records, ids by their first characters, content, and lists.
 *
 * What is handed out is copied first; the transaction ends in the same call.
 */

#include "internal.h"

#include "base/pack.h"

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

static enum result
collect_ids(struct view *view, MDB_cursor *cursor, struct span prefix,
    struct id ids[LIMIT_CANDIDATES], size_t *ret_count)
{
	char text[ID_TEXT + 1];
	struct key lowest;
	MDB_val key, value;
	struct span bytes;
	enum result result;
	struct id id;
	int code;

	*ret_count = 0;
	if (!id_parse_prefix(prefix, &id))
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
		id_format(&id, text);
		if (!span_equal(span_of(text, prefix.size), prefix))
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
	result = layout_cursor(&view, DB_IDS, &cursor);
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

enum result
lmdb_read(void *state, const struct content *content, uint64_t offset,
    char *data, size_t size, size_t *ret_size)
{
	struct lmdb *lmdb = state;
	uint64_t chunk = offset / LIMIT_CHUNK;
	uint64_t rest = content->size - chunk * LIMIT_CHUNK;
	struct view view;
	struct span bytes;
	enum result result;
	struct key key;

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
		 bytes.size != (rest < LIMIT_CHUNK ? rest : LIMIT_CHUNK))
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
	if (result == RESULT_OK)
		*ret_stat = (struct store_stat){
			.artifacts = meta.artifacts,
			.bytes = meta.bytes,
			.staged = meta.staged,
			.newest = meta.last_moment,
		};
	return lmdb_read_end(lmdb, &view, result);
}

/* ---- lists: index ranges walked together ---- */

/*
 * Each range is sorted by moment. The lowest moment that any of them stands
 * at is the highest that all can share, so the others leap down to it; when
 * all agree, that moment is a hit:
 *
 *	workflow  9   7 6     3 2
 *	phase     9 8   6 5 4   2 1     ->  9, 6, 2
 *
 * Without a filter the one range is the records themselves.
 */

struct range {
	enum database database;
	size_t tag; /* of an index: the member, and what it has to be */
	struct span value;
	struct key prefix; /* what its keys have in front of the moment */
	MDB_cursor *cursor;
	uint64_t moment; /* where it stands; 0: nowhere yet */
};

struct ranges {
	struct range list[FILTERS];
	size_t count;
};

/* ---- one range ---- */

/* From wherever it stands to the newest key not after target. */
static int
range_leap(struct range *range, const struct key *target, MDB_val *ret_name)
{
	MDB_val value;
	int code;

	code = mdb_cursor_get(range->cursor, ret_name, &value, MDB_SET_RANGE);
	if (code == MDB_NOTFOUND)
		return mdb_cursor_get(
		    range->cursor, ret_name, &value, MDB_LAST);
	if (code == MDB_SUCCESS &&
	    (ret_name->mv_size != target->size ||
		memcmp(ret_name->mv_data, target->bytes, target->size) != 0))
		return mdb_cursor_get(
		    range->cursor, ret_name, &value, MDB_PREV);
	return code;
}

/* What the cursor has come to: RESULT_END if it has left the range. */
static enum result
range_accept(
    struct view *view, struct range *range, const MDB_val *name, uint64_t bound)
{
	const struct key *prefix = &range->prefix;
	uint64_t moment;

	if (name->mv_size < prefix->size ||
	    memcmp(name->mv_data, prefix->bytes, prefix->size) != 0)
		return RESULT_END;
	if (name->mv_size != prefix->size + 8)
		return layout_damaged(view, range->database);
	moment = unpack_key((const uint8_t *)name->mv_data + prefix->size);
	if (moment > bound)
		return layout_damaged(view, range->database);
	range->moment = moment;
	return RESULT_OK;
}

/* Stand on the newest entry not after bound; RESULT_END: there is none. */
static enum result
range_seek(struct view *view, struct range *range, uint64_t bound)
{
	struct key target = key_then(&range->prefix, bound);
	MDB_val name = { target.size, target.bytes };
	MDB_val value;
	int code;

	/* Most often it is the one before that where the cursor stands. */
	if (range->moment > bound && range->moment - 1 == bound)
		code = mdb_cursor_get(range->cursor, &name, &value, MDB_PREV);
	else
		code = range_leap(range, &target, &name);
	if (code == MDB_NOTFOUND)
		return RESULT_END;
	if (code != MDB_SUCCESS)
		return layout_note(view, range->database, code);
	return range_accept(view, range, &name, bound);
}

/* ---- all of them ---- */

static void
ranges_close(struct ranges *ranges)
{
	size_t i;

	for (i = 0; i < ranges->count; i++)
		if (ranges->list[i].cursor != NULL)
			mdb_cursor_close(ranges->list[i].cursor);
}

/* A range for each value of the filter. RESULT_END: one is over its limit, so
 * no artifact has it, and no key has room for it. */
static enum result
ranges_init(struct ranges *ranges, const struct filter *filter)
{
	struct range *range;
	struct span value;
	size_t tag;

	*ranges = (struct ranges){ .count = 0 };
	for (tag = 0; tag < FILTERS; tag++) {
		value = filter->values[tag];
		if (value.size == 0)
			continue;
		if (value.size > filter_rows[tag].limit)
			return RESULT_END;
		range = &ranges->list[ranges->count++];
		range->database = DB_INDEX;
		range->tag = tag;
		range->value = value;
		range->prefix = index_prefix(tag, value);
	}
	if (ranges->count == 0)
		ranges->list[ranges->count++].database = DB_RECORDS;
	return RESULT_OK;
}

static enum result
ranges_open(struct view *view, struct ranges *ranges)
{
	enum result result = RESULT_OK;
	struct range *range;
	size_t i;

	for (i = 0; i < ranges->count && result == RESULT_OK; i++) {
		range = &ranges->list[i];
		result = layout_cursor(view, range->database, &range->cursor);
	}
	return result;
}

/* The newest moment not after bound that all ranges have. */
static enum result
ranges_seek(struct view *view, struct ranges *ranges, uint64_t bound,
    uint64_t *ret_moment)
{
	enum result result;
	size_t agreed = 0;
	size_t i;

	for (i = 0; agreed < ranges->count; i = (i + 1) % ranges->count) {
		result = range_seek(view, &ranges->list[i], bound);
		if (result != RESULT_OK)
			return result;
		if (ranges->list[i].moment < bound) {
			bound = ranges->list[i].moment;
			agreed = 0;
		}
		agreed++;
	}
	*ret_moment = bound;
	return RESULT_OK;
}

/* ---- the page ---- */

/* The record that all entries led to, if it has the values they stand for. */
static enum result
fetch(struct view *view, const struct ranges *ranges, uint64_t moment,
    struct arena *arena, struct artifact **ret_artifact)
{
	const struct range *range;
	struct artifact *artifact;
	enum result result;
	size_t i;

	result = layout_get_record(view, moment, arena, &artifact);
	if (result == RESULT_NOT_FOUND)
		return layout_damaged(view, DB_INDEX);
	if (result != RESULT_OK)
		return result;
	for (i = 0; i < ranges->count; i++) {
		range = &ranges->list[i];
		if (range->database == DB_INDEX &&
		    !span_equal(
			range->value, artifact_value(artifact, range->tag)))
			return layout_damaged(view, DB_INDEX);
	}
	*ret_artifact = artifact;
	return RESULT_OK;
}

static enum result
fill(struct view *view, struct ranges *ranges, uint64_t bound, size_t limit,
    struct arena *arena, struct page *page)
{
	uint64_t moment;
	enum result result;

	for (;;) {
		result = ranges_seek(view, ranges, bound, &moment);
		if (result != RESULT_OK)
			return result == RESULT_END ? RESULT_OK : result;
		if (page->count == limit) {
			page->has_more = true;
			page->next.size = 8;
			pack_key(page->next.bytes,
			    page->artifacts[limit - 1]->created);
			return RESULT_OK;
		}
		result = fetch(
		    view, ranges, moment, arena, &page->artifacts[page->count]);
		if (result != RESULT_OK)
			return result;
		page->count++;
		if (moment == 0)
			return RESULT_OK;
		bound = moment - 1;
	}
}

/* The newest moment that may be in the page; RESULT_END: none. */
static enum result
position_bound(const struct position *position, uint64_t *ret_bound)
{
	uint64_t behind;

	if (position->size == 0) {
		*ret_bound = UINT64_MAX;
		return RESULT_OK;
	}
	if (position->size != 8)
		return RESULT_MALFORMED;
	behind = unpack_key(position->bytes);
	if (behind == 0)
		return RESULT_END;
	*ret_bound = behind - 1;
	return RESULT_OK;
}

enum result
lmdb_list(void *state, const struct filter *filter,
    const struct position *position, size_t limit, struct arena *arena,
    struct page *ret_page)
{
	struct lmdb *lmdb = state;
	struct page page = { 0 };
	struct ranges ranges;
	struct view view;
	enum result result;
	uint64_t bound;

	result = position_bound(position, &bound);
	if (result == RESULT_OK)
		result = ranges_init(&ranges, filter);
	if (result == RESULT_MALFORMED)
		return result;
	page.artifacts = arena_alloc(arena, limit * sizeof(*page.artifacts));
	if (result == RESULT_END) {
		*ret_page = page;
		return RESULT_OK;
	}
	result = lmdb_read_begin(lmdb, &view);
	if (result != RESULT_OK)
		return result;
	result = ranges_open(&view, &ranges);
	if (result == RESULT_OK)
		result = fill(&view, &ranges, bound, limit, arena, &page);
	ranges_close(&ranges);
	if (result == RESULT_OK)
		*ret_page = page;
	return lmdb_read_end(lmdb, &view, result);
}
