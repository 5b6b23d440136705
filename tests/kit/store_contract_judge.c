/* SPDX-License-Identifier: ISC */
/*
 * store_contract_judge.c - tests for engines that check changes themselves:
 * repeats, owners, chunks, many changes at once.
 */

#include "store_contract.h"

#include "store/engine.h"
#include "store_kit.h"

#include <criterion/criterion.h>

static struct change
numbered(struct kit *kit, enum change_kind kind, struct artifact *artifact,
    uint64_t number)
{
	return (struct change){
		.kind = kind,
		.number = number,
		.owner = kit->owner,
		.id = artifact->id,
		.artifact = kind == CHANGE_DELETE ? NULL : artifact,
	};
}

/* ---- exactly once ---- */

void
contract_a_numbered_change_happens_once(const struct subject *subject)
{
	struct kit kit = kit_open(subject, 0);
	struct artifact *artifact = kit_artifact(&kit);
	uint8_t etags[1][ETAG_SIZE];
	struct change change;

	change = numbered(&kit, CHANGE_CREATE, artifact, 5);
	change.bytes = SPAN("hello");
	artifact->content.size = 5;
	cr_assert_eq(kit_apply(&kit, &change), RESULT_OK);
	cr_assert_eq(kit_apply(&kit, &change), RESULT_OK);
	kit_expect_stat(&kit, 1, 5, 0);

	change = numbered(&kit, CHANGE_UPDATE, artifact, 6);
	artifact_etag(kit_get(&kit, &artifact->id), kit.arena, etags[0]);
	artifact->title = SPAN("new");
	change.patch = PATCH_TITLE;
	change.if_match.is_there = true;
	change.if_match.etags = etags;
	change.if_match.etag_count = 1;
	cr_assert_eq(kit_apply(&kit, &change), RESULT_OK);
	cr_assert_eq(kit_apply(&kit, &change), RESULT_OK);

	change = numbered(&kit, CHANGE_CONTENT, artifact, 7);
	change.bytes = SPAN("again!");
	artifact->content.size = 6;
	cr_assert_eq(kit_apply(&kit, &change), RESULT_OK);
	artifact_etag(kit_get(&kit, &artifact->id), kit.arena, etags[0]);
	cr_assert_eq(kit_apply(&kit, &change), RESULT_OK);
	change = numbered(&kit, CHANGE_DELETE, artifact, 9);
	change.if_match.is_there = true;
	change.if_match.etags = etags;
	change.if_match.etag_count = 1;
	cr_assert_eq(kit_apply(&kit, &change), RESULT_OK);
	cr_assert_eq(kit_apply(&kit, &change), RESULT_OK);
	kit_expect_stat(&kit, 0, 0, 0);
	kit_close(&kit);
}

void
contract_a_number_belongs_to_its_incarnation(const struct subject *subject)
{
	struct kit kit = kit_open(subject, 0);
	struct artifact *one = kit_artifact(&kit);
	struct artifact *other = kit_artifact(&kit);
	struct change first = numbered(&kit, CHANGE_CREATE, one, 1);
	struct change second = numbered(&kit, CHANGE_CREATE, other, 1);
	struct change gone = numbered(&kit, CHANGE_DELETE, one, 1);

	first.bytes = second.bytes = SPAN("");
	second.owner.incarnation = 78;
	gone.owner.incarnation = 79;
	cr_assert_eq(kit_apply(&kit, &first), RESULT_OK);
	cr_assert_eq(kit_apply(&kit, &second), RESULT_OK);
	cr_assert_eq(kit_apply(&kit, &gone), RESULT_OK);
	/* A repeat brings nothing back, whatever others did meanwhile, and
	 * in whatever request it is sent. */
	first.owner.request++;
	cr_assert_eq(kit_apply(&kit, &first), RESULT_OK);
	cr_assert_eq(kit_apply(&kit, &second), RESULT_OK);
	kit_expect_stat(&kit, 1, 0, 0);
	kit_close(&kit);
}

void
contract_a_change_without_number_is_never_a_repeat(
    const struct subject *subject)
{
	struct kit kit = kit_open(subject, 0);
	struct artifact *artifact = kit_artifact(&kit);
	struct change change = numbered(&kit, CHANGE_CREATE, artifact, 0);

	change.bytes = SPAN("");
	cr_assert_eq(kit_apply(&kit, &change), RESULT_OK);
	cr_assert_eq(kit_apply(&kit, &change), RESULT_EXISTS);
	kit_close(&kit);
}

void
contract_many_changes_see_each_other(const struct subject *subject)
{
	enum {
		FIRST,
		REPEAT,
		TAKEN,
		TITLE,
		MISSING,
		SECOND,
		GONE,
		AGAIN,
		LAST,
		LATE,
		ALL
	};
	static const enum result expected[ALL] = {
		[TAKEN] = RESULT_EXISTS,
		[MISSING] = RESULT_NOT_FOUND,
		[AGAIN] = RESULT_NOT_FOUND,
	};
	struct kit kit = kit_open(subject, 0);
	struct artifact *one = kit_artifact(&kit);
	struct artifact *other = kit_artifact(&kit);
	struct outcome outcomes[ALL];
	struct change changes[ALL];
	struct change *list[ALL];
	size_t i;

	changes[FIRST] = numbered(&kit, CHANGE_CREATE, one, 0);
	changes[FIRST].has_key = true;
	changes[REPEAT] = numbered(&kit, CHANGE_CREATE, other, 0);
	changes[REPEAT].has_key = true;
	changes[TAKEN] = numbered(&kit, CHANGE_CREATE, one, 0);
	changes[TITLE] = numbered(&kit, CHANGE_UPDATE, one, 0);
	changes[TITLE].patch = PATCH_TITLE;
	changes[MISSING] = numbered(&kit, CHANGE_DELETE, other, 0);
	changes[SECOND] = numbered(&kit, CHANGE_CREATE, other, 0);
	changes[GONE] = numbered(&kit, CHANGE_DELETE, other, 0);
	changes[AGAIN] = numbered(&kit, CHANGE_DELETE, other, 0);
	changes[LAST] = numbered(&kit, CHANGE_DELETE, one, 0);
	changes[LATE] = numbered(&kit, CHANGE_CREATE, other, 0);
	changes[LATE].has_key = true;
	for (i = 0; i < ALL; i++)
		list[i] = &changes[i];
	store_apply_many(kit.store, list, ALL, outcomes);
	for (i = 0; i < ALL; i++)
		cr_assert_eq(outcomes[i].result, expected[i], "%zu", i);
	cr_assert_arr_eq(outcomes[FIRST].id.bytes, one->id.bytes, 16);
	cr_assert_arr_eq(outcomes[REPEAT].id.bytes, one->id.bytes, 16);
	cr_assert_arr_eq(outcomes[SECOND].id.bytes, other->id.bytes, 16);
	cr_assert_arr_eq(outcomes[LATE].id.bytes, one->id.bytes, 16);
	for (i = 0; i < ALL; i++)
		cr_assert_eq(outcomes[i].is_deleted, i == LATE, "%zu", i);
	kit_expect_stat(&kit, 0, 0, 0);
	kit_close(&kit);
}

/* Faster than the clock counts. */
void
contract_creates_at_once_have_moments_of_their_own(
    const struct subject *subject)
{
	enum { BATCH = 200 };
	struct kit kit = kit_open(subject, 0);
	struct change changes[BATCH];
	struct change *list[BATCH];
	struct outcome outcomes[BATCH];
	uint64_t created, last = 0;
	size_t i;

	for (i = 0; i < BATCH; i++) {
		changes[i] =
		    numbered(&kit, CHANGE_CREATE, kit_artifact(&kit), 0);
		list[i] = &changes[i];
	}
	store_apply_many(kit.store, list, BATCH, outcomes);
	for (i = 0; i < BATCH; i++) {
		cr_assert_eq(outcomes[i].result, RESULT_OK);
		created = kit_get(&kit, &changes[i].id)->created;
		cr_assert_gt(created, last);
		last = created;
	}
	kit_close(&kit);
}

/* In one batch too: nothing else tells it from the first content. */
void
contract_new_content_is_younger_than_its_artifact(const struct subject *subject)
{
	struct kit kit = kit_open(subject, 0);
	struct artifact *artifact = kit_artifact(&kit);
	struct change changes[] = {
		numbered(&kit, CHANGE_CREATE, kit_artifact(&kit), 0),
		numbered(&kit, CHANGE_CREATE, artifact, 0),
		numbered(&kit, CHANGE_CONTENT, artifact, 0),
	};
	struct change *list[] = { &changes[0], &changes[1], &changes[2] };
	struct outcome outcomes[3];
	struct artifact *read;

	store_apply_many(kit.store, list, 3, outcomes);
	cr_assert_eq(outcomes[2].result, RESULT_OK);
	read = kit_get(&kit, &artifact->id);
	cr_assert_gt(read->content.stored, read->created);
	cr_assert_eq(kit_get(&kit, &changes[0].id)->content.stored,
	    kit_get(&kit, &changes[0].id)->created);
	kit_close(&kit);
}

/* ---- staging by hand ---- */

static struct staging
begin(struct kit *kit)
{
	struct staging staging = { .owner = kit->owner };

	cr_assert_eq(store_stage_begin(kit->store, &staging), RESULT_OK);
	cr_assert_neq(staging.blob, 0);
	return staging;
}

static enum result
stage(struct kit *kit, struct owner owner, uint64_t blob, uint32_t chunk,
    struct span bytes)
{
	struct change change = {
		.kind = CHANGE_STAGE,
		.owner = owner,
		.blob = blob,
		.chunk = chunk,
		.bytes = bytes,
	};

	return kit_apply(kit, &change);
}

/* Let a new artifact name a blob. */
static enum result
name(struct kit *kit, struct owner owner, uint64_t blob, uint64_t size,
    struct id *ret_id)
{
	struct artifact *artifact = kit_artifact(kit);
	struct change change = {
		.kind = CHANGE_CREATE,
		.owner = owner,
		.id = artifact->id,
		.artifact = artifact,
	};

	artifact->content.blob = blob;
	artifact->content.size = size;
	*ret_id = artifact->id;
	return kit_apply(kit, &change);
}

static void
drop(struct kit *kit, struct owner owner, uint64_t blob)
{
	struct change change = {
		.kind = CHANGE_DROP,
		.owner = owner,
		.blob = blob,
	};

	/* Which answer does not matter: nobody waits for it. */
	(void)kit_apply(kit, &change);
}

void
contract_chunks_are_taken_in_order(const struct subject *subject)
{
	struct kit kit = kit_open(subject, 0);
	struct span bytes = kit_bytes(&kit, 2 * LIMIT_CHUNK + 9, 1);
	struct span first = { bytes.data, LIMIT_CHUNK };
	struct span second = { bytes.data + LIMIT_CHUNK, LIMIT_CHUNK };
	struct span third = { bytes.data + 2 * LIMIT_CHUNK, 9 };
	uint64_t blob = begin(&kit).blob;
	struct artifact *artifact;
	struct id id;

	cr_assert_eq(
	    stage(&kit, kit.owner, blob, 1, second), RESULT_STALE, "a gap");
	cr_assert_eq(stage(&kit, kit.owner, blob, 0, first), RESULT_OK);
	cr_assert_eq(
	    stage(&kit, kit.owner, blob, 2, third), RESULT_STALE, "a gap");
	cr_assert_eq(stage(&kit, kit.owner, blob, 0, first), RESULT_OK);
	kit_expect_stat(&kit, 0, 0, LIMIT_CHUNK);
	cr_assert_eq(stage(&kit, kit.owner, blob, 1, second), RESULT_OK);
	cr_assert_eq(stage(&kit, kit.owner, blob, 2, third), RESULT_OK);
	cr_assert_eq(stage(&kit, kit.owner, blob, 0, first), RESULT_OK);
	cr_assert_eq(stage(&kit, kit.owner, blob, 2, third), RESULT_OK);
	kit_expect_stat(&kit, 0, 0, bytes.size);
	cr_assert_eq(name(&kit, kit.owner, blob, bytes.size, &id), RESULT_OK);
	kit_expect_stat(&kit, 1, bytes.size, 0);
	artifact = kit_get(&kit, &id);
	kit_expect_content(&kit, &artifact->content, bytes);
	kit_close(&kit);
}

void
contract_a_blob_belongs_to_its_owner(const struct subject *subject)
{
	static const struct owner others[] = { { 77, 2 }, { 78, 1 }, { 0, 0 } };
	struct kit kit = kit_open(subject, 0);
	struct span bytes = kit_bytes(&kit, LIMIT_CHUNK, 1);
	uint64_t blob = begin(&kit).blob;
	struct id id;
	size_t i;

	cr_assert_eq(stage(&kit, kit.owner, blob, 0, bytes), RESULT_OK);
	for (i = 0; i < sizeof(others) / sizeof(*others); i++) {
		cr_assert_eq(
		    stage(&kit, others[i], blob, 1, bytes), RESULT_STALE);
		cr_assert_eq(
		    stage(&kit, others[i], blob, 0, bytes), RESULT_STALE);
		cr_assert_eq(
		    name(&kit, others[i], blob, bytes.size, &id), RESULT_STALE);
		drop(&kit, others[i], blob);
		kit_expect_stat(&kit, 0, 0, bytes.size);
	}
	cr_assert_eq(name(&kit, kit.owner, blob, bytes.size, &id), RESULT_OK);
	kit_close(&kit);
}

void
contract_a_blob_is_named_once_and_whole(const struct subject *subject)
{
	struct kit kit = kit_open(subject, 0);
	struct span bytes = kit_bytes(&kit, LIMIT_CHUNK, 1);
	uint64_t blob = begin(&kit).blob;
	struct artifact *artifact;
	struct id id, again;

	cr_assert_eq(name(&kit, kit.owner, blob, 5, &id), RESULT_STALE,
	    "nothing was staged");
	cr_assert_eq(name(&kit, kit.owner, blob + 1000, 5, &id), RESULT_STALE,
	    "nobody has it");
	cr_assert_eq(stage(&kit, kit.owner, blob, 0, bytes), RESULT_OK);
	cr_assert_eq(name(&kit, kit.owner, blob, LIMIT_CHUNK + 1, &id),
	    RESULT_STALE, "a chunk is missing");
	cr_assert_eq(name(&kit, kit.owner, blob, LIMIT_CHUNK, &id), RESULT_OK);
	/* From now on nothing touches it. */
	cr_assert_eq(
	    name(&kit, kit.owner, blob, LIMIT_CHUNK, &again), RESULT_STALE);
	cr_assert_eq(stage(&kit, kit.owner, blob, 1, bytes), RESULT_STALE);
	drop(&kit, kit.owner, blob);
	artifact = kit_get(&kit, &id);
	kit_expect_content(&kit, &artifact->content, bytes);
	kit_expect_stat(&kit, 1, LIMIT_CHUNK, 0);
	kit_close(&kit);
}

void
contract_a_dropped_upload_frees_its_bytes(const struct subject *subject)
{
	struct kit kit = kit_open(subject, 4 * LIMIT_CHUNK);
	struct span bytes = kit_bytes(&kit, 3 * LIMIT_CHUNK, 1);
	struct change change = { .kind = CHANGE_CREATE, .owner = kit.owner };
	struct upload *upload;
	uint64_t blob;

	/* Finished, and half way. */
	change.artifact = kit_artifact(&kit);
	cr_assert_eq(kit_upload(&kit, &change, bytes, &upload), RESULT_OK);
	kit_expect_stat(&kit, 0, 0, bytes.size);
	upload_drop(upload);
	kit_expect_stat(&kit, 0, 0, 0);
	blob = begin(&kit).blob;
	bytes.size = LIMIT_CHUNK;
	cr_assert_eq(stage(&kit, kit.owner, blob, 0, bytes), RESULT_OK);
	drop(&kit, kit.owner, blob);
	kit_expect_stat(&kit, 0, 0, 0);
	cr_assert_eq(stage(&kit, kit.owner, blob, 1, bytes), RESULT_STALE);
	/* Uploads refused on the way leave nothing behind. */
	bytes = kit_bytes(&kit, 5 * LIMIT_CHUNK, 2);
	cr_assert_eq(kit_create(&kit, change.artifact, bytes), RESULT_QUOTA);
	kit_expect_stat(&kit, 0, 0, 0);
	bytes.size = 4 * LIMIT_CHUNK;
	cr_assert_eq(kit_create(&kit, change.artifact, bytes), RESULT_OK);
	kit_expect_stat(&kit, 1, bytes.size, 0);
	kit_close(&kit);
}
