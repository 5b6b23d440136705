/* SPDX-License-Identifier: ISC */
/* lmdb_kit.c - an LMDB store in a directory of its own. */

#include "lmdb_kit.h"

#include "base/pack.h"
#include "store/engine.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define MAP_SIZE (UINT64_C(256) << 20)

char lmdb_error[256];
char lmdb_problem[2048];

static char directory[256];

const char *
lmdb_directory(void)
{
	const char *parent = getenv("TMPDIR");

	if (directory[0] != '\0')
		return directory;
	cr_assert(digest_init());
	snprintf(directory, sizeof(directory), "%s/artifactd-XXXXXX",
	    parent != NULL ? parent : "/tmp");
	cr_assert_not_null(mkdtemp(directory));
	return directory;
}

const char *
lmdb_path(const char *name)
{
	static char path[512];

	snprintf(path, sizeof(path), "%s/%s", lmdb_directory(), name);
	return path;
}

void
lmdb_remove(void)
{
	static const char *const names[] = { "data.mdb", "lock.mdb", "format",
		"format.new" };
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		(void)unlink(lmdb_path(names[i])); /* it may not be there */
	cr_assert_eq(rmdir(lmdb_directory()), 0);
	directory[0] = '\0';
}

enum result
lmdb_try(const struct store_lmdb_options *options, struct store **ret_store)
{
	struct store_lmdb_options mine = { 0 };

	if (options != NULL)
		mine = *options;
	if (mine.directory == NULL)
		mine.directory = lmdb_directory();
	if (mine.map_size == 0)
		mine.map_size = MAP_SIZE;
	mine.may_create = true;
	lmdb_error[0] = '\0';
	return store_lmdb_open_writer(&mine, lmdb_error, ret_store);
}

struct store *
lmdb_writer(void)
{
	struct store *store = NULL;

	cr_assert_eq(lmdb_try(NULL, &store), RESULT_OK, "%s", lmdb_error);
	return store;
}

/* ---- for store_kit.h ---- */

static const struct store_lmdb_options *next_options;

static struct store *
open_subject(uint64_t max_bytes)
{
	struct store_lmdb_options options = { 0 };
	struct store *store = NULL;

	if (next_options != NULL)
		options = *next_options;
	if (max_bytes != 0)
		options.max_bytes = max_bytes;
	cr_assert_eq(lmdb_try(&options, &store), RESULT_OK, "%s", lmdb_error);
	return store;
}

static void
close_subject(struct store *store)
{
	if (store != NULL) {
		/* Not deep: some tests do not care for hashes. */
		cr_assert_eq(lmdb_check(store, false), 0, "%s", lmdb_problem);
		store_close(store);
	}
	lmdb_remove();
}

const struct subject lmdb_subject = { open_subject, close_subject };

struct kit
lmdb_kit(const struct store_lmdb_options *options)
{
	struct kit kit;

	next_options = options;
	kit = kit_open(&lmdb_subject, 0);
	return kit;
}

void
lmdb_reopen(struct kit *kit)
{
	store_close(kit->store);
	kit->store = lmdb_writer();
}

/* ---- checking ---- */

static void
report(void *object, const struct store_problem *problem)
{
	size_t size = strlen(lmdb_problem);

	(void)object;
	snprintf(lmdb_problem + size, sizeof(lmdb_problem) - size, "%s\n",
	    problem->line);
}

uint64_t
lmdb_check(struct store *store, bool is_deep)
{
	struct store_check check = { .is_deep = is_deep, .report = report };

	lmdb_problem[0] = '\0';
	cr_assert_eq(store_lmdb_check(store, &check), RESULT_OK, "%s",
	    store_reason(store));
	return check.problems;
}

/* ---- by hand ---- */

struct raw
raw_open(const char *database)
{
	struct raw raw = { 0 };

	cr_assert_eq(mdb_env_create(&raw.env), 0);
	cr_assert_eq(mdb_env_set_maxdbs(raw.env, 8), 0);
	cr_assert_eq(
	    mdb_env_open(raw.env, lmdb_directory(), MDB_NOTLS, 0600), 0);
	cr_assert_eq(mdb_txn_begin(raw.env, NULL, 0, &raw.txn), 0);
	cr_assert_eq(mdb_dbi_open(raw.txn, database, 0, &raw.database), 0);
	cr_assert_eq(mdb_cursor_open(raw.txn, raw.database, &raw.cursor), 0);
	(void)mdb_cursor_get(raw.cursor, &raw.key, &raw.value, MDB_FIRST);
	return raw;
}

/* The checks of all rows of a database. */
static uint64_t
raw_sum(struct raw *raw, const char *database)
{
	uint64_t sum = 0;
	MDB_val key, value;
	MDB_cursor *cursor;
	MDB_dbi dbi;
	int code;

	cr_assert_eq(mdb_dbi_open(raw->txn, database, 0, &dbi), 0);
	cr_assert_eq(mdb_cursor_open(raw->txn, dbi, &cursor), 0);
	code = mdb_cursor_get(cursor, &key, &value, MDB_FIRST);
	for (; code == 0; code = mdb_cursor_get(cursor, &key, &value, MDB_NEXT))
		if (value.mv_size >= 8)
			sum += unpack_key(
			    (const uint8_t *)value.mv_data + value.mv_size - 8);
	mdb_cursor_close(cursor);
	return sum;
}

/* The counters say what the store's own writer would have left. */
static void
raw_settle(struct raw *raw)
{
	static const char *const summed[] = { "ids", "records", "pending",
		"idempotency", "applied" };
	uint8_t row[64];
	MDB_val key = { 8, "counters" };
	MDB_val value;
	uint64_t sum = 0;
	MDB_dbi meta;
	size_t i;

	cr_assert_eq(mdb_dbi_open(raw->txn, "meta", 0, &meta), 0);
	if (mdb_get(raw->txn, meta, &key, &value) != 0 ||
	    value.mv_size != sizeof(row))
		return;
	for (i = 0; i < sizeof(summed) / sizeof(summed[0]); i++)
		sum += raw_sum(raw, summed[i]);
	memcpy(row, value.mv_data, sizeof(row));
	if (!raw->keeps_sum)
		pack_key(row + 40, sum);
	pack_key(row + 48, mdb_txn_id(raw->txn));
	pack_key(row + 56, digest_check(SPAN("counters"), span_of(row, 56)));
	value = (MDB_val){ sizeof(row), row };
	cr_assert_eq(mdb_put(raw->txn, meta, &key, &value, 0), 0);
}

void
raw_close(struct raw *raw)
{
	if (raw->is_changed)
		raw_settle(raw);
	mdb_cursor_close(raw->cursor);
	cr_assert_eq(mdb_txn_commit(raw->txn), 0);
	mdb_env_close(raw->env);
}

void
raw_put(const char *database, struct span key, struct span bytes)
{
	struct raw raw = raw_open(database);
	MDB_val name = { key.size, (void *)(uintptr_t)key.data };
	MDB_val value = { bytes.size + 8, NULL };

	if (bytes.data == NULL)
		value.mv_size = 0;
	cr_assert_eq(
	    mdb_put(raw.txn, raw.database, &name, &value, MDB_RESERVE), 0);
	raw.is_changed = true;
	if (bytes.data != NULL) {
		memcpy(value.mv_data, bytes.data, bytes.size);
		pack_key((uint8_t *)value.mv_data + bytes.size,
		    digest_check(key, bytes));
	}
	raw_close(&raw);
}

void
raw_delete(const char *database, struct span key)
{
	struct raw raw = raw_open(database);
	MDB_val name = { key.size, (void *)(uintptr_t)key.data };

	cr_assert_eq(mdb_del(raw.txn, raw.database, &name, NULL), 0);
	raw.is_changed = true;
	raw_close(&raw);
}

void
raw_flip(const char *database, size_t bit)
{
	struct raw raw = raw_open(database);
	char *bytes = malloc(raw.value.mv_size);
	uint8_t key[LIMIT_WORKFLOW + 16];
	MDB_val name = { raw.key.mv_size, key };
	MDB_val value = { raw.value.mv_size, bytes };

	cr_assert_lt(bit / 8, raw.value.mv_size);
	memcpy(key, raw.key.mv_data, raw.key.mv_size);
	memcpy(bytes, raw.value.mv_data, raw.value.mv_size);
	bytes[bit / 8] = (char)(bytes[bit / 8] ^ (1 << bit % 8));
	cr_assert_eq(mdb_put(raw.txn, raw.database, &name, &value, 0), 0);
	raw.is_changed = strcmp(database, "meta") != 0;
	free(bytes);
	raw_close(&raw);
}

static void
delete_at(const char *database, MDB_cursor_op place)
{
	struct raw raw = raw_open(database);

	cr_assert_eq(
	    mdb_cursor_get(raw.cursor, &raw.key, &raw.value, place), 0);
	cr_assert_eq(mdb_cursor_del(raw.cursor, 0), 0);
	raw.is_changed = true;
	raw_close(&raw);
}

void
raw_delete_first(const char *database)
{
	delete_at(database, MDB_FIRST);
}

void
raw_delete_last(const char *database)
{
	delete_at(database, MDB_LAST);
}

size_t
raw_count(const char *database)
{
	struct raw raw = raw_open(database);
	MDB_stat stat;

	cr_assert_eq(mdb_stat(raw.txn, raw.database, &stat), 0);
	raw_close(&raw);
	return stat.ms_entries;
}

uint64_t
lmdb_new_blob(struct store *store, struct owner owner)
{
	struct staging staging = { .owner = owner };

	cr_assert_eq(store_stage_begin(store, &staging), RESULT_OK);
	return staging.blob;
}
