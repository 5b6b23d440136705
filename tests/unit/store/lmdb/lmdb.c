/* SPDX-License-Identifier: ISC */
/*
 * lmdb.c - the LMDB engine: the contract, opening, damage, commits
 * that fail. Sweeping and checking are sweep.c.
 */

#include "kit/lmdb_kit.h"

#include "base/pack.h"
#include "store/lmdb/internal.h"
#include "store/lmdb/upkeep.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

STORE_CONTRACT(store_lmdb, &lmdb_subject)
STORE_CONTRACT_JUDGE(store_lmdb, &lmdb_subject)

static void
write_file(const char *name, const char *text)
{
	FILE *file = fopen(lmdb_path(name), "w");

	cr_assert_not_null(file);
	cr_assert_geq(fputs(text, file), 0);
	cr_assert_eq(fclose(file), 0);
}

/* ---- opening ---- */

Test(store_lmdb, creates_files_that_only_the_owner_reads)
{
	static const char *const names[] = { "data.mdb", "lock.mdb", "format" };
	struct store *store;
	struct stat stat_of;
	size_t i;

	(void)umask(0); /* returns the old one */
	store = lmdb_writer();
	for (i = 0; i < 3; i++) {
		cr_assert_eq(stat(lmdb_path(names[i]), &stat_of), 0);
		cr_assert_eq(stat_of.st_mode & 07777, 0600, "%s", names[i]);
	}
	store_close(store);
	lmdb_remove();
}

/* As a service and every command but init open it. */
static enum result
open_what_is_there(void)
{
	struct store_lmdb_options options = { .directory = lmdb_directory() };
	struct store *store;

	lmdb_error[0] = '\0';
	return store_lmdb_open_writer(&options, lmdb_error, &store);
}

Test(store_lmdb, makes_a_store_only_for_who_says_so)
{
	cr_assert_eq(open_what_is_there(), RESULT_NOT_FOUND);
	cr_assert_not_null(strstr(lmdb_error, "is its disk mounted"));
	cr_assert_not_null(strstr(lmdb_error, "artifactctl init"));
	/* Not a file was made. */
	cr_assert_eq(rmdir(lmdb_directory()), 0);
	cr_assert_eq(open_what_is_there(), RESULT_NOT_FOUND);
	cr_assert_not_null(strstr(lmdb_error, "is its disk mounted"));
	cr_assert_neq(access(lmdb_directory(), F_OK), 0);
}

Test(store_lmdb, a_start_leaves_a_creation_that_did_not_end)
{
	char old[512];

	store_close(lmdb_writer());
	snprintf(old, sizeof(old), "%s", lmdb_path("format"));
	cr_assert_eq(rename(old, lmdb_path("format.new")), 0);
	cr_assert_eq(open_what_is_there(), RESULT_NOT_FOUND);
	cr_assert_not_null(strstr(lmdb_error, "whose making did not end"));
	cr_assert_eq(access(lmdb_path("data.mdb"), F_OK), 0);
	store_close(lmdb_writer());
	cr_assert_eq(access(old, F_OK), 0);
	lmdb_remove();
}

Test(store_lmdb, refuses_data_whose_creation_did_not_end)
{
	struct store *store = lmdb_writer();

	store_close(store);
	cr_assert_eq(unlink(lmdb_path("format")), 0);
	cr_assert_eq(lmdb_try(NULL, &store), RESULT_DAMAGED);
	cr_assert_not_null(strstr(lmdb_error, "no file format"));
	lmdb_remove();
}

/* A kill before the first READY must not need a person. */
Test(store_lmdb, begins_a_creation_anew_that_did_not_end)
{
	char old[512];
	struct kit kit;

	store_close(lmdb_writer());
	snprintf(old, sizeof(old), "%s", lmdb_path("format"));
	cr_assert_eq(rename(old, lmdb_path("format.new")), 0);
	kit = lmdb_kit(NULL);
	/* More than an empty store: somebody was told of what is in it. */
	(void)kit_put(&kit, kit_bytes(&kit, 8 * LIMIT_CHUNK, 1));
	store_close(kit.store);
	cr_assert_eq(rename(old, lmdb_path("format.new")), 0);
	cr_assert_eq(lmdb_try(NULL, &kit.store), RESULT_DAMAGED);
	cr_assert_eq(rename(lmdb_path("format.new"), old), 0);
	kit.store = lmdb_writer();
	kit_expect_stat(&kit, 1, 8 * LIMIT_CHUNK, 0);
	kit_close(&kit);
}

Test(store_lmdb, refuses_to_start_afresh_where_data_is_gone)
{
	struct store *store = lmdb_writer();

	store_close(store);
	cr_assert_eq(truncate(lmdb_path("data.mdb"), 0), 0);
	cr_assert_eq(lmdb_try(NULL, &store), RESULT_DAMAGED);
	cr_assert_not_null(strstr(lmdb_error, "restore a backup"));
	lmdb_remove();
}

Test(store_lmdb, says_of_data_that_is_overwritten_to_restore)
{
	struct store *store = lmdb_writer();
	char zeros[8192] = { 0 };
	FILE *file;

	store_close(store);
	file = fopen(lmdb_path("data.mdb"), "r+");
	cr_assert_not_null(file);
	cr_assert_eq(fwrite(zeros, 1, sizeof(zeros), file), sizeof(zeros));
	cr_assert_eq(fclose(file), 0);
	cr_expect_eq(lmdb_try(NULL, &store), RESULT_DAMAGED);
	cr_expect_not_null(strstr(
	    lmdb_error, "data.mdb is damaged at its start; restore a backup"));
	lmdb_remove();
}

/* The first page of LMDB's list of databases is named in the two first pages. */
Test(store_lmdb, says_of_a_list_of_databases_that_is_overwritten_to_restore)
{
	struct store *store = lmdb_writer();
	char pages[2 * 4096];
	uint64_t transactions[2], root;
	/* MDB_page behind its number: P_LEAF, mp_lower, mp_upper: no keys. */
	const uint16_t empty[] = { 0, 0x02, 16, 4096 };
	FILE *file;

	store_close(store);
	file = fopen(lmdb_path("data.mdb"), "r+");
	cr_assert_not_null(file);
	cr_assert_eq(fread(pages, 1, sizeof(pages), file), sizeof(pages));
	/* MDB_meta of lmdb 0.9.24: md_root of the second database, mm_txnid. */
	memcpy(&transactions[0], pages + 144, sizeof(uint64_t));
	memcpy(&transactions[1], pages + 4096 + 144, sizeof(uint64_t));
	memcpy(&root,
	    pages + (transactions[1] > transactions[0] ? 4096 : 0) + 128,
	    sizeof(root));
	cr_assert_eq(fseek(file, (long)root * 4096 + 8, SEEK_SET), 0);
	cr_assert_eq(fwrite(empty, 1, sizeof(empty), file), sizeof(empty));
	cr_assert_eq(fclose(file), 0);
	cr_expect_eq(lmdb_try(NULL, &store), RESULT_DAMAGED);
	cr_expect_not_null(
	    strstr(lmdb_error, "the list of its databases is not whole"), "%s",
	    lmdb_error);
	lmdb_remove();
}

/* The process that has it open is a child's: a lock is for a process. */
Test(store_lmdb, says_of_a_spoilt_lock_that_it_is_that)
{
	struct store *store = lmdb_writer();
	int status = 0;
	pid_t child;
	FILE *file;

	child = fork();
	cr_assert_geq(child, 0);
	if (child == 0) {
		file = fopen(lmdb_path("lock.mdb"), "r+");
		if (file == NULL || fputs("spoilt!", file) < 0 ||
		    fclose(file) != 0)
			_exit(1);
		_exit(store_lmdb_open_reader(lmdb_directory(), lmdb_error,
			  &store) == RESULT_DAMAGED &&
			      strstr(lmdb_error, "lock.mdb is damaged") != NULL
			  ? 0
			  : 2);
	}
	cr_assert_eq(waitpid(child, &status, 0), child);
	cr_expect_eq(status, 0);
	store_close(store);
	lmdb_remove();
}

Test(store_lmdb, refuses_another_format)
{
	struct store *store = lmdb_writer();

	store_close(store);
	write_file("format", "artifactd 3\n");
	cr_assert_eq(lmdb_try(NULL, &store), RESULT_MALFORMED);
	cr_assert_not_null(strstr(lmdb_error, "artifactd 3"));
	lmdb_remove();
}

Test(store_lmdb, refuses_counters_that_are_damaged)
{
	struct store *store = lmdb_writer();

	store_close(store);
	raw_flip("meta", 9);
	cr_assert_eq(lmdb_try(NULL, &store), RESULT_DAMAGED);
	cr_assert_not_null(strstr(lmdb_error, "meta"), "%s", lmdb_error);
	lmdb_remove();
}

/* Every page that is missing is a SIGBUS for whoever reads it. */
Test(store_lmdb, what_was_cut_off_is_damage_and_no_death)
{
	struct kit kit = lmdb_kit(NULL);
	struct artifact *artifact;
	struct artifact *found;
	struct stat stat_of;
	struct store *store;
	off_t size;

	artifact = kit_put(&kit, kit_bytes(&kit, 4 * LIMIT_CHUNK, 1));
	store_close(kit.store);
	cr_assert_eq(stat(lmdb_path("data.mdb"), &stat_of), 0);
	for (size = stat_of.st_size - 4096; size > 8192; size -= 8192) {
		cr_assert_eq(truncate(lmdb_path("data.mdb"), size), 0);
		if (lmdb_try(NULL, &store) != RESULT_OK) {
			cr_assert_not_null(
			    strstr(lmdb_error, lmdb_directory()));
			continue;
		}
		found = artifact;
		if (store_get(store, &artifact->id, kit.arena, &found) ==
		    RESULT_OK)
			cr_assert(span_equal(found->title, artifact->title));
		store_close(store);
	}
	lmdb_remove();
	arena_close(kit.arena);
}

/* Meta pages say where the last page is; where, mdb.c of LMDB 0.9 says. */
Test(store_lmdb, a_last_page_that_no_map_holds_is_damage)
{
	const uint64_t last_page = UINT64_C(1) << 33;
	struct store *store = lmdb_writer();
	struct stat before, after;
	int fd, page;

	store_close(store);
	cr_assert_eq(stat(lmdb_path("data.mdb"), &before), 0);
	fd = open(lmdb_path("data.mdb"), O_WRONLY);
	for (page = 0; page < 2; page++)
		cr_assert_eq(pwrite(fd, &last_page, sizeof(last_page),
				 page * 4096 + 136),
		    sizeof(last_page));
	close(fd);
	cr_assert_eq(lmdb_try(NULL, &store), RESULT_DAMAGED, "%s", lmdb_error);
	cr_assert_eq(stat(lmdb_path("data.mdb"), &after), 0);
	cr_assert_eq(after.st_size, before.st_size);
	lmdb_remove();
}

Test(store_lmdb, names_a_limit_of_the_address_space)
{
	const struct store_lmdb_options options = { .map_size = UINT64_C(1)
								<< 62 };
	struct store *store;

	cr_assert_neq(lmdb_try(&options, &store), RESULT_OK);
	cr_assert_not_null(strstr(lmdb_error, "ulimit -v"), "%s", lmdb_error);
	lmdb_remove();
}

Test(store_lmdb, a_second_writer_is_refused)
{
	struct store *store = lmdb_writer();
	struct store *second;
	int status;
	pid_t pid = fork();

	if (pid == 0)
		_exit(lmdb_try(NULL, &second) == RESULT_UNAVAILABLE &&
			      strstr(lmdb_error, "another artifactd") != NULL
			  ? 0
			  : 1);
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert_eq(status, 0);
	store_close(store);
	lmdb_remove();
}

Test(store_lmdb, a_reader_needs_a_store)
{
	struct store *store;

	cr_assert_eq(
	    store_lmdb_open_reader(lmdb_directory(), lmdb_error, &store),
	    RESULT_NOT_FOUND);
	cr_assert_not_null(strstr(lmdb_error, "no store"));
	lmdb_remove();
}

Test(store_lmdb, opening_again_keeps_all)
{
	struct kit kit = lmdb_kit(NULL);
	struct span bytes = kit_bytes(&kit, 3 * LIMIT_CHUNK + 5, 1);
	struct artifact *before = kit_put(&kit, bytes);
	struct artifact *after;

	lmdb_reopen(&kit);
	after = kit_get(&kit, &before->id);
	kit_expect_same(after, before);
	cr_assert_eq(after->created, before->created);
	kit_expect_content(&kit, &after->content, bytes);
	kit_expect_stat(&kit, 1, bytes.size, 0);
	kit_close(&kit);
}

Test(store_lmdb, another_process_reads_what_the_writer_wrote)
{
	struct kit kit = lmdb_kit(NULL);
	struct artifact *artifact = kit_put(&kit, SPAN("hello"));
	struct artifact *read;
	struct store *store = NULL;
	char data[8];
	size_t size;
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		if (store_lmdb_open_reader(
			lmdb_directory(), lmdb_error, &store) != RESULT_OK)
			_exit(1);
		if (store_get(store, &artifact->id, kit.arena, &read) !=
			RESULT_OK ||
		    store_read(store, &read->content, 0, data, 8, &size) !=
			RESULT_OK)
			_exit(2);
		_exit(size == 5 && memcmp(data, "hello", 5) == 0 ? 0 : 3);
	}
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert_eq(status, 0);
	store_lmdb_clear_readers(kit.store);
	kit_close(&kit);
}

/* ---- damage ---- */

/* Flip each of some bits of the first row, and look whether it is seen. */
static void
flip_and(const char *database, struct artifact *artifact,
    enum result (*look)(struct kit *kit, struct artifact *artifact))
{
	struct kit kit = lmdb_kit(NULL);
	struct artifact *own = kit_put(&kit, SPAN("some content"));
	size_t bit;

	(void)artifact;
	for (bit = 0; bit < 64; bit += 5) {
		store_close(kit.store);
		raw_flip(database, bit);
		kit.store = lmdb_writer();
		cr_assert_eq(look(&kit, own), RESULT_DAMAGED, "bit %zu of %s",
		    bit, database);
		cr_assert_not_null(strstr(store_reason(kit.store), database));
		cr_assert_gt(lmdb_check(kit.store, false), 0);
		store_close(kit.store);
		raw_flip(database, bit);
		kit.store = lmdb_writer();
	}
	kit_close(&kit);
}

static enum result
look_at_record(struct kit *kit, struct artifact *artifact)
{
	struct artifact *read;

	return store_get(kit->store, &artifact->id, kit->arena, &read);
}

static enum result
look_at_list(struct kit *kit, struct artifact *artifact)
{
	const struct filter filter = { .workflow = artifact->workflow };
	const struct position start = { 0 };
	struct page page;

	return store_list(kit->store, &filter, &start, 10, kit->arena, &page);
}

static enum result
look_at_prefix(struct kit *kit, struct artifact *artifact)
{
	struct id ids[LIMIT_CANDIDATES];
	size_t count;

	(void)artifact; /* the only one */
	return store_find(kit->store, SPAN(""), ids, &count);
}

static enum result
look_at_content(struct kit *kit, struct artifact *artifact)
{
	char data[64];
	size_t size = 0;
	enum result result;

	result = store_read(
	    kit->store, &artifact->content, 0, data, sizeof(data), &size);
	cr_assert_eq(size, 0);
	return result;
}

static enum result
look_by_deleting(struct kit *kit, struct artifact *artifact)
{
	return kit_delete(kit, &artifact->id);
}

Test(store_lmdb, a_flipped_bit_is_never_answered)
{
	flip_and("records", NULL, look_at_record);
	flip_and("records", NULL, look_at_list);
	flip_and("records", NULL, look_by_deleting);
	flip_and("ids", NULL, look_at_record);
	flip_and("ids", NULL, look_at_prefix);
	flip_and("chunks", NULL, look_at_content);
}

Test(store_lmdb, an_entry_that_leads_elsewhere_is_damage)
{
	static const struct filter filter = { .workflow = SPAN("w2") };
	const struct position start = { 0 };
	struct kit kit = lmdb_kit(NULL);
	struct artifact *artifact = kit_put(&kit, SPAN(""));
	struct page page;
	char key[12] = "w\2w2";

	pack_key((uint8_t *)key + 4, artifact->created);
	store_close(kit.store);
	raw_put("index", span_of(key, 12), SPAN_NONE);
	kit.store = lmdb_writer();
	cr_assert_eq(
	    store_list(kit.store, &filter, &start, 10, kit.arena, &page),
	    RESULT_DAMAGED);
	store_close(kit.store);
	raw_delete("index", span_of(key, 12));
	kit.store = lmdb_writer();
	kit_close(&kit);
}

/* ---- commits ---- */

static struct change
create_of(struct kit *kit, struct span bytes)
{
	struct artifact *artifact = kit_artifact(kit);

	artifact->content.size = bytes.size;
	return (struct change){
		.kind = CHANGE_CREATE,
		.owner = kit->owner,
		.artifact = artifact,
		.bytes = bytes,
	};
}

Test(store_lmdb, a_failed_commit_leaves_nobody_sure)
{
	struct kit kit = lmdb_kit(NULL);
	struct change change = create_of(&kit, SPAN("x"));
	struct rlimit before, none = { 1, RLIM_INFINITY };
	struct artifact *read;
	struct stat stat_of;

	(void)signal(SIGXFSZ, SIG_IGN); /* EFBIG instead */
	cr_assert_eq(stat(lmdb_path("data.mdb"), &stat_of), 0);
	cr_assert_eq(getrlimit(RLIMIT_FSIZE, &before), 0);
	none.rlim_max = before.rlim_max;
	cr_assert_eq(setrlimit(RLIMIT_FSIZE, &none), 0);
	cr_assert_eq(kit_apply(&kit, &change), RESULT_UNKNOWN);
	cr_assert_not_null(strstr(store_reason(kit.store), "commit"));
	cr_assert_eq(setrlimit(RLIMIT_FSIZE, &before), 0);
	/* Nothing is tried again in this process. */
	cr_assert_eq(kit_apply(&kit, &change), RESULT_UNKNOWN);
	cr_assert_eq(
	    store_get(kit.store, &change.artifact->id, kit.arena, &read),
	    RESULT_IO);
	lmdb_reopen(&kit);
	cr_assert_eq(kit_apply(&kit, &change), RESULT_OK);
	kit_close(&kit);
}

Test(store_lmdb, a_foreign_commit_stops_the_writer)
{
	struct kit kit = lmdb_kit(NULL);
	struct change change = create_of(&kit, SPAN("x"));
	struct raw raw;
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		raw = raw_open("meta");
		(void)mdb_cursor_put(/* what is there, once more */
		    raw.cursor, &raw.key, &raw.value, 0);
		raw.is_changed = true;
		raw_close(&raw);
		_exit(0);
	}
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert_eq(status, 0);
	cr_assert_eq(kit_apply(&kit, &change), RESULT_UNKNOWN);
	cr_assert_not_null(strstr(store_reason(kit.store), "somebody else"));
	lmdb_reopen(&kit);
	kit_close(&kit);
}

/* The file's bytes, or back to what they were. */
static void
copy_data(char bytes[], size_t size, bool is_back)
{
	int fd = open(lmdb_path("data.mdb"), O_RDWR | O_CLOEXEC);
	ssize_t done;

	cr_assert_geq(fd, 0);
	done = is_back ? pwrite(fd, bytes, size, 0) : pread(fd, bytes, size, 0);
	cr_assert_eq(done, (ssize_t)size);
	cr_assert_eq(close(fd), 0);
}

/* cp backup/data.mdb over the one in use: lock.mdb knows nothing of it. In a
 * process of its own, since closing the file drops LMDB's locks. */
Test(store_lmdb, an_older_copy_under_it_stops_the_writer)
{
	struct kit kit = lmdb_kit(NULL);
	struct change change = create_of(&kit, SPAN("x"));
	struct stat stat_of;
	char *bytes;
	int status;
	pid_t pid;

	cr_assert_eq(stat(lmdb_path("data.mdb"), &stat_of), 0);
	bytes = malloc((size_t)stat_of.st_size);
	cr_assert_not_null(bytes);
	copy_data(bytes, (size_t)stat_of.st_size, false);
	(void)kit_put(&kit, SPAN("newer"));
	pid = fork();
	if (pid == 0) {
		copy_data(bytes, (size_t)stat_of.st_size, true);
		_exit(0);
	}
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert_eq(status, 0);
	free(bytes);
	cr_assert_eq(kit_apply(&kit, &change), RESULT_UNKNOWN);
	cr_assert_not_null(strstr(store_reason(kit.store), "somebody else"));
	lmdb_reopen(&kit);
	kit_close(&kit);
}

/* Take every place that a reader may have, and die with them. */
static void
fill_readers(void)
{
	MDB_env *env;
	MDB_txn *txn;
	int code;
	pid_t pid = fork();
	int status;

	cr_assert_geq(pid, 0);
	if (pid == 0) {
		if (mdb_env_create(&env) != 0 ||
		    mdb_env_set_maxreaders(env, 512) != 0 ||
		    mdb_env_open(env, lmdb_directory(), MDB_RDONLY | MDB_NOTLS,
			0600) != 0)
			_exit(1);
		do
			code = mdb_txn_begin(env, NULL, MDB_RDONLY, &txn);
		while (code == MDB_SUCCESS);
		if (code != MDB_READERS_FULL)
			_exit(2);
		(void)raise(SIGKILL);
	}
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert(WIFSIGNALED(status), "%d", status);
}

/*
 * Who kills workers faster than the writer looks for them must not keep all
 * others from reading; the writer may be waiting for its disk meanwhile.
 */
Test(store_lmdb, a_table_full_of_dead_readers_keeps_nobody_out)
{
	struct kit kit = lmdb_kit(NULL);
	struct artifact *artifact = kit_put(&kit, SPAN("x"));
	struct artifact *found;
	struct store *reader;
	FILE *copy = tmpfile();
	int status;
	pid_t pid;

	cr_assert_not_null(copy);
	fill_readers();
	pid = fork();
	if (pid == 0)
		_exit(store_lmdb_open_reader(
			  lmdb_directory(), lmdb_error, &reader) == RESULT_OK &&
			      store_get(reader, &artifact->id, kit.arena,
				  &found) == RESULT_OK
			  ? 0
			  : 1);
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert_eq(status, 0, "a reader");
	fill_readers();
	cr_assert_eq(store_lmdb_copy(kit.store, fileno(copy), lmdb_error),
	    RESULT_OK, "%s", lmdb_error);
	cr_assert_eq(fclose(copy), 0);
	kit_close(&kit);
}

Test(store_lmdb, a_full_map_fails_only_the_guilty)
{
	const struct store_lmdb_options options = { .map_size = 1 << 20 };
	struct kit kit = lmdb_kit(&options);
	struct span bytes = kit_bytes(&kit, LIMIT_CHUNK, 1);
	struct change large[16], small = create_of(&kit, SPAN("s"));
	struct change *batch[17];
	struct outcome outcomes[17];
	size_t fitted = 0;
	size_t i;

	for (i = 0; i < 16; i++) {
		large[i] = create_of(&kit, bytes);
		batch[i] = &large[i];
	}
	batch[16] = &small;
	store_apply_many(kit.store, batch, 17, outcomes);
	for (i = 0; i < 16; i++) {
		fitted += outcomes[i].result == RESULT_OK;
		if (outcomes[i].result != RESULT_OK)
			cr_assert_eq(outcomes[i].result, RESULT_NO_SPACE);
	}
	cr_assert_gt(fitted, 4);
	cr_assert_lt(fitted, 16);
	cr_assert_eq(outcomes[16].result, RESULT_OK);
	kit_expect_stat(&kit, fitted + 1, fitted * LIMIT_CHUNK + 1, 0);
	cr_assert_eq(kit_delete(&kit, &small.artifact->id), RESULT_OK);
	kit_close(&kit);
}

static void
count_beat(void *object)
{
	size_t *count = object;

	++*count;
}

/* The master kills a writer of which it hears nothing for 30 seconds. */
Test(store_lmdb, a_batch_that_is_tried_again_one_by_one_shows_that_it_lives)
{
	size_t beats = 0;
	const struct store_lmdb_options options = {
		.map_size = 1 << 20, .beat = count_beat, .object = &beats
	};
	struct kit kit = lmdb_kit(&options);
	struct change large[20];
	struct change *batch[20];
	struct outcome outcomes[20];
	size_t i;

	for (i = 0; i < 20; i++) {
		large[i] = create_of(&kit, kit_bytes(&kit, LIMIT_CHUNK, 1));
		batch[i] = &large[i];
	}
	store_apply_many(kit.store, batch, 20, outcomes);
	cr_assert_eq(outcomes[19].result, RESULT_NO_SPACE);
	cr_assert_eq(beats, 20, "%zu", beats);
	kit_close(&kit);
}

Test(store_lmdb, below_the_reserve_only_what_grows_is_refused)
{
	const struct store_lmdb_options options = { .reserve = UINT64_MAX };
	struct kit kit = lmdb_kit(NULL);
	struct artifact *artifact = kit_put(&kit, SPAN("x"));
	struct change create = create_of(&kit, SPAN("y"));
	struct change update = { .kind = CHANGE_UPDATE,
		.id = artifact->id,
		.artifact = artifact,
		.patch = PATCH_TITLE };
	struct change stage = {
		.kind = CHANGE_STAGE, .owner = kit.owner, .bytes = SPAN("z")
	};

	store_close(kit.store);
	cr_assert_eq(lmdb_try(&options, &kit.store), RESULT_OK);
	stage.blob = lmdb_new_blob(kit.store, kit.owner);
	cr_assert_eq(kit_apply(&kit, &create), RESULT_NO_SPACE);
	cr_assert_eq(kit_apply(&kit, &stage), RESULT_NO_SPACE);
	cr_assert_eq(kit_content(&kit, &artifact->id, SPAN("t"), SPAN("y")),
	    RESULT_NO_SPACE);
	cr_assert_eq(kit_apply(&kit, &update), RESULT_OK);
	cr_assert_eq(kit_delete(&kit, &artifact->id), RESULT_OK);
	kit_close(&kit);
}

Test(store_lmdb, a_clock_that_fell_back_refuses_creates)
{
	struct kit kit = lmdb_kit(NULL);
	struct change change = create_of(&kit, SPAN(""));
	uint8_t counters[56] = { 0 };
	struct store_stat stat;

	store_close(kit.store);
	pack_key(counters, moment_now() + UINT64_C(86400000000) + 60000000);
	counters[15] = 1; /* the next blob */
	raw_put("meta", SPAN("counters"), span_of(counters, 56));
	kit.store = lmdb_writer();
	cr_assert_eq(kit_apply(&kit, &change), RESULT_CLOCK);
	cr_assert_eq(store_stat(kit.store, &stat), RESULT_OK);
	cr_assert_gt(stat.newest, moment_now() + LIMIT_AHEAD);
	store_close(kit.store);
	pack_key(counters, moment_now() + UINT64_C(86400000000) - 60000000);
	raw_put("meta", SPAN("counters"), span_of(counters, 56));
	kit.store = lmdb_writer();
	cr_assert_eq(kit_apply(&kit, &change), RESULT_OK);
	cr_assert_eq(kit_get(&kit, &change.artifact->id)->created,
	    unpack_key(counters) + 1, "moments rise nevertheless");
	kit_close(&kit);
}

/* Here what has its moment was imported when the clock was ahead. */
/* The store is closed for that, and opened again. */
static uint64_t
last_moment(struct kit *kit)
{
	uint64_t moment;
	struct raw raw;

	store_close(kit->store);
	raw = raw_open("meta");
	moment = unpack_key(raw.value.mv_data);
	raw_close(&raw);
	kit->store = lmdb_writer();
	return moment;
}

Test(store_lmdb, an_import_does_not_raise_the_last_moment)
{
	struct kit kit = lmdb_kit(NULL);
	uint64_t last = kit_put(&kit, SPAN(""))->created;
	struct change change = create_of(&kit, SPAN("x"));

	change.kind = CHANGE_IMPORT;
	change.id = change.artifact->id;
	change.artifact->created = moment_now();
	cr_assert_gt(change.artifact->created, last);
	cr_assert_eq(kit_apply(&kit, &change), RESULT_OK);
	cr_assert_eq(last_moment(&kit), last);
	kit_close(&kit);
}

Test(store_lmdb, a_create_passes_over_what_was_imported)
{
	struct kit kit = lmdb_kit(NULL);
	uint64_t last = moment_now() + UINT64_C(60000000);
	uint8_t counters[56] = { 0 };
	struct change change;
	size_t i;

	counters[15] = 1; /* the next blob */
	pack_key(counters, last);
	for (i = 0; i < 2; i++) {
		store_close(kit.store);
		raw_put("meta", SPAN("counters"), span_of(counters, 56));
		kit.store = lmdb_writer();
		change = create_of(&kit, SPAN(""));
		cr_assert_eq(kit_apply(&kit, &change), RESULT_OK);
		cr_assert_eq(
		    kit_get(&kit, &change.artifact->id)->created, last + 1 + i);
		counters[23]++; /* artifacts */
	}
	/* … and go on from there. */
	change = create_of(&kit, SPAN(""));
	cr_assert_eq(kit_apply(&kit, &change), RESULT_OK);
	cr_assert_eq(kit_get(&kit, &change.artifact->id)->created, last + 3);
	kit_close(&kit);
}

Test(store_lmdb, what_changes_nothing_commits_nothing)
{
	struct kit kit = lmdb_kit(NULL);
	struct artifact *artifact = kit_put(&kit, SPAN("x"));
	struct change again = create_of(&kit, SPAN("x"));
	struct raw raw;
	size_t before, after;

	store_close(kit.store);
	raw = raw_open("meta");
	before = mdb_txn_id(raw.txn);
	raw_close(&raw); /* changes nothing, and takes no number */
	kit.store = lmdb_writer();
	again.artifact->id = artifact->id;
	cr_assert_eq(kit_apply(&kit, &again), RESULT_EXISTS);
	store_close(kit.store);
	raw = raw_open("meta");
	after = mdb_txn_id(raw.txn);
	raw_close(&raw);
	cr_assert_eq(before, after);
	kit.store = lmdb_writer();
	kit_close(&kit);
}

Test(store_lmdb, a_number_outlives_the_writer)
{
	struct kit kit = lmdb_kit(NULL);
	struct change change = create_of(&kit, SPAN("x"));

	change.number = 5;
	cr_assert_eq(kit_apply(&kit, &change), RESULT_OK);
	lmdb_reopen(&kit);
	cr_assert_eq(kit_apply(&kit, &change), RESULT_OK);
	kit_expect_stat(&kit, 1, 1, 0);
	change.number = 4;
	cr_assert_eq(kit_apply(&kit, &change), RESULT_MALFORMED);
	change.number = 6;
	cr_assert_eq(kit_apply(&kit, &change), RESULT_EXISTS);
	kit_close(&kit);
}

Test(store_lmdb, a_blob_far_ahead_is_nobodys)
{
	struct kit kit = lmdb_kit(NULL);
	struct change change = { .kind = CHANGE_STAGE,
		.owner = kit.owner,
		.blob = UINT64_MAX,
		.bytes = SPAN("x") };

	cr_assert_eq(kit_apply(&kit, &change), RESULT_STALE);
	change.blob = 0;
	cr_assert_eq(kit_apply(&kit, &change), RESULT_MALFORMED);
	kit_close(&kit);
}

/* ---- a writer that was killed ---- */

/* The last commit, as lock.mdb tells readers; struct MDB_txbody of 0.9. */
#define LOCK_TXNID (8 + sizeof(pthread_mutex_t))

/* false: it does not say what it should. */
static bool
lower_number(size_t last_txn)
{
	int fd = open(lmdb_path("lock.mdb"), O_RDWR | O_CLOEXEC);
	size_t number = 0;
	bool is_lowered;

	is_lowered =
	    pread(fd, &number, sizeof(number), LOCK_TXNID) == sizeof(number) &&
	    number-- == last_txn &&
	    pwrite(fd, &number, sizeof(number), LOCK_TXNID) == sizeof(number);
	return is_lowered; /* closing would drop the locks of all readers */
}

/* Stage a chunk, and die between its commit and the word of it. */
static void
die_before_the_word(void)
{
	struct store *writer = lmdb_writer();
	struct owner owner = { 1, 2 };
	struct change change = { .kind = CHANGE_STAGE, .owner = owner };
	struct outcome outcome;
	struct view view;

	change.blob = lmdb_new_blob(writer, owner);
	change.bytes = SPAN("content");
	if (store_apply(writer, &change, &outcome) != RESULT_OK ||
	    lmdb_write_begin(lmdb_of(writer), &view) != RESULT_OK)
		_exit(1);
	if (!lower_number(lmdb_of(writer)->last_txn))
		_exit(2);
	_exit(0); /* with the lock that a commit holds */
}

Test(store_lmdb, sees_the_last_commit_of_a_writer_that_was_killed)
{
	struct owner owner = { 3, 4 };
	struct store *reader, *writer;
	uint64_t blob;
	int status;
	pid_t pid;

	store_close(lmdb_writer());
	/* As a worker: as long as it is there lock.mdb is not made anew. */
	cr_assert_eq(
	    store_lmdb_open_reader(lmdb_directory(), lmdb_error, &reader),
	    RESULT_OK);
	pid = fork();
	cr_assert_geq(pid, 0);
	if (pid == 0)
		die_before_the_word();
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert_eq(status, 0);
	pid = fork();
	cr_assert_geq(pid, 0);
	if (pid == 0) {
		writer = lmdb_writer();
		blob = lmdb_new_blob(writer, owner);
		_exit((int)blob);
	}
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert(WIFEXITED(status));
	cr_assert_eq(WEXITSTATUS(status), 2, "blob %d", WEXITSTATUS(status));
	store_close(reader);
	lmdb_remove();
}

/* Nobody died: no other writer finds it better while somebody has it open. */
Test(store_lmdb, a_number_that_somebody_lowered_is_damage)
{
	struct store *reader, *writer;
	int status;
	pid_t pid;

	store_close(lmdb_writer());
	cr_assert_eq(
	    store_lmdb_open_reader(lmdb_directory(), lmdb_error, &reader),
	    RESULT_OK);
	pid = fork();
	cr_assert_geq(pid, 0);
	if (pid == 0) {
		if (!lower_number(2))
			_exit(100);
		_exit((int)lmdb_try(NULL, &writer));
	}
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert(WIFEXITED(status));
	cr_assert_eq(
	    WEXITSTATUS(status), RESULT_DAMAGED, "%d", WEXITSTATUS(status));
	store_close(reader);
	store_close(lmdb_writer());
	lmdb_remove();
}
