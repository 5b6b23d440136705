/* SPDX-License-Identifier: ISC */
/*
 * fuzz_answer.c - artifactctl reads any answer of a server without harm:
 * headers, URLs, and lists. A filename stays in its directory and hides
 * nothing; a path can be put behind a base URL; the items of a list are JSON,
 * and together they are the whole list.
 */
#include "tool/client/http_text.h"
#include "fuzz.h"
#include "protocol/json.h"
#include "base/limits.h"
#include "protocol/utf8.h"

static void
demand_harmless(struct arena *arena, struct span disposition)
{
	struct span name = ctl_http_filename(arena, disposition);
	size_t i;

	if (name.data == NULL)
		return;
	DEMAND(name.size > 0 && name.size <= LIMIT_FILENAME);
	DEMAND(utf8_is_valid(name));
	DEMAND(name.data[0] != '.' && name.data[0] != '-');
	for (i = 0; i < name.size; i++)
		DEMAND(name.data[i] != '/' && name.data[i] != '\\' &&
		       (unsigned char)name.data[i] >= 0x20 &&
		       name.data[i] != 0x7f);
}

/* The header's name as it comes, and the input as what it says. */
static void
demand_named(struct arena *arena, struct span text)
{
	struct buffer header;

	demand_harmless(arena, text);
	buffer_init(&header, arena);
	buffer_append(&header, SPAN("attachment; filename*=UTF-8''"));
	buffer_append(&header, text);
	demand_harmless(arena, buffer_span(&header));
}

static void
demand_base(struct arena *arena, struct span text)
{
	struct span base = SPAN_NONE, again = SPAN_NONE, shown;

	if (!ctl_http_base(text, &base))
		return;
	DEMAND(base.size <= text.size && base.size > 7);
	DEMAND(base.data[base.size - 1] != '/');
	DEMAND(span_find(base, '?') == base.size);
	DEMAND(ctl_http_base(base, &again) && span_equal(base, again));
	shown = ctl_http_shown(arena, base);
	DEMAND(shown.size <= base.size);
	(void)ctl_http_is_loopback(base);
}

static void
demand_link(struct arena *arena, struct span text)
{
	struct span query = ctl_http_next_query(text);
	struct buffer link;

	DEMAND(query.data == NULL ||
	       (query.data >= text.data &&
		   query.data + query.size <= text.data + text.size &&
		   span_find(query, '>') == query.size));
	if (span_find(text, '>') < text.size)
		return;
	buffer_init(&link, arena);
	buffer_append(&link, SPAN("<x>; rel=prev, <y?"));
	buffer_append(&link, text);
	buffer_append(&link, SPAN(">; title=\"; rel=next\"; rel=\"next\""));
	DEMAND(span_equal(ctl_http_next_query(buffer_span(&link)), text));
}

static void
demand_wait(struct span text)
{
	uint64_t seconds = 0;

	if (ctl_http_retry_after(text, 0, &seconds) && text.size < 10)
		DEMAND(seconds < 1000000000);
}

/* Put together again, they are the array without its white space. */
static void
demand_items(struct arena *arena, struct span text)
{
	struct json_shape shape;
	struct span *items;
	struct buffer whole;
	size_t count, i;

	if (!json_read_items(arena, text, &items, &count))
		return;
	buffer_init(&whole, arena);
	buffer_append_byte(&whole, '[');
	for (i = 0; i < count; i++) {
		DEMAND(json_check(arena, items[i], &shape) == JSON_VALID);
		if (i > 0)
			buffer_append_byte(&whole, ',');
		buffer_append(&whole, json_compact(arena, items[i]));
		(void)json_text_of(arena, items[i]);
	}
	buffer_append_byte(&whole, ']');
	DEMAND(json_check(arena, text, &shape) == JSON_VALID);
	DEMAND(
	    span_equal(buffer_span(&whole), json_compact(arena, shape.text)));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_open();
	struct span text = arena_copy(arena, span_of(data, size));

	demand_named(arena, text);
	demand_base(arena, text);
	demand_link(arena, text);
	demand_wait(text);
	demand_items(arena, text);
	arena_close(arena);
	return 0;
}
