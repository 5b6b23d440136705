/* SPDX-License-Identifier: ISC */
/*
 * list.c - lists: filters, pages, and the cursor from one page to the
 * next.
 *
 * A cursor is base64url of
 *
 *	fingerprint 8, of filters and position | position of the engine 1..31
 *
 * so that a cursor of another list, or one that was made up, is refused.
 */

#include "handle.h"

#include "base/pack.h"
#include "protocol/query.h"

#define FINGERPRINT 8
#define CURSOR (FINGERPRINT + sizeof(((struct position *)NULL)->bytes))

struct list {
	struct filter filter;
	struct position position;
	uint64_t limit;
};

/* ---- cursor ---- */

static void
fingerprint(struct arena *arena, const struct filter *filter,
    struct span position, uint8_t ret_hash[FINGERPRINT])
{
	uint8_t hash[16];
	struct buffer buffer;
	size_t i;

	buffer_init(&buffer, arena);
	for (i = 0; i < FILTERS; i++)
		pack_span(&buffer, filter->values[i]);
	pack_span(&buffer, position);
	digest_fingerprint(buffer_span(&buffer), hash, sizeof(hash));
	memcpy(ret_hash, hash, FINGERPRINT);
}

static struct span
format_cursor(struct arena *arena, const struct filter *filter,
    const struct position *position)
{
	uint8_t bytes[CURSOR];

	fingerprint(
	    arena, filter, span_of(position->bytes, position->size), bytes);
	memcpy(bytes + FINGERPRINT, position->bytes, position->size);
	return digest_base64url(
	    arena, span_of(bytes, FINGERPRINT + position->size));
}

static bool
parse_cursor(struct arena *arena, struct span text, const struct filter *filter,
    struct position *ret_position)
{
	uint8_t bytes[CURSOR], expected[FINGERPRINT];
	struct span position;
	size_t size;

	if (!digest_base64url_decode(text, bytes, sizeof(bytes), &size) ||
	    size <= FINGERPRINT)
		return false;
	position = span_of(bytes + FINGERPRINT, size - FINGERPRINT);
	fingerprint(arena, filter, position, expected);
	if (memcmp(bytes, expected, FINGERPRINT) != 0)
		return false;
	ret_position->size = (uint8_t)position.size;
	memcpy(ret_position->bytes, position.data, position.size);
	return true;
}

static void
fault_cursor(struct faults *faults)
{
	faults_add(faults, (struct fault){
			       .type = "value_error",
			       .message = "Value error, Malformed cursor",
			       .area = "query",
			       .name = SPAN("cursor"),
			   });
}

/* ---- request ---- */

static void
read_list(struct request *request, struct faults *faults, struct list *list)
{
	struct arena *arena = request->arena;
	struct span cursor;
	size_t i;

	*list = (struct list){ .limit = LIMIT_PAGE_DEFAULT };
	for (i = 0; i < FILTERS; i++)
		filter_set(arena, &list->filter, i,
		    query_find(arena, request->query, filter_rows[i].name));
	query_number(query_find(arena, request->query, "limit"), "limit",
	    LIMIT_PAGE, faults, &list->limit);
	cursor = query_find(arena, request->query, "cursor");
	if (cursor.data != NULL &&
	    !parse_cursor(arena, cursor, &list->filter, &list->position))
		fault_cursor(faults);
}

/* ---- answer ---- */

static struct span
next_link(const struct context *context, struct request *request,
    const struct list *list, const struct position *next)
{
	struct buffer link;

	buffer_init(&link, request->arena);
	buffer_append_byte(&link, '<');
	handle_id_root(context, request, &link);
	buffer_append_byte(&link, '?');
	filter_append(&link, &list->filter);
	buffer_append(&link, SPAN("limit="));
	buffer_append_number(&link, list->limit);
	buffer_append(&link, SPAN("&cursor="));
	buffer_append(
	    &link, format_cursor(request->arena, &list->filter, next));
	buffer_append(&link, SPAN(">; rel=\"next\""));
	return buffer_span(&link);
}

static void
answer_page(const struct context *context, struct request *request,
    struct response *response, const struct list *list, const struct page *page)
{
	struct json_value *array = json_array(request->arena);
	size_t i;

	for (i = 0; i < page->count; i++)
		json_push(array,
		    artifact_summary(page->artifacts[i], request->arena));
	response_json(response, 200, array);
	if (page->has_more)
		response_header(response, "Link",
		    next_link(context, request, list, &page->next));
}

void
handle_list(const struct context *context, struct request *request,
    struct response *response)
{
	struct page page = { .count = 0 };
	enum result result = RESULT_OK;
	struct faults faults;
	struct list list;

	faults_init(&faults, request->arena);
	read_list(request, &faults, &list);
	if (faults.count == 0)
		result = store_list(context->store, &list.filter,
		    &list.position, list.limit, request->arena, &page);
	if (result == RESULT_MALFORMED)
		fault_cursor(&faults);
	if (faults.count > 0)
		response_faults(response, &faults);
	else if (result != RESULT_OK)
		response_result(response, result, SPAN_NONE);
	else
		answer_page(context, request, response, &list, &page);
}
