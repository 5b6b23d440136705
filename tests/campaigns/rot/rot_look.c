/* SPDX-License-Identifier: ISC */
/* rot_look.c - read all of a damaged store and compare it with the model. */

#include "rot.h"

#include "store/engine.h"

#include <stdio.h>
#include <stdlib.h>

static enum verdict worst = VERDICT_EQUAL;

static void
found(enum verdict verdict)
{
	if (verdict > worst)
		worst = verdict;
}

static struct known *
known_of(const struct id *id)
{
	size_t i;

	for (i = 0; i < MODEL_COUNT; i++)
		if (memcmp(&model[i].id, id, sizeof(*id)) == 0)
			return &model[i];
	return NULL;
}

/* Is it as it was stored at some time, and is that the latest? */
static void
look_at_record(const struct artifact *artifact, struct arena *arena)
{
	const struct known *known = known_of(&artifact->id);
	struct span bytes = model_bytes(artifact, arena);
	size_t i;

	if (span_is(artifact->title, "after"))
		return; /* the writer's: it came later */
	if (known == NULL) {
		found(VERDICT_WRONG);
		return;
	}
	for (i = 0; i < known->count; i++)
		if (bytes.size == known->versions[i].size &&
		    memcmp(bytes.data, known->versions[i].bytes, bytes.size) ==
			0)
			break;
	if (i == known->count)
		found(VERDICT_WRONG);
	else if (i + 1 != known->count || known->is_deleted)
		found(VERDICT_MISSING);
}

static void
look_at_content(
    struct store *store, const struct content *content, struct arena *arena)
{
	char *piece = arena_alloc(arena, LIMIT_CHUNK);
	uint8_t hash[DIGEST_SHA256_SIZE];
	struct digest digest;
	uint64_t offset = 0;
	enum result result;
	size_t size;

	digest_begin(&digest);
	while (offset < content->size) {
		result = store_read(
		    store, content, offset, piece, LIMIT_CHUNK, &size);
		if (result != RESULT_OK) {
			/* Not there: the service says 500 for both. */
			found(VERDICT_TOLD);
			return;
		}
		digest_add(&digest, span_of(piece, size));
		offset += size;
	}
	digest_end(&digest, hash);
	if (memcmp(hash, content->hash, sizeof(hash)) != 0)
		found(VERDICT_WRONG);
}

static void
look_by_id(struct store *store, struct arena *arena)
{
	struct artifact *artifact;
	enum result result;
	size_t i;

	for (i = 0; i < MODEL_COUNT; i++) {
		result = store_get(store, &model[i].id, arena, &artifact);
		if (result == RESULT_OK) {
			look_at_record(artifact, arena);
			look_at_content(store, &artifact->content, arena);
			if (memcmp(&artifact->id, &model[i].id, 16) != 0)
				found(VERDICT_WRONG);
		} else if (result != RESULT_NOT_FOUND) {
			found(VERDICT_TOLD);
		} else if (!model[i].is_deleted) {
			found(VERDICT_MISSING);
		}
		arena_reset(arena);
	}
}

/* A list in pages of seven: in order, nothing twice, all that is there. */
static void
look_by_list(
    struct store *store, const struct filter *filter, struct arena *arena)
{
	struct position position = { 0 };
	uint64_t before = UINT64_MAX;
	size_t i, total = 0, wanted = 0;
	struct page page;

	do {
		if (store_list(store, filter, &position, 7, arena, &page) !=
		    RESULT_OK) {
			found(VERDICT_TOLD);
			return;
		}
		for (i = 0; i < page.count; i++) {
			look_at_record(page.artifacts[i], arena);
			if (page.artifacts[i]->created >= before)
				found(VERDICT_WRONG);
			if (filter->workflow.size != 0 &&
			    !span_equal(
				page.artifacts[i]->workflow, filter->workflow))
				found(VERDICT_WRONG);
			before = page.artifacts[i]->created;
		}
		total += page.count;
		position = page.next;
		arena_reset(arena);
	} while (page.has_more && total < 10 * (size_t)MODEL_COUNT);
	for (i = 0; i < MODEL_COUNT; i++)
		wanted += !model[i].is_deleted &&
			  (filter->workflow.size == 0 || i % 3 == 0);
	if (total != wanted)
		found(VERDICT_MISSING);
}

static struct store *
open_store(bool is_writer)
{
	struct store_lmdb_options options = { .directory = model_directory };
	struct store *store = NULL;
	enum result result;
	char error[256];

	if (is_writer)
		result = store_lmdb_open_writer(&options, error, &store);
	else
		result = store_lmdb_open_reader(model_directory, error, &store);
	return result == RESULT_OK ? store : NULL;
}

enum verdict
look_by_reading(void)
{
	struct filter all = { .session = SPAN_NONE };
	struct filter some = { .workflow = SPAN("workflow-0") };
	struct arena *arena = arena_open();
	struct store *store = open_store(false);

	if (store == NULL)
		return VERDICT_TOLD;
	look_by_id(store, arena);
	look_by_list(store, &all, arena);
	look_by_list(store, &some, arena);
	return worst;
}

static void
ignore_problem(void *object, const struct store_problem *problem)
{
	(void)object;
	if (getenv("ROT_LOUD") != NULL)
		printf("# %s\n", problem->line);
}

/* VERDICT_EQUAL: the check found nothing. */
enum verdict
look_by_check(void)
{
	struct store *store = open_store(false);
	struct store_check check = { .is_deep = true,
		.report = ignore_problem };

	if (store == NULL)
		return VERDICT_TOLD;
	if (store_lmdb_check(store, &check) != RESULT_OK)
		return VERDICT_TOLD;
	return check.problems == 0 ? VERDICT_EQUAL : VERDICT_TOLD;
}

enum verdict
act_as_writer(void)
{
	struct arena *arena = arena_open();
	struct store *store = open_store(true);
	unsigned round;
	size_t i;

	if (store == NULL)
		return VERDICT_TOLD;
	/* What fails here ends the process, as it would the writer. */
	for (i = 0; i < 8; i++) {
		model[0].id = id_random();
		model_change(store, arena, 0, 10);
	}
	for (round = 11; round <= 13; round++)
		for (i = 0; i < MODEL_COUNT; i += 9)
			if (!model[i + 1].is_deleted)
				model_change(store, arena, i + 1, round);
	return VERDICT_EQUAL;
}
