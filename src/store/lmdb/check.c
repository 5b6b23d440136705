/* SPDX-License-Identifier: ISC */
/*
 * check.c - is all that doc/design.md 2 promises true of this store?
 *
 * A check goes through the store in slices, a read transaction each, since one
 * that is held for hours makes data.mdb grow (doc/rules.md 11). Within
 * a slice everything agrees; between two of them others may commit. So
 * whatever hangs together is compared inside one slice, and the content of a
 * record, which takes many (check_content.c), is missing only if the record,
 * read again in the slice that misses it, still names it.
 *
 * Each database is walked once and compared with what it hangs together with,
 * in both directions: a record has its id, index entries and content; an id,
 * an index entry and a blob lead to what they belong to. What is kept in
 * memory meanwhile is 8 bytes a blob.
 *
 * Did the disk lose a write? The commit's number, the two meta pages, and
 * counters and sum against all rows tell.
 */

#include "internal.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#define SLICE_BYTES (UINT64_C(4) << 20)
#define SLICE_US INT64_C(50000)
#define KEY_MOST 511 /* of LMDB */

/* ---- reports ---- */

static const char *const advice[DB_COUNT] = {
	[DB_META] = "restore a backup",
	[DB_IDS] = "restore a backup: lookups by id may miss it",
	[DB_RECORDS] = "restore a backup: it cannot be read",
	[DB_INDEX] = "restore a backup: lists may miss it",
	[DB_CHUNKS] = "upload the content again, or delete the artifact, or "
		      "restore a backup; no damaged byte is ever served",
	[DB_PENDING] = "no artifact is concerned; artifactctl export, and "
		       "import into a new store, leaves it behind",
	[DB_IDEMPOTENCY] = "no artifact is concerned; the row goes within "
			   "a day",
	[DB_APPLIED] = "no artifact is concerned; restart the service, and "
		       "the row goes",
};

void
check_report(
    struct check *check, enum database database, const char *format, ...)
{
	struct store_problem problem = { .advice = advice[database] };
	char line[256];
	va_list arguments;
	int size;

	size = snprintf(line, sizeof(line), "%s: ", layout_name(database));
	va_start(arguments, format);
	(void)vsnprintf(line + size, sizeof(line) - (size_t)size, format,
	    arguments); /* cut */
	va_end(arguments);
	problem.line = line;
	problem.artifact = check->about;
	check->order->problems++;
	check->order->report(check->order->object, &problem);
}

const char *
check_hex(struct check *check, const struct key *key)
{
	char *text = arena_alloc(check->arena, 2 * key->size + 1);

	digest_hex(key->bytes, key->size, text);
	return text;
}

bool
check_is_fatal(const struct check *check)
{
	return check->view.error != 0;
}

/* ---- slices ---- */

enum result
check_begin(struct check *check)
{
	enum result result = lmdb_read_begin(check->lmdb, &check->view);

	if (result != RESULT_OK)
		return result;
	check->about = NULL;
	check->rows = 0;
	check->slice_bytes = 0;
	check->until = scoreboard_now() + SLICE_US;
	result = layout_get_meta(&check->view, &check->meta);
	check->has_meta = result == RESULT_OK;
	if (!check_is_fatal(check))
		return RESULT_OK;
	return lmdb_read_end(check->lmdb, &check->view, result);
}

enum result
check_end(struct check *check, enum result result)
{
	struct store_check *order = check->order;

	check->about = NULL;
	arena_reset(check->arena);
	check->done += check->slice_bytes;
	result = lmdb_read_end(check->lmdb, &check->view, result);
	if (order->pace != NULL)
		order->pace(order->object, check->done, check->total);
	return result;
}

bool
check_is_full(struct check *check, uint64_t bytes)
{
	check->rows++;
	check->slice_bytes += bytes;
	return check->rows >= CHECK_ROWS || check->slice_bytes >= SLICE_BYTES ||
	       scoreboard_now() > check->until;
}

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
	for (tag = 0; tag < FILTERS; tag++) {
		value = artifact_value(artifact, tag);
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
	/* An import may be younger than the last moment, but not than the
	 * clock. */
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

static enum result
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

static enum result
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

static enum result
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
	    !span_equal(value, artifact_value(artifact, tag)))
		check_report(check, DB_INDEX, "%s leads to no such record",
		    check_hex(check, key));
	return RESULT_OK;
}

/* ---- the rest ---- */

static enum result
check_idempotency(struct check *check, const struct key *key, struct span bytes)
{
	struct idempotency row;

	if (!idempotency_decode(bytes, &row))
		check_report(check, DB_IDEMPOTENCY, "%s is no such row",
		    check_hex(check, key));
	return RESULT_OK;
}

static enum result
check_last_change(struct check *check, const struct key *key, struct span bytes)
{
	struct last_change last;

	if (!last_change_decode(bytes, &last))
		check_report(check, DB_APPLIED, "%s is no such row",
		    check_hex(check, key));
	return RESULT_OK;
}

/* ---- totals ---- */

/*
 * The rows are counted in one view, since only in one they add up. It is the
 * last step, when walks have just read them, and takes no hash: a second for
 * a million artifacts. Beside a service it gives up after a few.
 */
#define TOTALS_US INT64_C(10000000)
#define LOOK_EVERY 1024 /* rows */

static void
count_row(struct check *check, enum database database, const MDB_val *name,
    const MDB_val *value, struct meta *seen)
{
	struct span bytes = span_of(value->mv_data, value->mv_size);
	struct artifact *artifact;
	struct pending pending;

	seen->sum += layout_addend(value);
	bytes.size -= bytes.size < 8 ? bytes.size : 8;
	if (database == DB_RECORDS) {
		seen->artifacts += name->mv_size == 8;
		if (artifact_decode(bytes, check->arena, &artifact) ==
		    RESULT_OK)
			seen->bytes += artifact->content.size;
		arena_reset(check->arena);
	} else if (database == DB_PENDING && pending_decode(bytes, &pending) &&
		   pending.kind == PENDING_UPLOAD) {
		seen->staged += pending.bytes;
	}
}

/* *ret_is_late: the time passed before the last row. */
static enum result
count_rows(struct check *check, enum database database, int64_t until,
    struct meta *seen, bool *ret_is_late)
{
	struct view *view = &check->view;
	MDB_cursor *cursor;
	MDB_val name, value;
	enum result result;
	size_t rows = 0;
	int code;

	result = layout_cursor(view, database, &cursor);
	if (result != RESULT_OK)
		return result;
	code = mdb_cursor_get(cursor, &name, &value, MDB_FIRST);
	while (code == MDB_SUCCESS && !*ret_is_late) {
		count_row(check, database, &name, &value, seen);
		*ret_is_late =
		    ++rows % LOOK_EVERY == 0 && scoreboard_now() > until;
		code = mdb_cursor_get(cursor, &name, &value, MDB_NEXT);
	}
	mdb_cursor_close(cursor);
	return code == MDB_NOTFOUND ? RESULT_OK
				    : layout_note(view, database, code);
}

static void
compare(struct check *check, const char *name, uint64_t counted, uint64_t seen)
{
	if (counted != seen)
		check_report(check, DB_META, "%s is %llu, not %llu", name,
		    (unsigned long long)counted, (unsigned long long)seen);
}

static void
compare_all(struct check *check, const struct meta *seen)
{
	const struct meta *meta = &check->meta;

	compare(check, "artifacts", meta->artifacts, seen->artifacts);
	compare(check, "bytes", meta->bytes, seen->bytes);
	compare(check, "staged", meta->staged, seen->staged);
	if (check->order->problems == 0 && meta->sum != seen->sum)
		check_report(check, DB_META,
		    "each row is sound, but not all are the latest: a write "
		    "was lost");
	check->order->artifacts = meta->artifacts;
	check->order->is_counted = true;
}

static enum result
check_totals(struct check *check)
{
	bool is_alone = check->lmdb->is_writer || check->lmdb->is_copy;
	struct meta seen = { 0 };
	enum result result = check_begin(check);
	enum database database;
	int64_t until = is_alone ? INT64_MAX : scoreboard_now() + TOTALS_US;
	bool is_late = false;

	check->order->is_counted = false;
	if (result != RESULT_OK)
		return result;
	for (database = 0; database < DB_COUNT; database++)
		if (layout_is_summed(database) && result == RESULT_OK)
			result =
			    count_rows(check, database, until, &seen, &is_late);
	if (result == RESULT_OK && check->has_meta && !is_late)
		compare_all(check, &seen);
	return check_end(check, result);
}

/* ---- walks ---- */

/* What a row costs to read: its share of the database's pages. */
static uint64_t
row_cost(const struct check *check, enum database database, uint64_t *ret_rows)
{
	MDB_stat stat;

	*ret_rows = 0;
	if (mdb_stat(check->view.txn, check->view.databases[database], &stat) !=
		MDB_SUCCESS ||
	    stat.ms_entries == 0)
		return 0;
	*ret_rows = stat.ms_entries;
	return (stat.ms_leaf_pages + stat.ms_overflow_pages) *
	       (uint64_t)stat.ms_psize / stat.ms_entries;
}

typedef enum result
check_visit(struct check *check, const struct key *key, struct span bytes);

struct walker {
	enum database database;
	size_t key_size;
	check_visit *visit;
	size_t size; /* of the last key; 0: none yet */
	uint8_t last[KEY_MOST];
};

/* Remember the key. False: it does not come behind the last one, so that the
 * next slice could not go on from it. */
static bool
advance(struct walker *walker, const MDB_val *name)
{
	size_t size =
	    name->mv_size < walker->size ? name->mv_size : walker->size;
	int order = memcmp(name->mv_data, walker->last, size);

	if (order < 0 || (order == 0 && name->mv_size <= walker->size))
		return false;
	walker->size = name->mv_size;
	memcpy(walker->last, name->mv_data, name->mv_size);
	return true;
}

static enum result
visit_row(struct check *check, const struct walker *walker, const MDB_val *name,
    const MDB_val *value)
{
	enum database database = walker->database;
	struct key key = key_from(name);
	struct span bytes = SPAN_NONE;

	check->about = NULL;
	if (walker->key_size != 0 && name->mv_size != walker->key_size)
		check_report(
		    check, database, "a key of %zu bytes", name->mv_size);
	else if (database != DB_INDEX && layout_verify(&check->view, database,
					     name, value, &bytes) != RESULT_OK)
		check_report(check, database, "a damaged value, key %s",
		    check_hex(check, &key));
	else
		return walker->visit(check, &key, bytes);
	return RESULT_OK;
}

/* RESULT_END: that was the last row. */
static enum result
walk_rows(struct check *check, struct walker *walker, MDB_cursor *cursor)
{
	MDB_val name, value;
	enum result result;
	uint64_t rows, cost = row_cost(check, walker->database, &rows);
	int code =
	    layout_next(cursor, walker->last, walker->size, &name, &value);

	while (code == MDB_SUCCESS) {
		/* The next slice cannot begin behind a key that is too long. */
		if (name.mv_size <= KEY_MOST && !advance(walker, &name)) {
			check_report(check, walker->database,
			    "keys are out of order; those behind are not "
			    "looked at");
			return RESULT_END;
		}
		result = visit_row(check, walker, &name, &value);
		arena_reset(check->arena);
		if (result != RESULT_OK)
			return result;
		if (check_is_full(check, cost) && name.mv_size <= KEY_MOST)
			return RESULT_OK;
		code = mdb_cursor_get(cursor, &name, &value, MDB_NEXT);
	}
	if (code == MDB_NOTFOUND)
		return RESULT_END;
	return layout_note(&check->view, walker->database, code);
}

static enum result
walk_slice(struct check *check, struct walker *walker)
{
	MDB_cursor *cursor;
	enum result result;

	result = check_begin(check);
	if (result != RESULT_OK)
		return result;
	check->content_count = 0;
	result = layout_cursor(&check->view, walker->database, &cursor);
	if (result == RESULT_OK) {
		result = walk_rows(check, walker, cursor);
		mdb_cursor_close(cursor);
	}
	return check_end(check, result);
}

static enum result
check_walk(struct check *check, enum database database, size_t key_size,
    check_visit *visit)
{
	struct walker walker = { database, key_size, visit, 0, { 0 } };
	enum result result = RESULT_OK;
	enum result inner;
	size_t i;

	while (result == RESULT_OK) {
		result = walk_slice(check, &walker);
		if (result != RESULT_OK && result != RESULT_END)
			return result;
		for (i = 0; i < check->content_count; i++) {
			inner = check_content(check, &check->contents[i]);
			if (inner != RESULT_OK)
				return inner;
		}
	}
	return RESULT_OK;
}

/* ---- the whole ---- */

static const struct {
	enum database database;
	size_t key_size;
	check_visit *visit;
} walks[] = {
	{ DB_RECORDS, 8, check_record },
	{ DB_IDS, 16, check_id },
	{ DB_INDEX, 0, check_index },
	{ DB_PENDING, 8, check_pending },
	{ DB_IDEMPOTENCY, 32, check_idempotency },
	{ DB_APPLIED, 8, check_last_change },
};

static uint64_t
check_row_bytes(const struct check *check)
{
	uint64_t bytes = 0;
	uint64_t rows;
	size_t i;

	for (i = 0; i < COUNT_OF(walks); i++)
		bytes += row_cost(check, walks[i].database, &rows) * rows;
	return bytes;
}

/* ---- commits ---- */

/*
 * Each commit writes the one of LMDB's two meta pages that is older, so their
 * ids are neighbours; lmdb.h does not say where an id stands, mdb.c 0.9.24
 * does (MDB_page, MDB_meta). Between the two reads others may commit.
 */
#define META_TXN 144 /* of a page, 64 bits wide */
#define META_TRIES 10

static enum result
read_meta_ids(struct check *check, size_t page_size, uint64_t ret_ids[2])
{
	ssize_t size = sizeof(ret_ids[0]);
	mdb_filehandle_t fd;
	off_t second = (off_t)page_size + META_TXN;
	int code;

	code = mdb_env_get_fd(mdb_txn_env(check->view.txn), &fd);
	if (code == MDB_SUCCESS &&
	    (pread(fd, &ret_ids[0], (size_t)size, META_TXN) != size ||
		pread(fd, &ret_ids[1], (size_t)size, second) != size))
		code = EIO;
	return layout_note(&check->view, DB_META, code);
}

static enum result
check_meta_pages(struct check *check)
{
	uint64_t ids[2] = { 0, 0 };
	enum result result = RESULT_OK;
	MDB_stat stat;
	int tries;

	if (mdb_env_stat(mdb_txn_env(check->view.txn), &stat) != MDB_SUCCESS)
		return RESULT_OK; /* only for NULL */
	for (tries = 0; tries < META_TRIES && result == RESULT_OK; tries++) {
		result = read_meta_ids(check, stat.ms_psize, ids);
		if (ids[0] + 1 == ids[1] || ids[1] + 1 == ids[0])
			return result;
	}
	if (result == RESULT_OK)
		check_report(check, DB_META,
		    "its pages are of commits %llu and %llu, which are no "
		    "neighbours: commits were lost",
		    (unsigned long long)ids[0], (unsigned long long)ids[1]);
	return result;
}

static enum result
check_commits(struct check *check)
{
	enum result result = check_begin(check);
	uint64_t txn;

	if (result != RESULT_OK)
		return result;
	txn = mdb_txn_id(check->view.txn);
	if (!check->has_meta)
		check_report(check, DB_META, "the counters are damaged");
	else if (check->meta.txn != txn)
		check_report(check, DB_META,
		    "of commit %llu, where %llu is the last: a write was lost",
		    (unsigned long long)check->meta.txn,
		    (unsigned long long)txn);
	check->total =
	    check->meta.bytes + check->meta.staged + check_row_bytes(check);
	check->order->artifacts = check->meta.artifacts;
	return check_end(check, check_meta_pages(check));
}

static enum result
check_all(struct check *check)
{
	enum result result;
	size_t i;

	result = check_commits(check);
	if (result == RESULT_OK)
		result = check_find_blobs(check);
	for (i = 0; i < COUNT_OF(walks); i++)
		if (result == RESULT_OK)
			result = check_walk(check, walks[i].database,
			    walks[i].key_size, walks[i].visit);
	if (result == RESULT_OK)
		result = check_unnamed(check);
	return result == RESULT_OK ? check_totals(check) : result;
}

enum result
store_lmdb_check(struct store *store, struct store_check *order)
{
	struct check check = { .lmdb = lmdb_of(store), .order = order };
	enum result result;

	check.arena = arena_open();
	order->problems = 0;
	result = check_all(&check);
	order->bytes = check.done;
	arena_close(check.arena);
	free(check.blobs);
	return result;
}
