/* SPDX-License-Identifier: ISC */
/* replay_model.c - what clients asked the writer, what it acknowledged, and
 * whether a store has that. */

#include "replay.h"

#include "base/pack.h"
#include "store/engine.h"
#include "store/lmdb/lmdb.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#define NEVER SIZE_MAX

/* One change, from the message that asked for it to its answer. */
struct asked {
	struct change *change;
	uint64_t fd, number;
	size_t received, answered;
	enum result result;
};

/* What an artifact looks like. */
struct look {
	bool is_there;
	struct span title;
	const uint8_t *hash;
};

struct call *calls;
size_t call_count;
static struct asked *asked;
static size_t asked_count;
/* The call that ended the making of the store: it is there for good then. */
static size_t made_at = NEVER;
static struct arena *arena;

/* ---- the recording ---- */

static struct span
slurp(const char *path)
{
	struct span bytes;
	FILE *file = fopen(path, "rb");
	char *room;

	if (file == NULL || fseek(file, 0, SEEK_END) != 0) {
		perror(path);
		exit(2);
	}
	bytes.size = (size_t)ftell(file);
	rewind(file);
	room = malloc(bytes.size + 1);
	if (fread(room, 1, bytes.size, file) != bytes.size) {
		perror(path);
		exit(2);
	}
	(void)fclose(file);
	bytes.data = room;
	return bytes;
}

static void
load_calls(struct span bytes)
{
	struct call *call;

	calls = calloc(bytes.size / sizeof(struct record) + 1, sizeof(*calls));
	while (bytes.size >= sizeof(struct record)) {
		call = &calls[call_count++];
		memcpy(&call->record, bytes.data, sizeof(call->record));
		bytes = span_from(bytes, sizeof(call->record));
		call->bytes = bytes.data;
		bytes = span_from(bytes, call->record.size);
	}
}

/* The directory is synced behind the name that comes last. */
static void
find_made(void)
{
	bool is_named = false;
	size_t i;

	for (i = 0; i < call_count && made_at == NEVER; i++) {
		is_named |= calls[i].record.op == RECORD_RENAME;
		if (is_named && calls[i].record.op == RECORD_SYNC &&
		    calls[i].record.file == RECORD_DIRECTORY)
			made_at = i;
	}
}

static void
hear(size_t at, struct unpack *message)
{
	struct change *change;

	if (unpack_u8(message) != 2 /* WIRE_CHANGE */ ||
	    change_decode(message->rest, arena, &change) != RESULT_OK ||
	    change->kind > CHANGE_DELETE)
		return;
	if (change->kind == CHANGE_CREATE)
		change->id = change->artifact->id;
	asked[asked_count++] = (struct asked){ change, calls[at].record.offset,
		change->number, at, NEVER, RESULT_OK };
}

static void
answer(size_t at, struct unpack *message)
{
	uint64_t number;
	size_t i;

	if (unpack_u8(message) != 4 /* WIRE_ANSWER */)
		return;
	number = unpack_u64(message);
	for (i = 0; i < asked_count; i++)
		if (asked[i].answered == NEVER &&
		    asked[i].fd == calls[at].record.offset &&
		    asked[i].number == number) {
			asked[i].answered = at;
			asked[i].result = (enum result)unpack_u8(message);
		}
}

void
model_load(const char *path)
{
	struct unpack message;
	size_t i;

	if (!digest_init())
		exit(2);
	arena = arena_open();
	load_calls(slurp(path));
	find_made();
	asked = calloc(call_count + 1, sizeof(*asked));
	for (i = 0; i < call_count; i++) {
		message = (struct unpack){ .rest = span_of(calls[i].bytes,
					       calls[i].record.size) };
		if (calls[i].record.op == RECORD_RECEIVED)
			hear(i, &message);
		else if (calls[i].record.op == RECORD_ANSWERED)
			answer(i, &message);
	}
}

/* ---- a store against it ---- */

static void
step(struct look *look, const struct change *change)
{
	switch (change->kind) {
	case CHANGE_CREATE:
		look->is_there = true;
		look->title = change->artifact->title;
		look->hash = change->artifact->content.hash;
		break;
	case CHANGE_UPDATE:
		look->title = change->artifact->title;
		break;
	case CHANGE_CONTENT:
		look->hash = change->artifact->content.hash;
		break;
	default:
		look->is_there = false;
		break;
	}
}

static bool
is_so(const struct look *look, const struct artifact *artifact)
{
	if (artifact == NULL || !look->is_there)
		return artifact == NULL && !look->is_there;
	return span_equal(look->title, artifact->title) &&
	       memcmp(look->hash, artifact->content.hash, DIGEST_SHA256_SIZE) ==
		   0;
}

/* Is the artifact as after one of the changes from the last that was
 * promised to the last that was asked for? */
static bool
is_possible(const struct id *id, const struct artifact *artifact, size_t cut)
{
	struct look look = { .is_there = false };
	bool is_possible = is_so(&look, artifact);
	size_t i;

	for (i = 0; i < asked_count && asked[i].received < cut; i++) {
		if (memcmp(&asked[i].change->id, id, sizeof(*id)) != 0 ||
		    (asked[i].answered != NEVER &&
			asked[i].result != RESULT_OK))
			continue;
		step(&look, asked[i].change);
		if (asked[i].answered < cut)
			is_possible = is_so(&look, artifact);
		else
			is_possible |= is_so(&look, artifact);
	}
	return is_possible;
}

static char problem[512];

static const char *
check_artifacts(struct store *store, size_t cut)
{
	struct artifact *artifact;
	struct store_stat stat;
	uint64_t there = 0;
	enum result result;
	size_t i;

	for (i = 0; i < asked_count && asked[i].received < cut; i++) {
		if (asked[i].change->kind != CHANGE_CREATE)
			continue;
		result =
		    store_get(store, &asked[i].change->id, arena, &artifact);
		if (result == RESULT_NOT_FOUND)
			artifact = NULL;
		else if (result != RESULT_OK)
			return result_text(result);
		there += artifact != NULL;
		if (!is_possible(&asked[i].change->id, artifact, cut))
			return artifact == NULL
				   ? "an artifact that was promised is lost"
				   : "an artifact is not as promised";
	}
	if (store_stat(store, &stat) != RESULT_OK || stat.artifacts != there)
		return "there is more than was asked for";
	return NULL;
}

static void
keep_problem(void *object, const struct store_problem *found)
{
	(void)object;
	(void)snprintf(problem, sizeof(problem), "%s", found->line);
}

const char *
model_check(const char *directory, size_t cut)
{
	struct store_lmdb_options options = { .directory = directory,
		.map_size = UINT64_C(64) << 20,
		.may_create = cut <= made_at };
	struct store *store;
	struct store_check check = { .is_deep = true, .report = keep_problem };
	char error[256];

	/* What init does again; once it was through, nobody has to. */
	if (options.may_create)
		(void)mkdir(directory, 0700); /* it may be there */
	if (store_lmdb_open_writer(&options, error, &store) != RESULT_OK) {
		(void)snprintf(problem, sizeof(problem), "%s", error);
		return problem;
	}
	if (store_lmdb_check(store, &check) != RESULT_OK)
		return store_reason(store);
	return check.problems > 0 ? problem : check_artifacts(store, cut);
}
