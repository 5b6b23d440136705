/* SPDX-License-Identifier: ISC */
/* store_contract.c - tests of records and their changes, for every engine. */

#include "store_contract.h"

#include "store_kit.h"

#include <criterion/criterion.h>

#define ID_ONE "11111111-2222-4333-8444-555555555555"
#define ID_OTHER "AAAAAAAA-bbbb-4ccc-9ddd-eeeeeeeeeeee"

static struct span two_ids[] = {
	{ ID_ONE, ID_TEXT },
	{ ID_OTHER, ID_TEXT },
};

/* Nothing left at its default. */
static struct artifact *
rich_artifact(struct kit *kit)
{
	struct artifact *artifact = kit_artifact(kit);

	artifact->workflow = SPAN("w\0\xc3\xa9");
	artifact->phase = SPAN("");
	artifact->session = kit_bytes(kit, LIMIT_SESSION, 1);
	artifact->title = kit_bytes(kit, LIMIT_TITLE, 2);
	artifact->creator = SPAN("ada");
	artifact->is_primary = false;
	artifact->metadata = kit_bytes(kit, LIMIT_METADATA, 3);
	artifact->derived_from = two_ids;
	artifact->derived_count = 2;
	artifact->content.filename = SPAN("\"f\".txt");
	return artifact;
}

void
contract_gives_back_every_member(const struct subject *subject)
{
	struct kit kit = kit_open(subject, 0);
	struct artifact *artifact = rich_artifact(&kit);
	struct artifact *plain = kit_artifact(&kit);
	uint64_t before = moment_now();
	struct artifact *read;

	cr_assert_eq(kit_create(&kit, artifact, SPAN("hello")), RESULT_OK);
	cr_assert_eq(kit_create(&kit, plain, SPAN("")), RESULT_OK);
	read = kit_get(&kit, &artifact->id);
	kit_expect_same(read, artifact);
	cr_assert_geq(read->created, before);
	cr_assert_geq(read->content.stored, before);
	kit_expect_content(&kit, &read->content, SPAN("hello"));
	kit_expect_same(kit_get(&kit, &plain->id), plain);
	kit_close(&kit);
}

void
contract_says_when_there_is_no_such_artifact(const struct subject *subject)
{
	struct kit kit = kit_open(subject, 0);
	struct artifact *read = NULL;
	struct id id = id_random();

	cr_assert_eq(
	    store_get(kit.store, &id, kit.arena, &read), RESULT_NOT_FOUND);
	(void)kit_put(&kit, SPAN("x"));
	cr_assert_eq(
	    store_get(kit.store, &id, kit.arena, &read), RESULT_NOT_FOUND);
	cr_assert_null(read);
	kit_close(&kit);
}

void
contract_refuses_an_id_that_is_taken(const struct subject *subject)
{
	struct kit kit = kit_open(subject, 0);
	struct artifact *first = kit_put(&kit, SPAN("first"));
	struct artifact *second = kit_artifact(&kit);
	struct artifact *read;

	second->id = first->id;
	second->title = SPAN("second");
	cr_assert_eq(kit_create(&kit, second, SPAN("second")), RESULT_EXISTS);
	read = kit_get(&kit, &first->id);
	kit_expect_same(read, first);
	kit_expect_content(&kit, &read->content, SPAN("first"));
	kit_expect_stat(&kit, 1, 5, 0);
	kit_close(&kit);
}

void
contract_moments_are_unique_and_rise(const struct subject *subject)
{
	struct kit kit = kit_open(subject, 0);
	uint64_t last = 0;
	uint64_t created;
	int i;

	for (i = 0; i < 100; i++) {
		created = kit_put(&kit, SPAN(""))->created;
		cr_assert_gt(created, last);
		last = created;
	}
	kit_close(&kit);
}

static enum result
update(struct kit *kit, const struct id *id, struct artifact *artifact,
    unsigned patch)
{
	struct change change = {
		.kind = CHANGE_UPDATE,
		.owner = kit->owner,
		.id = *id,
		.artifact = artifact,
		.patch = patch,
	};

	return kit_apply(kit, &change);
}

/* What each bit is to do, done by hand. */
static void
patch_by_hand(
    struct artifact *artifact, const struct artifact *source, unsigned patch)
{
	if (patch & PATCH_TITLE)
		artifact->title = source->title;
	if (patch & PATCH_METADATA)
		artifact->metadata = source->metadata;
	if (patch & PATCH_PRIMARY)
		artifact->is_primary = source->is_primary;
	if (patch & PATCH_DERIVED) {
		artifact->derived_from = source->derived_from;
		artifact->derived_count = source->derived_count;
	}
}

void
contract_an_update_sets_what_the_patch_names(const struct subject *subject)
{
	struct kit kit = kit_open(subject, 0);
	struct artifact source = {
		.title = SPAN("new title"),
		.metadata = SPAN("{\"new\":1}"),
		.derived_from = two_ids,
		.derived_count = 2,
		/* Members that no patch names must stay what they are. */
		.workflow = SPAN("not this"),
		.content.size = 99,
	};
	struct artifact *expected, *read;
	unsigned patch;

	for (patch = 0; patch < 16; patch++) {
		expected = kit_put(&kit, SPAN("bytes"));
		cr_assert_eq(
		    update(&kit, &expected->id, &source, patch), RESULT_OK);
		patch_by_hand(expected, &source, patch);
		read = kit_get(&kit, &expected->id);
		kit_expect_same(read, expected);
		cr_assert_eq(read->created, expected->created);
		cr_assert_eq(read->content.stored, expected->content.stored);
		kit_expect_content(&kit, &read->content, SPAN("bytes"));
	}
	source.id = id_random();
	cr_assert_eq(
	    update(&kit, &source.id, &source, PATCH_TITLE), RESULT_NOT_FOUND);
	kit_close(&kit);
}

void
contract_new_content_replaces_all_of_the_old(const struct subject *subject)
{
	static const size_t sizes[] = { 0, 3, LIMIT_CHUNK + 7, 0, 1 };
	struct kit kit = kit_open(subject, 0);
	struct artifact *artifact = rich_artifact(&kit);
	struct id id = id_random();
	struct artifact *read;
	struct span bytes;
	size_t i;

	cr_assert_eq(kit_create(&kit, artifact, SPAN("old")), RESULT_OK);
	for (i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		uint64_t before = moment_now();

		bytes = kit_bytes(&kit, sizes[i], i);
		cr_assert_eq(
		    kit_content(&kit, &artifact->id, SPAN("image/png"), bytes),
		    RESULT_OK);
		read = kit_get(&kit, &artifact->id);
		kit_expect_content(&kit, &read->content, bytes);
		cr_assert_geq(read->content.stored, before);
		cr_assert(span_is(read->content.type, "image/png"));
		cr_assert_null(read->content.filename.data);
		artifact->content = read->content;
		kit_expect_same(read, artifact);
	}
	cr_assert_eq(
	    kit_content(&kit, &id, SPAN("a/b"), SPAN("x")), RESULT_NOT_FOUND);
	kit_close(&kit);
}

void
contract_a_deleted_artifact_is_gone(const struct subject *subject)
{
	struct kit kit = kit_open(subject, 0);
	struct artifact *artifact = kit_put(&kit, SPAN("x"));
	struct artifact *other = kit_put(&kit, SPAN("y"));
	struct filter filter = { 0 };
	struct position position = { 0 };
	struct artifact *read = NULL;
	struct page page;

	cr_assert_eq(kit_delete(&kit, &artifact->id), RESULT_OK);
	cr_assert_eq(store_get(kit.store, &artifact->id, kit.arena, &read),
	    RESULT_NOT_FOUND);
	cr_assert_eq(kit_delete(&kit, &artifact->id), RESULT_NOT_FOUND);
	cr_assert_eq(
	    store_list(kit.store, &filter, &position, 10, kit.arena, &page),
	    RESULT_OK);
	cr_assert_eq(page.count, 1);
	kit_expect_same(page.artifacts[0], other);
	/* Its id is free again. */
	artifact = kit_artifact(&kit);
	artifact->title = SPAN("again");
	cr_assert_eq(kit_create(&kit, artifact, SPAN("z")), RESULT_OK);
	kit_expect_same(kit_get(&kit, &artifact->id), artifact);
	kit_close(&kit);
}

/* ---- If-Match ---- */

static const enum change_kind altering[] = {
	CHANGE_UPDATE,
	CHANGE_CONTENT,
	CHANGE_DELETE,
};

static struct change
altering_change(struct kit *kit, enum change_kind kind, const struct id *id)
{
	struct artifact *artifact = kit_artifact(kit);
	struct change change = {
		.kind = kind,
		.owner = kit->owner,
		.id = *id,
		.patch = kind == CHANGE_UPDATE ? PATCH_TITLE : 0,
		.if_match.is_there = true,
	};

	artifact->title = SPAN("changed");
	if (kind != CHANGE_DELETE)
		change.artifact = artifact;
	return change;
}

void
contract_if_match_lets_only_the_present_state_pass(
    const struct subject *subject)
{
	struct kit kit = kit_open(subject, 0);
	uint8_t etags[3][ETAG_SIZE] = { { 0 } };
	struct artifact *artifact;
	struct change change;
	size_t i;

	for (i = 0; i < sizeof(altering) / sizeof(*altering); i++) {
		artifact = kit_put(&kit, SPAN("x"));
		change = altering_change(&kit, altering[i], &artifact->id);
		/* None, two wrong ones, then the right one as the third. */
		cr_assert_eq(kit_apply(&kit, &change), RESULT_PRECONDITION);
		artifact_etag(artifact, kit.arena, etags[0]);
		etags[0][ETAG_SIZE - 1] ^= 1;
		change.if_match.etags = etags;
		change.if_match.etag_count = 2;
		cr_assert_eq(kit_apply(&kit, &change), RESULT_PRECONDITION);
		kit_expect_same(kit_get(&kit, &artifact->id), artifact);
		artifact_etag(artifact, kit.arena, etags[2]);
		change.if_match.etag_count = 3;
		cr_assert_eq(kit_apply(&kit, &change), RESULT_OK);
		if (altering[i] == CHANGE_DELETE)
			continue;
		/* It names a state that was. */
		cr_assert_eq(kit_apply(&kit, &change), RESULT_PRECONDITION);
		change.if_match.etag_count = 0;
		change.if_match.is_any = true;
		cr_assert_eq(kit_apply(&kit, &change), RESULT_OK);
	}
	kit_close(&kit);
}

void
contract_a_missing_artifact_comes_before_if_match(const struct subject *subject)
{
	struct kit kit = kit_open(subject, 0);
	uint8_t etags[1][ETAG_SIZE] = { { 0 } };
	struct id id = id_random();
	struct change change;
	size_t i;

	for (i = 0; i < sizeof(altering) / sizeof(*altering); i++) {
		change = altering_change(&kit, altering[i], &id);
		change.if_match.etags = etags;
		change.if_match.etag_count = 1;
		cr_assert_eq(kit_apply(&kit, &change), RESULT_NOT_FOUND);
		change.if_match.is_any = true;
		cr_assert_eq(kit_apply(&kit, &change), RESULT_NOT_FOUND);
	}
	kit_close(&kit);
}

void
contract_the_contents_tag_guards_as_the_details_does(
    const struct subject *subject)
{
	struct kit kit = kit_open(subject, 0);
	uint8_t hashes[1][DIGEST_SHA256_SIZE];
	struct artifact *artifact = kit_put(&kit, SPAN("x"));
	struct change change;

	change = altering_change(&kit, CHANGE_CONTENT, &artifact->id);
	memcpy(hashes[0], artifact->content.hash, sizeof(hashes[0]));
	change.if_match.hashes = hashes;
	change.if_match.hash_count = 1;
	hashes[0][31] ^= 1;
	cr_assert_eq(kit_apply(&kit, &change), RESULT_PRECONDITION);
	kit_expect_same(kit_get(&kit, &artifact->id), artifact);
	hashes[0][31] ^= 1;
	cr_assert_eq(kit_apply(&kit, &change), RESULT_OK);
	cr_assert_eq(kit_apply(&kit, &change), RESULT_PRECONDITION);
	kit_close(&kit);
}

void
contract_if_none_match_lets_no_named_state_pass(const struct subject *subject)
{
	struct kit kit = kit_open(subject, 0);
	uint8_t hashes[1][DIGEST_SHA256_SIZE];
	uint8_t etags[1][ETAG_SIZE];
	struct artifact *artifact;
	struct change change;
	size_t i;

	for (i = 0; i < sizeof(altering) / sizeof(*altering); i++) {
		artifact = kit_put(&kit, SPAN("x"));
		change = altering_change(&kit, altering[i], &artifact->id);
		change.if_match.is_there = false;
		change.if_none_match.is_there = true;
		change.if_none_match.is_any = true;
		cr_assert_eq(kit_apply(&kit, &change), RESULT_PRECONDITION);
		change.if_none_match.is_any = false;
		artifact_etag(artifact, kit.arena, etags[0]);
		change.if_none_match.etags = etags;
		change.if_none_match.etag_count = 1;
		cr_assert_eq(kit_apply(&kit, &change), RESULT_PRECONDITION);
		memcpy(hashes[0], artifact->content.hash, sizeof(hashes[0]));
		change.if_none_match.hashes = hashes;
		change.if_none_match.hash_count = 1;
		etags[0][0] ^= 1;
		cr_assert_eq(kit_apply(&kit, &change), RESULT_PRECONDITION);
		/* Both hold, or nothing happens. */
		hashes[0][0] ^= 1;
		change.if_match.is_there = true;
		cr_assert_eq(kit_apply(&kit, &change), RESULT_PRECONDITION);
		kit_expect_same(kit_get(&kit, &artifact->id), artifact);
		change.if_match.is_any = true;
		cr_assert_eq(kit_apply(&kit, &change), RESULT_OK);
	}
	kit_close(&kit);
}

void
contract_if_unmodified_since_goes_by_the_contents_second(
    const struct subject *subject)
{
	struct kit kit = kit_open(subject, 0);
	struct artifact *artifact = kit_put(&kit, SPAN("x"));
	int64_t second = (int64_t)(artifact->content.stored / MOMENT_SECOND);
	struct change change;

	change = altering_change(&kit, CHANGE_CONTENT, &artifact->id);
	change.if_match.is_there = false;
	change.has_unmodified_since = true;
	change.unmodified_since = second - 1;
	cr_assert_eq(kit_apply(&kit, &change), RESULT_PRECONDITION);
	change.unmodified_since = INT64_MIN;
	cr_assert_eq(kit_apply(&kit, &change), RESULT_PRECONDITION);
	kit_expect_same(kit_get(&kit, &artifact->id), artifact);
	/* Beside If-Match it does not count. */
	change.if_match.is_there = change.if_match.is_any = true;
	cr_assert_eq(kit_apply(&kit, &change), RESULT_OK);
	change.if_match.is_there = false;
	change.unmodified_since = second + 3600;
	cr_assert_eq(kit_apply(&kit, &change), RESULT_OK);
	kit_close(&kit);
}

/* A date stands for one content only, or it is not said: the clock may be
 * set back between two. */
void
contract_each_content_has_a_second_of_its_own_or_no_date(
    const struct subject *subject)
{
	struct kit kit = kit_open(subject, 0);
	struct artifact *artifact = kit_put(&kit, SPAN("x"));
	const struct content *content;
	uint64_t last = artifact->content.stored;
	int i;

	for (i = 0; i < 20; i++) {
		cr_assert_eq(kit_content(&kit, &artifact->id, SPAN("t"),
				 i % 2 == 0 ? SPAN("a") : SPAN("b")),
		    RESULT_OK);
		content = &kit_get(&kit, &artifact->id)->content;
		cr_assert_gt(content->stored, last);
		last = content->stored;
		cr_assert_leq(last, moment_now() + MOMENT_SECOND);
		cr_assert_not(content_has_date(content, last));
	}
	kit_close(&kit);
}

/* ---- Idempotency-Key ---- */

/* An empty create with key and meaning of these bytes. */
static enum result
keyed_create(struct kit *kit, struct artifact *artifact, uint8_t key,
    uint8_t meaning, struct outcome *ret_outcome)
{
	struct change change = {
		.kind = CHANGE_CREATE,
		.owner = kit->owner,
		.id = artifact->id,
		.artifact = artifact,
		.bytes = SPAN(""),
		.has_key = true,
	};

	memset(change.key, key, sizeof(change.key));
	memset(change.meaning, meaning, sizeof(change.meaning));
	return store_apply(kit->store, &change, ret_outcome);
}

void
contract_an_idempotent_create_happens_once(const struct subject *subject)
{
	struct kit kit = kit_open(subject, 0);
	struct artifact *first = kit_artifact(&kit);
	struct artifact *second = kit_artifact(&kit);
	struct artifact *third = kit_artifact(&kit);
	struct outcome outcome;

	cr_assert_eq(keyed_create(&kit, first, 1, 1, &outcome), RESULT_OK);
	cr_assert_arr_eq(outcome.id.bytes, first->id.bytes, 16);
	cr_assert_eq(keyed_create(&kit, second, 1, 1, &outcome), RESULT_OK);
	cr_assert_arr_eq(outcome.id.bytes, first->id.bytes, 16);
	cr_assert_not(outcome.is_deleted);
	cr_assert_eq(
	    keyed_create(&kit, second, 1, 2, &outcome), RESULT_MISMATCH);
	kit_expect_stat(&kit, 1, 0, 0);
	/* Another key is another create; both may mean the same. */
	cr_assert_eq(keyed_create(&kit, third, 2, 1, &outcome), RESULT_OK);
	cr_assert_arr_eq(outcome.id.bytes, third->id.bytes, 16);
	kit_expect_stat(&kit, 2, 0, 0);
	/* Also when what it made has gone, and says so. */
	cr_assert_eq(kit_delete(&kit, &first->id), RESULT_OK);
	cr_assert_eq(keyed_create(&kit, second, 1, 1, &outcome), RESULT_OK);
	cr_assert_arr_eq(outcome.id.bytes, first->id.bytes, 16);
	cr_assert(outcome.is_deleted);
	cr_assert_eq(keyed_create(&kit, second, 2, 1, &outcome), RESULT_OK);
	cr_assert_not(outcome.is_deleted);
	cr_assert_eq(
	    keyed_create(&kit, second, 1, 2, &outcome), RESULT_MISMATCH);
	kit_expect_stat(&kit, 1, 0, 0);
	kit_close(&kit);
}

void
contract_a_refused_create_does_not_use_up_its_key(const struct subject *subject)
{
	struct kit kit = kit_open(subject, 0);
	struct artifact *taken = kit_put(&kit, SPAN(""));
	struct artifact *artifact = kit_artifact(&kit);
	struct artifact *other = kit_artifact(&kit);
	struct outcome outcome;

	other->id = taken->id;
	cr_assert_eq(keyed_create(&kit, other, 1, 1, &outcome), RESULT_EXISTS);
	cr_assert_eq(keyed_create(&kit, artifact, 1, 2, &outcome), RESULT_OK);
	cr_assert_arr_eq(outcome.id.bytes, artifact->id.bytes, 16);
	kit_expect_stat(&kit, 2, 0, 0);
	kit_close(&kit);
}

/* ---- counts ---- */

void
contract_counts_follow_each_change(const struct subject *subject)
{
	struct kit kit = kit_open(subject, 0);
	struct artifact source = { .title = SPAN("t") };
	struct artifact *one, *other;
	struct span large;

	large = kit_bytes(&kit, 2 * LIMIT_CHUNK + 5, 1);
	kit_expect_stat(&kit, 0, 0, 0);
	one = kit_put(&kit, SPAN("12345"));
	kit_expect_stat(&kit, 1, 5, 0);
	other = kit_put(&kit, large);
	kit_expect_stat(&kit, 2, 5 + large.size, 0);
	cr_assert_eq(update(&kit, &one->id, &source, PATCH_TITLE), RESULT_OK);
	kit_expect_stat(&kit, 2, 5 + large.size, 0);
	cr_assert_eq(
	    kit_content(&kit, &one->id, SPAN("a/b"), large), RESULT_OK);
	kit_expect_stat(&kit, 2, 2 * large.size, 0);
	cr_assert_eq(
	    kit_content(&kit, &other->id, SPAN("a/b"), SPAN("")), RESULT_OK);
	kit_expect_stat(&kit, 2, large.size, 0);
	cr_assert_eq(kit_delete(&kit, &one->id), RESULT_OK);
	kit_expect_stat(&kit, 1, 0, 0);
	cr_assert_eq(kit_delete(&kit, &other->id), RESULT_OK);
	kit_expect_stat(&kit, 0, 0, 0);
	kit_close(&kit);
}

static void
take_figure(void *object, const struct store_figure *figure)
{
	static const char *const first[] = { "artifacts", "content_bytes",
		"staged_bytes" };
	uint64_t *values = object;

	cr_assert(values[0] >= 3 || strcmp(figure->name, first[values[0]]) == 0,
	    "%s comes in its place", figure->name);
	cr_assert_neq(figure->help[0], '\0');
	if (values[0] < 3)
		values[1 + values[0]] = figure->value;
	values[0]++;
}

void
contract_figures_say_what_stat_says(const struct subject *subject)
{
	struct kit kit = kit_open(subject, 0);
	uint64_t values[4] = { 0 };

	(void)kit_put(&kit, SPAN("12345"));
	(void)kit_put(&kit, SPAN("678"));
	cr_assert_eq(store_figures(kit.store, take_figure, values), RESULT_OK);
	cr_assert_geq(values[0], 3);
	cr_assert_eq(values[1], 2);
	cr_assert_eq(values[2], 8);
	cr_assert_eq(values[3], 0);
	kit_close(&kit);
}
