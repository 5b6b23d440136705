/* SPDX-License-Identifier: ISC */
/*
 * fuzz_store.c - reads of the LMDB store with everything that a client chooses:
 * filters, the position in a cursor, which anybody can invent, and the start of
 * an id. A list of the same artifacts in memory says what is right.
 *
 * The input has a line for each of: limit, position ('#' and a number: the
 * position of that artifact), workflow, phase, type, session, start of an id.
 */
#include "fuzz.h"
#include "base/pack.h"
#include "store/store.h"

#define ARTIFACTS 60

static struct store *store;
static struct artifact *made[ARTIFACTS]; /* oldest first */

/* ---- a store ---- */

/* Many share the start of their id, and each value of a member. */
static void
make(struct arena *arena, size_t i)
{
	static const char *const workflows[] = { "w", "wf", "x" };
	static const char *const phases[] = { NULL, "", "p", "q" };
	static const char *const types[] = { "plan", "report" };
	static const char *const sessions[] = { NULL, "s", "s\xc3\xa9" };
	struct artifact artifact = {
		.workflow = span_str(workflows[i % 3]),
		.phase = span_str(phases[i / 3 % 4]),
		.type = span_str(types[i / 5 % 2]),
		.session = span_str(sessions[i / 7 % 3]),
		.title = SPAN("t"),
		.content.type = SPAN("text/plain"),
	};
	struct change change = { .kind = CHANGE_CREATE, .artifact = &artifact };
	struct outcome outcome;

	memset(artifact.id.bytes, i < 20 ? 0x11 : 0x1f, 16);
	artifact.id.bytes[i % 4] = (uint8_t)(i * 7);
	artifact.id.bytes[15] = (uint8_t)i;
	change.id = artifact.id;
	DEMAND(store_apply(store, &change, &outcome) == RESULT_OK);
	DEMAND(store_get(store, &artifact.id, arena, &made[i]) == RESULT_OK);
}

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	static struct arena *arena; /* not lost */
	size_t i;

	(void)argc;
	(void)argv;
	DEMAND(digest_init());
	store = fuzz_open_lmdb();
	arena = arena_open();
	for (i = 0; i < ARTIFACTS; i++)
		make(arena, i);
	return 0;
}

/* ---- lists ---- */

static uint64_t
number_of(struct span text, uint64_t most)
{
	uint64_t number = 0;
	size_t i;

	for (i = 0; i < text.size && i < 15; i++)
		number = number * 10 + (unsigned char)text.data[i] % 10;
	return number % most;
}

static struct position
position_of(struct span text)
{
	struct position position = { .size = 8 };
	uint64_t moment;

	if (span_starts_with(text, "#")) {
		moment = made[number_of(text, ARTIFACTS)]->created;
		pack_key(position.bytes, moment);
		return position;
	}
	if (text.size > sizeof(position.bytes))
		text.size = sizeof(position.bytes);
	position.size = (uint8_t)text.size;
	if (text.size > 0)
		memcpy(position.bytes, text.data, text.size);
	return position;
}

static bool
agrees(struct span filter, struct span value)
{
	return filter.size == 0 || span_equal(filter, value);
}

static bool
is_listed(const struct artifact *artifact, const struct filter *filter)
{
	return agrees(filter->workflow, artifact->workflow) &&
	       agrees(filter->phase, artifact->phase) &&
	       agrees(filter->type, artifact->type) &&
	       agrees(filter->session, artifact->session);
}

/* The page's artifacts are all that are listed, newest first. */
static void
demand_page(const struct page *page, const struct filter *filter,
    const struct position *position, size_t limit)
{
	uint64_t before = UINT64_MAX;
	size_t i, count = 0;
	bool has_more = false;

	if (position->size != 0)
		before = unpack_key(position->bytes);
	for (i = ARTIFACTS; i-- > 0;) {
		if (made[i]->created >= before || !is_listed(made[i], filter))
			continue;
		if (count == limit) {
			has_more = true;
			break;
		}
		DEMAND(count < page->count);
		DEMAND(memcmp(&page->artifacts[count]->id, &made[i]->id,
			   sizeof(made[i]->id)) == 0);
		count++;
	}
	DEMAND(page->count == count && page->has_more == has_more);
}

static void
ask_list(struct arena *arena, const struct filter *filter,
    const struct position *position, size_t limit)
{
	struct page page = { .count = 0 };
	enum result result;

	result = store_list(store, filter, position, limit, arena, &page);
	DEMAND((result == RESULT_MALFORMED) ==
	       (position->size != 0 && position->size != 8));
	if (result == RESULT_MALFORMED)
		return;
	DEMAND(result == RESULT_OK);
	demand_page(&page, filter, position, limit);
	if (page.has_more)
		ask_list(arena, filter, &page.next, limit);
}

/* ---- ids ---- */

static int
compare_texts(const void *one, const void *other)
{
	return memcmp(one, other, ID_TEXT);
}

static void
ask_find(struct span prefix)
{
	char texts[ARTIFACTS][ID_TEXT + 1], text[ID_TEXT + 1];
	struct id ids[LIMIT_CANDIDATES];
	size_t i, count = 0, found = 0;

	for (i = 0; i < ARTIFACTS; i++) {
		id_format(&made[i]->id, texts[count]);
		if (prefix.size <= ID_TEXT &&
		    span_equal(span_of(texts[count], prefix.size), prefix))
			count++;
	}
	qsort(texts, count, sizeof(*texts), compare_texts);
	DEMAND(store_find(store, prefix, ids, &found) == RESULT_OK);
	DEMAND(found == (count < LIMIT_CANDIDATES ? count : LIMIT_CANDIDATES));
	for (i = 0; i < found; i++) {
		id_format(&ids[i], text);
		DEMAND(strcmp(text, texts[i]) == 0);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_open();
	struct span rest = arena_copy(arena, span_of(data, size));
	struct position position;
	struct filter filter;
	size_t limit;

	limit = 1 + (size_t)number_of(span_split(&rest, '\n'), LIMIT_PAGE);
	position = position_of(span_split(&rest, '\n'));
	filter.workflow = span_split(&rest, '\n');
	filter.phase = span_split(&rest, '\n');
	filter.type = span_split(&rest, '\n');
	filter.session = span_split(&rest, '\n');
	ask_list(arena, &filter, &position, limit);
	ask_find(rest.data == NULL ? SPAN("") : rest);
	arena_close(arena);
	return 0;
}
