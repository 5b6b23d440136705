/* SPDX-License-Identifier: ISC */
/*
 * store_lmdb_check.c - is all that DESIGN 2 promises true of this store?
 *
 * Each database is walked once and compared with what it hangs together
 * with, in both directions: a record has its id, index entries and content;
 * an id, an index entry and a chunk lead to what they belong to. All in one
 * read transaction, so that a writer may go on meanwhile.
 *
 * The content of all records is kept in memory, 64 bytes each, to find the
 * owner of every chunk in one walk.
 */

#include "store_lmdb_check.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#define DAY_MOMENTS UINT64_C(86400000000) /* that a clock may fall back */

void
check_report(struct check *check, const char *format, ...)
{
	char line[256];
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(line, sizeof(line), format, arguments); /* cut */
	va_end(arguments);
	check->problems++;
	check->report(check->object, line);
}

enum result
check_walk(struct check *check, enum database database, size_t key_size,
    enum result (*visit)(
	struct check *check, const struct key *key, struct span bytes))
{
	struct view *view = &check->view;
	MDB_val name, value;
	MDB_cursor *cursor;
	struct span bytes;
	struct key key;
	enum result result = RESULT_OK;
	int code;

	code = mdb_cursor_open(view->txn, view->databases[database], &cursor);
	if (code != MDB_SUCCESS)
		return layout_note(view, database, code);
	code = mdb_cursor_get(cursor, &name, &value, MDB_FIRST);
	while (code == MDB_SUCCESS && result == RESULT_OK) {
		key = key_from(&name);
		bytes = SPAN_NONE;
		if (layout_is_summed(database))
			check->seen.sum += layout_addend(&value);
		if (key_size != 0 && name.mv_size != key_size)
			check_report(check, "%s: a key of %zu bytes",
			    layout_name(database), name.mv_size);
		else if (database != DB_INDEX &&
			 layout_verify(view, database, &name, &value, &bytes) !=
			     RESULT_OK)
			check_report(check, "%s: a damaged value, key %s",
			    layout_name(database), check_hex(check, &key));
		else
			result = visit(check, &key, bytes);
		arena_reset(check->arena);
		code = mdb_cursor_get(cursor, &name, &value, MDB_NEXT);
	}
	mdb_cursor_close(cursor);
	if (result != RESULT_OK || code == MDB_NOTFOUND)
		return result;
	return layout_note(view, database, code);
}

const char *
check_hex(struct check *check, const struct key *key)
{
	char *text = arena_alloc(check->arena, 2 * key->size + 1);

	digest_hex(key->bytes, key->size, text);
	return text;
}

/* ---- records ---- */

static void
keep_content(struct check *check, const struct artifact *artifact)
{
	struct check_content *contents = check->contents;

	if (check->count == check->capacity) {
		check->capacity = check->capacity * 2 + 64;
		contents =
		    realloc(contents, check->capacity * sizeof(*contents));
		if (contents == NULL)
			abort();
		check->contents = contents;
	}
	contents[check->count] = (struct check_content){
		.blob = artifact->content.blob,
		.size = artifact->content.size,
		.moment = artifact->created,
	};
	memcpy(contents[check->count++].hash, artifact->content.hash,
	    DIGEST_SHA256_SIZE);
}

/* Anything but OK and NOT_FOUND that is not mere damage ends the check. */
static bool
is_fatal(const struct check *check)
{
	return check->view.error != 0;
}

static enum result
check_id_of(struct check *check, const struct artifact *artifact)
{
	char text[ID_TEXT + 1];
	uint64_t moment = 0;
	enum result result;

	result = layout_get_moment(&check->view, &artifact->id, &moment);
	if (is_fatal(check))
		return result;
	id_format(&artifact->id, text);
	if (result != RESULT_OK || moment != artifact->created)
		check_report(
		    check, "ids: %s does not lead to its record", text);
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
		if (is_fatal(check))
			return result;
		if (result != RESULT_OK)
			check_report(check, "index: %s has no entry '%c'", text,
			    key.bytes[0]);
	}
	return RESULT_OK;
}

static enum result
visit_record(struct check *check, const struct key *key, struct span bytes)
{
	struct artifact *artifact;
	enum result result;
	uint64_t moment = key_last_number(key);

	check->seen.artifacts++;
	/* Imported ones may be younger than the last moment, but were past. */
	if (moment > check->meta.last_moment &&
	    moment > moment_now() + DAY_MOMENTS)
		check_report(check, "records: %s is of a time to come",
		    check_hex(check, key));
	if (artifact_decode(bytes, check->arena, &artifact) != RESULT_OK) {
		check_report(
		    check, "records: %s is no artifact", check_hex(check, key));
		return RESULT_OK;
	}
	artifact->created = moment;
	check->seen.bytes += artifact->content.size;
	if (artifact->content.blob != 0)
		keep_content(check, artifact);
	else if (artifact->content.size != 0)
		check_report(check, "records: %s names no content",
		    check_hex(check, key));
	result = check_id_of(check, artifact);
	return result == RESULT_OK ? check_index_of(check, artifact) : result;
}

/* ---- what leads to records ---- */

static enum result
visit_id(struct check *check, const struct key *key, struct span bytes)
{
	struct artifact *artifact;
	char text[ID_TEXT + 1];
	enum result result;
	struct id id;

	(void)bytes; /* read again with the record */
	memcpy(id.bytes, key->bytes, sizeof(id.bytes));
	result = layout_find_record(&check->view, &id, check->arena, &artifact);
	if (is_fatal(check))
		return result;
	id_format(&id, text);
	if (result != RESULT_OK)
		check_report(
		    check, "ids: %s leads to no record of that id", text);
	return RESULT_OK;
}

static enum result
visit_index(struct check *check, const struct key *key, struct span bytes)
{
	struct artifact *artifact;
	enum result result;
	struct span value;
	uint64_t moment;
	size_t tag;

	(void)bytes; /* there are none */
	if (!index_parse(key, &tag, &value, &moment)) {
		check_report(
		    check, "index: %s is no key of it", check_hex(check, key));
		return RESULT_OK;
	}
	result =
	    layout_get_record(&check->view, moment, check->arena, &artifact);
	if (is_fatal(check))
		return result;
	if (result != RESULT_OK ||
	    !span_equal(value, index_value(artifact, tag)))
		check_report(check, "index: %s leads to no such record",
		    check_hex(check, key));
	return RESULT_OK;
}

/* ---- the rest ---- */

static enum result
visit_promise(struct check *check, const struct key *key, struct span bytes)
{
	struct promise promise;

	if (!promise_decode(bytes, &promise))
		check_report(check, "idempotency: %s is no such row",
		    check_hex(check, key));
	return RESULT_OK;
}

static enum result
visit_applied(struct check *check, const struct key *key, struct span bytes)
{
	struct applied applied;

	if (!applied_decode(bytes, &applied))
		check_report(
		    check, "applied: %s is no such row", check_hex(check, key));
	return RESULT_OK;
}

static void
compare(struct check *check, const char *name, uint64_t counted, uint64_t seen)
{
	if (counted != seen)
		check_report(check, "meta: %s is %llu, not %llu", name,
		    (unsigned long long)counted, (unsigned long long)seen);
}

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
		check_report(check,
		    "meta pages: %llu and %llu are no "
		    "neighbours: commits were lost",
		    (unsigned long long)ids[0], (unsigned long long)ids[1]);
	return result;
}

/* Every commit leaves its id with the counters. */
static void
check_commit(struct check *check)
{
	uint64_t txn = mdb_txn_id(check->view.txn);

	if (check->meta.txn != txn)
		check_report(check,
		    "meta: of commit %llu, where %llu is the last: a write "
		    "was lost",
		    (unsigned long long)check->meta.txn,
		    (unsigned long long)txn);
}

static enum result
check_all(struct check *check)
{
	enum result result;

	result = layout_get_meta(&check->view, &check->meta);
	if (is_fatal(check))
		return result;
	if (result != RESULT_OK)
		check_report(check, "meta: the counters are damaged");
	else
		check_commit(check);
	result = check_meta_pages(check);
	if (result == RESULT_OK)
		result = check_walk(check, DB_RECORDS, 8, visit_record);
	if (result == RESULT_OK)
		result = check_walk(check, DB_IDS, 16, visit_id);
	if (result == RESULT_OK)
		result = check_walk(check, DB_INDEX, 0, visit_index);
	if (result == RESULT_OK)
		result = check_contents(check);
	if (result == RESULT_OK)
		result = check_walk(check, DB_IDEMPOTENCY, 32, visit_promise);
	if (result == RESULT_OK)
		result = check_walk(check, DB_APPLIED, 8, visit_applied);
	if (result != RESULT_OK)
		return result;
	compare(
	    check, "artifacts", check->meta.artifacts, check->seen.artifacts);
	compare(check, "bytes", check->meta.bytes, check->seen.bytes);
	compare(check, "staged", check->meta.staged, check->seen.staged);
	if (check->problems == 0 && check->meta.sum != check->seen.sum)
		check_report(check, "meta: each row is sound, but not all "
				    "are the latest: a write was lost");
	return RESULT_OK;
}

enum result
store_lmdb_check(struct store *store, bool is_deep,
    void (*report)(void *object, const char *line), void *object,
    uint64_t *ret_problems)
{
	struct lmdb *lmdb = lmdb_of(store);
	struct check check = {
		.is_deep = is_deep,
		.report = report,
		.object = object,
	};
	enum result result;

	result = lmdb_read_begin(lmdb, &check.view);
	if (result != RESULT_OK)
		return result;
	check.arena = arena_open();
	result = check_all(&check);
	arena_close(check.arena);
	free(check.contents);
	if (result == RESULT_OK)
		*ret_problems = check.problems;
	return lmdb_read_end(lmdb, &check.view, result);
}
