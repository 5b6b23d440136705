/* SPDX-License-Identifier: ISC */
/*
 * store_contract_list.c - tests of lists and prefixes, for every engine: each
 * is compared with a loop over all artifacts that the test created.
 */

#include "store_contract.h"

#include "store_kit.h"

#include <criterion/criterion.h>
#include <stdlib.h>

#define MANY 300
#define VALUES 5

/* Values that are easily confused; the first one means: absent. */
static const struct span values[VALUES] = {
	{ NULL, 0 },
	{ "", 0 },
	{ "a", 1 },
	{ "a\0", 2 },
	{ "A", 1 },
};

/* What was created, oldest first; NULL: deleted again. */
struct model {
	struct artifact *list[2 * MANY];
	size_t count;
};

static struct artifact *
add(struct kit *kit, struct model *model)
{
	struct artifact *artifact = kit_artifact(kit);

	artifact->workflow = values[1 + kit_random(kit, VALUES - 1)];
	artifact->phase = values[kit_random(kit, VALUES)];
	artifact->type = values[2 + kit_random(kit, VALUES - 2)];
	artifact->session = values[kit_random(kit, VALUES)];
	cr_assert_eq(kit_create(kit, artifact, SPAN("")), RESULT_OK);
	artifact = kit_get(kit, &artifact->id);
	model->list[model->count++] = artifact;
	return artifact;
}

static void
delete_at(struct kit *kit, struct model *model, size_t place)
{
	if (model->list[place] == NULL)
		return;
	cr_assert_eq(kit_delete(kit, &model->list[place]->id), RESULT_OK);
	model->list[place] = NULL;
}

static bool
is_wanted(struct span filter, struct span member)
{
	return filter.size == 0 || span_equal(filter, member);
}

static bool
matches(const struct filter *filter, const struct artifact *artifact)
{
	return artifact != NULL &&
	       is_wanted(filter->workflow, artifact->workflow) &&
	       is_wanted(filter->phase, artifact->phase) &&
	       is_wanted(filter->type, artifact->type) &&
	       is_wanted(filter->session, artifact->session);
}

static struct page
list(struct kit *kit, const struct filter *filter,
    const struct position *position, size_t limit)
{
	struct page page = { 0 };

	cr_assert_eq(
	    store_list(kit->store, filter, position, limit, kit->arena, &page),
	    RESULT_OK);
	cr_assert_leq(page.count, limit);
	return page;
}

/* Walk all pages, of random sizes, beside the model. */
static void
expect_as_model(
    struct kit *kit, const struct model *model, const struct filter *filter)
{
	struct page page = { .has_more = true };
	size_t place = model->count;
	size_t i, limit;

	while (page.has_more) {
		limit = 1 + kit_random(kit, 100);
		page = list(kit, filter, &page.next, limit);
		cr_assert(!page.has_more || page.count == limit);
		for (i = 0; i < page.count; i++) {
			do {
				cr_assert_gt(place, 0, "one too many");
				place--;
			} while (!matches(filter, model->list[place]));
			kit_expect_same(page.artifacts[i], model->list[place]);
			cr_assert_eq(page.artifacts[i]->created,
			    model->list[place]->created);
		}
	}
	while (place-- > 0)
		cr_assert_not(
		    matches(filter, model->list[place]), "one is missing");
}

void
contract_filters_agree_with_a_model(const struct subject *subject)
{
	struct kit kit = kit_open(subject, 0);
	struct model model = { 0 };
	size_t i;

	for (i = 0; i < MANY; i++)
		(void)add(&kit, &model);
	for (i = 0; i < MANY / 10; i++)
		delete_at(&kit, &model, kit_random(&kit, MANY));
	for (i = 0; i < VALUES * VALUES * VALUES * VALUES; i++) {
		struct filter filter = {
			.workflow = values[i % VALUES],
			.phase = values[i / VALUES % VALUES],
			.type = values[i / VALUES / VALUES % VALUES],
			.session = values[i / VALUES / VALUES / VALUES],
		};

		expect_as_model(&kit, &model, &filter);
	}
	kit_close(&kit);
}

void
contract_filters_are_exact(const struct subject *subject)
{
	struct kit kit = kit_open(subject, 0);
	struct artifact *artifact = kit_artifact(&kit);
	struct span longest = kit_bytes(&kit, LIMIT_WORKFLOW, 1);
	struct span longer = kit_bytes(&kit, 70000, 1);
	const struct {
		struct filter filter;
		size_t count;
	} cases[] = {
		{ { .workflow = longest }, 1 },
		{ { .workflow = longest, .type = SPAN("report") }, 1 },
		{ { .workflow = { longest.data, longest.size - 1 } }, 0 },
		{ { .workflow = { longer.data, longest.size + 1 } }, 0 },
		{ { .workflow = longer }, 0 },
		{ { .phase = longer }, 0 },
		{ { .type = longer }, 0 },
		{ { .session = longer }, 0 },
		/* The value of one member is not that of another. */
		{ { .phase = SPAN("report") }, 0 },
		{ { .session = SPAN("report") }, 0 },
		{ { .type = SPAN("reports") }, 0 },
		{ { .type = SPAN("repor") }, 0 },
		{ { .type = SPAN("Report") }, 0 },
		{ { .type = SPAN("report"), .phase = SPAN("x") }, 0 },
	};
	struct position position = { 0 };
	size_t i;

	artifact->workflow = longest;
	cr_assert_eq(kit_create(&kit, artifact, SPAN("")), RESULT_OK);
	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		cr_assert_eq(list(&kit, &cases[i].filter, &position, 10).count,
		    cases[i].count, "case %zu", i);
	kit_close(&kit);
}

/* How often each of the model was on a page. */
static void
count_seen(const struct model *model, const struct page *page, size_t *seen)
{
	size_t i, place;

	for (i = 0; i < page->count; i++)
		for (place = 0; place < model->count; place++)
			if (model->list[place] != NULL &&
			    memcmp(&model->list[place]->id,
				&page->artifacts[i]->id,
				sizeof(struct id)) == 0)
				seen[place]++;
}

/* Between any two pages some come and some go, the last one given too. */
void
contract_pages_survive_creates_and_deletes(const struct subject *subject)
{
	struct kit kit = kit_open(subject, 0);
	struct page page = { .has_more = true };
	size_t seen[2 * MANY] = { 0 };
	struct filter filter = { 0 };
	struct model model = { 0 };
	uint64_t last = UINT64_MAX;
	size_t i, before;

	for (i = 0; i < 100; i++)
		(void)add(&kit, &model);
	before = model.count;
	while (page.has_more) {
		page = list(&kit, &filter, &page.next, 7);
		for (i = 0; i < page.count; i++) {
			cr_assert_lt(page.artifacts[i]->created, last);
			last = page.artifacts[i]->created;
		}
		count_seen(&model, &page, seen);
		(void)add(&kit, &model);
		delete_at(&kit, &model, kit_random(&kit, before));
		for (i = 0; i < before; i++)
			if (model.list[i] != NULL &&
			    model.list[i]->created == last)
				delete_at(&kit, &model, i);
	}
	for (i = 0; i < before; i++)
		cr_assert(model.list[i] == NULL || seen[i] == 1);
	for (i = before; i < model.count; i++)
		cr_assert_eq(seen[i], 0, "newer than the first page");
	kit_close(&kit);
}

void
contract_a_page_says_whether_more_follows(const struct subject *subject)
{
	struct kit kit = kit_open(subject, 0);
	struct filter filter = { .type = SPAN("report") };
	struct position start = { 0 };
	struct artifact *other;
	struct page page;
	size_t i;

	page = list(&kit, &filter, &start, 1);
	cr_assert_eq(page.count, 0);
	cr_assert_not(page.has_more);
	for (i = 0; i < 4; i++)
		(void)kit_put(&kit, SPAN(""));
	/* Older or newer, but not of this list. */
	other = kit_artifact(&kit);
	other->type = SPAN("plan");
	cr_assert_eq(kit_create(&kit, other, SPAN("")), RESULT_OK);
	cr_assert_not(list(&kit, &filter, &start, 4).has_more);
	cr_assert_not(list(&kit, &filter, &start, LIMIT_PAGE).has_more);
	page = list(&kit, &filter, &start, 3);
	cr_assert(page.has_more);
	page = list(&kit, &filter, &page.next, 1);
	cr_assert_eq(page.count, 1);
	cr_assert_not(page.has_more);
	kit_close(&kit);
}

void
contract_refuses_a_foreign_position(const struct subject *subject)
{
	static const uint8_t sizes[] = { 1, 31 };
	struct kit kit = kit_open(subject, 0);
	/* No artifact can have the workflow of the second. */
	struct filter filters[] = { { .workflow = SPAN_NONE },
		{ .workflow = kit_bytes(&kit, LIMIT_WORKFLOW + 1, 1) } };
	struct position position;
	struct page page = { .count = 7 };
	size_t i;

	(void)kit_put(&kit, SPAN(""));
	for (i = 0; i < 2 * sizeof(sizes); i++) {
		memset(&position, 0xff, sizeof(position));
		position.size = sizes[i / 2];
		cr_assert_eq(store_list(kit.store, &filters[i % 2], &position,
				 10, kit.arena, &page),
		    RESULT_MALFORMED);
	}
	cr_assert_eq(page.count, 7, "an output was touched");
	kit_close(&kit);
}

/* ---- prefixes ---- */

/* Ids that share all, much, little, and nothing. */
static const char *const ids[] = {
	"00000000-0000-4000-8000-000000000000",
	"0fffffff-ffff-4fff-bfff-ffffffffffff",
	"a1b2c3d4-0000-4000-8000-000000000000",
	"a1b2c3d4-0000-4000-8000-000000000001",
	"a1b2c3d4-0000-4000-8000-00000000000f",
	"a1b2c3d4-0000-4000-8000-0000000000f0",
	"a1b2c3d4-0000-4000-8000-000000000100",
	"a1b2c3d4-0000-4000-8000-100000000000",
	"a1b2c3d4-0000-4000-9000-000000000000",
	"a1b2c3d4-0000-5000-8000-000000000000",
	"a1b2c3d4-0001-4000-8000-000000000000",
	"a1b2c3d4-1000-4000-8000-000000000000",
	"a1b2c3d4-ffff-4fff-bfff-ffffffffffff",
	"a1b2c3d5-0000-4000-8000-000000000000",
	"a1b2c3e4-0000-4000-8000-000000000000",
	"a1ffffff-ffff-4fff-bfff-ffffffffffff",
	"a2000000-0000-4000-8000-000000000000",
	"ffffffff-ffff-4fff-bfff-ffffffffffff",
};

#define ID_COUNT (sizeof(ids) / sizeof(*ids))

/* In any order but theirs: 7 and the count have no common divisor. */
static void
put_ids(struct kit *kit)
{
	struct artifact *artifact;
	size_t i;

	for (i = 0; i < ID_COUNT; i++) {
		artifact = kit_artifact(kit);
		cr_assert(
		    id_parse(span_str(ids[i * 7 % ID_COUNT]), &artifact->id));
		cr_assert_eq(kit_create(kit, artifact, SPAN("")), RESULT_OK);
	}
}

static void
expect_found(struct kit *kit, struct span prefix)
{
	struct id found[LIMIT_CANDIDATES];
	char text[ID_TEXT + 1];
	size_t expected = 0;
	size_t count = 99;
	size_t i;

	cr_assert_eq(store_find(kit->store, prefix, found, &count), RESULT_OK);
	for (i = 0; i < ID_COUNT && expected < LIMIT_CANDIDATES; i++) {
		if (!span_equal(prefix, span_of(ids[i], prefix.size)))
			continue;
		cr_assert_lt(
		    expected, count, "%.*s", (int)prefix.size, prefix.data);
		id_format(&found[expected++], text);
		cr_assert_str_eq(text, ids[i]);
	}
	cr_assert_eq(count, expected, "%.*s", (int)prefix.size, prefix.data);
}

void
contract_prefixes_agree_with_a_model(const struct subject *subject)
{
	struct kit kit = kit_open(subject, 0);
	char text[ID_TEXT];
	size_t i, size;

	put_ids(&kit);
	for (i = 0; i < ID_COUNT; i++) {
		memcpy(text, ids[i], ID_TEXT);
		for (size = 1; size <= ID_TEXT; size++) {
			expect_found(&kit, span_of(text, size));
			/* And one that is off by its last character. */
			text[size - 1] = text[size - 1] == '7' ? '-' : '7';
			expect_found(&kit, span_of(text, size));
			text[size - 1] = ids[i][size - 1];
		}
	}
	kit_close(&kit);
}

void
contract_finds_no_id_for_other_text(const struct subject *subject)
{
	static const struct span none[] = {
		{ "3", sizeof("3") - 1 },
		{ "-", sizeof("-") - 1 },
		{ "g", sizeof("g") - 1 },
		{ "A", sizeof("A") - 1 },
		{ "A1B2C3D4", sizeof("A1B2C3D4") - 1 },
		{ "a1b2c3d40", sizeof("a1b2c3d40") - 1 },
		{ "a1b2c3d40000", sizeof("a1b2c3d40000") - 1 },
		{ "a1b2c3d4--", sizeof("a1b2c3d4--") - 1 },
		{ "a1b2-", sizeof("a1b2-") - 1 },
		{ "a1b2c3d4-0000-4000-8000-00000000000g",
		    sizeof("a1b2c3d4-0000-4000-8000-00000000000g") - 1 },
		{ "a1b2c3d4-0000-4000-8000-0000000000000",
		    sizeof("a1b2c3d4-0000-4000-8000-0000000000000") - 1 },
		{ "a1b2c3d4-0000-4000-8000-000000000000 ",
		    sizeof("a1b2c3d4-0000-4000-8000-000000000000 ") - 1 },
		{ "ffffffff-ffff-4fff-bfff-fffffffffffff",
		    sizeof("ffffffff-ffff-4fff-bfff-fffffffffffff") - 1 },
		{ "a1b2c3d4\0", sizeof("a1b2c3d4\0") - 1 },
		{ "a1\0", sizeof("a1\0") - 1 },
		{ " a1", sizeof(" a1") - 1 },
		{ "a%", sizeof("a%") - 1 },
		{ "a*", sizeof("a*") - 1 },
		{ "\xff", sizeof("\xff") - 1 },
	};
	struct kit kit = kit_open(subject, 0);
	struct id found[LIMIT_CANDIDATES];
	size_t i, count;

	cr_assert_eq(
	    store_find(kit.store, SPAN("a"), found, &count), RESULT_OK);
	cr_assert_eq(count, 0);
	put_ids(&kit);
	for (i = 0; i < sizeof(none) / sizeof(*none); i++) {
		count = 99;
		cr_assert_eq(
		    store_find(kit.store, none[i], found, &count), RESULT_OK);
		cr_assert_eq(count, 0, "case %zu", i);
	}
	count = 99;
	cr_assert_eq(store_find(kit.store, kit_bytes(&kit, LIMIT_PATH, 1),
			 found, &count),
	    RESULT_OK);
	cr_assert_eq(count, 0);
	kit_close(&kit);
}
