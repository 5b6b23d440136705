/* SPDX-License-Identifier: ISC */
/*
 * store_contract_import.c - tests of imports, for every engine: a record keeps
 * its own id and moments, between or after those of the store.
 */

#include "store_contract.h"

#include "store/engine.h"
#include "store_kit.h"

#include <criterion/criterion.h>
#include <stdlib.h>

#define YEAR UINT64_C(31536000000000)
#define LONG_AGO (50 * YEAR)

static struct artifact *
old_artifact(struct kit *kit, uint64_t created)
{
	struct artifact *artifact = kit_artifact(kit);

	artifact->created = created;
	artifact->content.stored = created;
	return artifact;
}

static struct change
change_of(struct kit *kit, struct artifact *artifact)
{
	return (struct change){
		.kind = CHANGE_IMPORT,
		.owner = kit->owner,
		.id = artifact->id,
		.artifact = artifact,
	};
}

static enum result
import_change(struct kit *kit, struct change *change, struct span bytes)
{
	struct upload *upload;
	enum result result = kit_upload(kit, change, bytes, &upload);

	if (result == RESULT_OK)
		result = kit_apply(kit, change);
	upload_drop(upload);
	return result;
}

static enum result
import(struct kit *kit, struct artifact *artifact, struct span bytes)
{
	struct change change = change_of(kit, artifact);

	return import_change(kit, &change, bytes);
}

static enum result
import_over(struct kit *kit, struct artifact *artifact, struct span bytes)
{
	struct change change = change_of(kit, artifact);

	change.replaces = true;
	return import_change(kit, &change, bytes);
}

static struct artifact *
full_artifact(struct kit *kit, uint64_t created)
{
	static struct span derived[] = { { "3F9C1A2B-0000-4000-8000-"
					   "00000000000A",
	    ID_TEXT } };
	struct artifact *artifact = old_artifact(kit, created);

	artifact->phase = SPAN("phase");
	artifact->session = SPAN("");
	artifact->creator = SPAN("somebody");
	artifact->is_primary = false;
	artifact->metadata = SPAN("{\"n\":1.50}");
	artifact->derived_from = derived;
	artifact->derived_count = 1;
	artifact->content.filename = SPAN("a/b.txt");
	artifact->content.stored = created + 77;
	return artifact;
}

void
contract_an_import_keeps_all_that_it_brings(const struct subject *subject)
{
	static const size_t sizes[] = { 0, 5, LIMIT_CHUNK, 3 * LIMIT_CHUNK };
	struct kit kit = kit_open(subject, 0);
	struct artifact *artifact, *read;
	uint64_t total = 0;
	struct span bytes;
	size_t i;

	for (i = 0; i < 4; i++) {
		bytes = kit_bytes(&kit, sizes[i], i);
		artifact = full_artifact(&kit, LONG_AGO + i);
		cr_assert_eq(import(&kit, artifact, bytes), RESULT_OK);
		read = kit_get(&kit, &artifact->id);
		kit_expect_same(read, artifact);
		cr_assert_eq(read->created, LONG_AGO + i);
		cr_assert_eq(read->content.stored, LONG_AGO + i + 77);
		kit_expect_content(&kit, &read->content, bytes);
		total += sizes[i];
		kit_expect_stat(&kit, i + 1, total, 0);
	}
	kit_close(&kit);
}

void
contract_an_import_takes_the_next_free_moment(const struct subject *subject)
{
	static const uint64_t asked[] = { 5, 5, 7, 5, 6, 0, 0 };
	static const uint64_t given[] = { 5, 6, 7, 8, 9, 0, 1 };
	struct kit kit = kit_open(subject, 0);
	struct artifact *artifact;
	size_t i;

	for (i = 0; i < sizeof(asked) / sizeof(asked[0]); i++) {
		artifact = old_artifact(&kit, asked[i]);
		cr_assert_eq(import(&kit, artifact, SPAN("")), RESULT_OK);
		artifact = kit_get(&kit, &artifact->id);
		cr_assert_eq(artifact->created, given[i], "%zu", i);
		cr_assert_eq(artifact->content.stored, given[i], "%zu", i);
	}
	kit_close(&kit);
}

/* In one commit, where what was seen taken is remembered. */
void
contract_a_moment_that_became_free_is_given_again(const struct subject *subject)
{
	enum { COUNT = 6, GONE = 3 };
	static const uint64_t asked[COUNT] = { 5, 5, 6, 0, 5, 6 };
	static const uint64_t given[COUNT] = { 5, 6, 7, 0, 6, 8 };
	struct kit kit = kit_open(subject, 0);
	struct change changes[COUNT], *list[COUNT];
	struct outcome outcomes[COUNT];
	size_t i;

	for (i = 0; i < COUNT; i++) {
		changes[i] = change_of(&kit, old_artifact(&kit, asked[i]));
		list[i] = &changes[i];
	}
	changes[GONE] =
	    (struct change){ .kind = CHANGE_DELETE, .id = changes[1].id };
	store_apply_many(kit.store, list, COUNT, outcomes);
	for (i = 0; i < COUNT; i++) {
		cr_assert_eq(outcomes[i].result, RESULT_OK, "%zu", i);
		if (i != 1 && i != GONE)
			cr_assert_eq(kit_get(&kit, &changes[i].id)->created,
			    given[i], "%zu", i);
	}
	kit_close(&kit);
}

void
contract_an_import_of_a_time_to_come_is_refused(const struct subject *subject)
{
	struct kit kit = kit_open(subject, 0);
	struct artifact *artifact = old_artifact(&kit, moment_now() + YEAR);

	cr_assert_eq(import(&kit, artifact, SPAN("x")), RESULT_CLOCK);
	artifact = old_artifact(&kit, LONG_AGO);
	artifact->content.stored = moment_now() + YEAR;
	cr_assert_eq(import(&kit, artifact, SPAN("x")), RESULT_CLOCK);
	kit_expect_stat(&kit, 0, 0, 0);
	kit_close(&kit);
}

void
contract_an_import_is_harmless_to_repeat(const struct subject *subject)
{
	struct kit kit = kit_open(subject, 0);
	struct span bytes = kit_bytes(&kit, 2 * LIMIT_CHUNK, 1);
	struct artifact *first = old_artifact(&kit, LONG_AGO);
	struct artifact *artifact = full_artifact(&kit, LONG_AGO);

	cr_assert_eq(import(&kit, first, SPAN("")), RESULT_OK);
	cr_assert_eq(import(&kit, artifact, bytes), RESULT_OK);
	cr_assert_eq(import(&kit, artifact, bytes), RESULT_EXISTS);
	cr_assert_eq(import_over(&kit, artifact, bytes), RESULT_EXISTS);
	/* Also when its moment has become free, or means nothing. */
	cr_assert_eq(kit_delete(&kit, &first->id), RESULT_OK);
	cr_assert_eq(import(&kit, artifact, bytes), RESULT_EXISTS);
	artifact->created = moment_now() + YEAR;
	cr_assert_eq(import(&kit, artifact, bytes), RESULT_EXISTS);
	cr_assert_eq(kit_get(&kit, &artifact->id)->created, LONG_AGO + 1);
	kit_expect_stat(&kit, 1, bytes.size, 0);
	kit_close(&kit);
}

static size_t
count_of(struct kit *kit, struct span workflow)
{
	struct filter filter = { .workflow = workflow };
	struct position position = { 0 };
	struct page page;

	cr_assert_eq(store_list(kit->store, &filter, &position, LIMIT_PAGE,
			 kit->arena, &page),
	    RESULT_OK);
	return page.count;
}

void
contract_what_differs_is_kept_unless_it_is_replaced(
    const struct subject *subject)
{
	struct kit kit = kit_open(subject, 0);
	struct artifact *artifact = old_artifact(&kit, LONG_AGO);
	struct span bytes = kit_bytes(&kit, 2 * LIMIT_CHUNK, 1);
	struct artifact *read, other;

	cr_assert_eq(import(&kit, artifact, SPAN("hello")), RESULT_OK);
	cr_assert_eq(import(&kit, artifact, SPAN("other")), RESULT_MISMATCH);
	other = *artifact;
	other.created = LONG_AGO + 9;
	other.content.stored = LONG_AGO + 99;
	other.workflow = SPAN("elsewhere");
	cr_assert_eq(import(&kit, &other, bytes), RESULT_MISMATCH);
	read = kit_get(&kit, &artifact->id);
	kit_expect_content(&kit, &read->content, SPAN("hello"));
	cr_assert(span_is(read->workflow, "workflow"));

	cr_assert_eq(import_over(&kit, &other, bytes), RESULT_OK);
	read = kit_get(&kit, &artifact->id);
	kit_expect_same(read, &other);
	kit_expect_content(&kit, &read->content, bytes);
	cr_assert_eq(read->created, LONG_AGO, "its moment stays");
	cr_assert_eq(read->content.stored, LONG_AGO + 99);
	cr_assert_eq(count_of(&kit, SPAN("workflow")), 0);
	cr_assert_eq(count_of(&kit, SPAN("elsewhere")), 1);
	kit_expect_stat(&kit, 1, bytes.size, 0);
	kit_close(&kit);
}

/* Newest first, wherever each was put in. */
void
contract_lists_hold_imports_where_they_belong(const struct subject *subject)
{
	enum { MANY = 250 };
	struct kit kit = kit_open(subject, 0);
	struct page page = { .has_more = true };
	struct filter filter = { .workflow = SPAN("workflow") };
	uint64_t last = UINT64_MAX;
	size_t seen = 0, i;

	for (i = 0; i < MANY; i++)
		if (i % 10 == 0)
			(void)kit_put(&kit, SPAN("")); /* it is there */
		else
			cr_assert_eq(import(&kit,
					 old_artifact(&kit,
					     LONG_AGO + kit_random(&kit, 500)),
					 SPAN("")),
			    RESULT_OK);
	while (page.has_more) {
		cr_assert_eq(store_list(kit.store, &filter, &page.next, 37,
				 kit.arena, &page),
		    RESULT_OK);
		for (i = 0; i < page.count; i++, seen++) {
			cr_assert_lt(page.artifacts[i]->created, last);
			last = page.artifacts[i]->created;
		}
	}
	cr_assert_eq(seen, MANY);
	kit_close(&kit);
}

/*
 * Imports of this very moment take those that creates would be given; which
 * go on from the clock, not from them.
 */
void
contract_creates_and_imports_never_share_a_moment(const struct subject *subject)
{
	enum { IMPORTS = 3000, ALL = IMPORTS + 200 };
	struct kit kit = kit_open(subject, 0);
	struct change *changes = calloc(ALL, sizeof(*changes));
	struct change **list = calloc(ALL, sizeof(struct change *));
	struct outcome *outcomes = calloc(ALL, sizeof(*outcomes));
	struct page page = { .has_more = true };
	uint64_t last = UINT64_MAX, now = moment_now();
	size_t seen = 0, i;

	for (i = 0; i < ALL; i++) {
		changes[i] = change_of(&kit, old_artifact(&kit, now));
		if (i >= IMPORTS)
			changes[i].kind = CHANGE_CREATE;
		list[i] = &changes[i];
	}
	store_apply_many(kit.store, list, ALL, outcomes);
	for (i = 0; i < ALL; i++)
		cr_assert_eq(outcomes[i].result, RESULT_OK, "%zu", i);
	while (page.has_more) {
		cr_assert_eq(store_list(kit.store, &(struct filter){ 0 },
				 &page.next, LIMIT_PAGE, kit.arena, &page),
		    RESULT_OK);
		for (i = 0; i < page.count; i++, seen++) {
			cr_assert_lt(page.artifacts[i]->created, last);
			last = page.artifacts[i]->created;
		}
	}
	cr_assert_eq(seen, ALL);
	free(changes);
	free(list);
	free(outcomes);
	kit_close(&kit);
}

void
contract_an_import_meets_the_quota(const struct subject *subject)
{
	struct kit kit = kit_open(subject, 10);
	struct artifact *artifact = old_artifact(&kit, LONG_AGO);

	cr_assert_eq(
	    import(&kit, artifact, SPAN("more than ten")), RESULT_QUOTA);
	cr_assert_eq(import(&kit, artifact, SPAN("ten bytes!")), RESULT_OK);
	cr_assert_eq(import_over(&kit, artifact, SPAN("x")), RESULT_QUOTA,
	    "both are there at once");
	kit_expect_content(
	    &kit, &kit_get(&kit, &artifact->id)->content, SPAN("ten bytes!"));
	kit_expect_stat(&kit, 1, 10, 0);
	kit_close(&kit);
}
