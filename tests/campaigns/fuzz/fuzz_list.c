/* SPDX-License-Identifier: ISC */
/*
 * fuzz_list.c - the query of a list, and its cursor. The store is a table
 * that notes each request, and always has more artifacts after the position
 * with which the input begins: a byte for its size, and its bytes.
 *
 * The link to the next page asks for the same list from that position on. A
 * cursor with another character, or for another filter, is refused, and so is
 * each cursor that the input invents.
 */
#include "fuzz.h"
#include "api/handle.h"
#include "protocol/query.h"
#include "store/engine.h"

#define DIGITS \
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

/* What the store was asked, and what it answers. */
static struct {
	struct filter filter;
	struct position position;
	size_t limit;
	bool is_asked;
} asked;
static struct position next;

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	DEMAND(digest_init());
	return 0;
}

static enum result
note_list(void *state, const struct filter *filter,
    const struct position *position, size_t limit, struct arena *arena,
    struct page *ret_page)
{
	(void)state;
	(void)arena;
	asked.filter = *filter;
	asked.position = *position;
	asked.limit = limit;
	asked.is_asked = true;
	*ret_page = (struct page){ .has_more = true, .next = next };
	return RESULT_OK;
}

static const struct store_reading reading = { .list = note_list };

/* The status of a list with this query; its Link, or SPAN_NONE. */
static int
ask(struct arena *arena, struct span query, struct span *ret_link)
{
	static const struct config config = { .public_url = "" };
	struct store store = { .reading = &reading };
	const struct context context = { .config = &config, .store = &store };
	struct request request = {
		.arena = arena, .query = query, .base = SPAN("/api/v1")
	};
	struct response response;
	size_t i;

	asked.is_asked = false;
	response_init(&response, arena);
	handle_list(&context, &request, &response);
	*ret_link = SPAN_NONE;
	for (i = 0; i < response.header_count; i++)
		if (strcmp(response.headers[i].name, "Link") == 0)
			*ret_link = response.headers[i].value;
	DEMAND(response.status == 200 || response.status == 422);
	DEMAND(response.status == 200 || !asked.is_asked);
	DEMAND((ret_link->data != NULL) == asked.is_asked);
	return response.status;
}

/* ---- what must hold ---- */

static bool
is_same_filter(const struct filter *one, const struct filter *other)
{
	return span_equal(one->workflow, other->workflow) &&
	       span_equal(one->phase, other->phase) &&
	       span_equal(one->type, other->type) &&
	       span_equal(one->session, other->session);
}

/* What stands between '?' and '>' of a link, which has this one form. */
static struct span
query_of(struct span link)
{
	const struct span start = SPAN("</api/v1/artifacts?");
	const struct span end = SPAN(">; rel=\"next\"");

	DEMAND(span_starts_with(link, start.data));
	DEMAND(link.size > start.size + end.size);
	DEMAND(span_is(span_from(link, link.size - end.size), end.data));
	link = span_from(link, start.size);
	link.size -= end.size;
	return link;
}

/* The cursor is the last value; all its characters count. */
static void
demand_no_other_cursor(struct arena *arena, struct span query)
{
	struct span cursor = query_find(arena, query, "cursor");
	char *text = arena_string(arena, query);
	size_t first = query.size - cursor.size;
	struct span link;
	char *place;
	size_t i;

	for (i = 0; i < cursor.size; i++) {
		place = &text[first + i];
		*place = *place == DIGITS[i] ? DIGITS[i + 1] : DIGITS[i];
		DEMAND(ask(arena, span_str(text), &link) == 422);
		*place = cursor.data[i];
	}
	for (i = first + 1; i < query.size; i++)
		DEMAND(ask(arena, span_of(query.data, i), &link) == 422);
}

static void
demand_no_other_list(struct arena *arena, struct span query)
{
	struct buffer other;
	struct span link;

	buffer_init(&other, arena);
	buffer_append(&other, query);
	buffer_append(&other, SPAN("&session_id=~other~"));
	DEMAND(ask(arena, buffer_span(&other), &link) == 422);
}

static void
demand_next_page(struct arena *arena, struct span link)
{
	struct filter filter = asked.filter;
	size_t limit = asked.limit;
	struct span query = query_of(link);

	DEMAND(limit >= 1 && limit <= LIMIT_PAGE);
	DEMAND(ask(arena, query, &link) == 200);
	DEMAND(asked.is_asked);
	DEMAND(is_same_filter(&asked.filter, &filter));
	DEMAND(asked.limit == limit);
	DEMAND(asked.position.size == next.size);
	DEMAND(memcmp(asked.position.bytes, next.bytes, next.size) == 0);
	DEMAND(span_equal(query_of(link), query));
	demand_no_other_cursor(arena, query);
	demand_no_other_list(arena, query);
}

/* ---- the target ---- */

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_open();
	struct span input = arena_copy(arena, span_of(data, size));
	struct span link;

	next = (struct position){ .size = 1 };
	if (size > 0)
		next.size = (uint8_t)(data[0] % sizeof(next.bytes) + 1);
	if (size > next.size) {
		memcpy(next.bytes, data + 1, next.size);
		input = span_from(input, 1 + (size_t)next.size);
		(void)ask(arena, input, &link);
		if (asked.is_asked) {
			/* Nobody finds a fingerprint of ours by chance. */
			DEMAND(asked.position.size == 0);
			demand_next_page(arena, link);
		}
	}
	arena_close(arena);
	return 0;
}
