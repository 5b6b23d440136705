/* SPDX-License-Identifier: ISC */
/*
 * fuzz_multipart.c - a body gives the same events and the same verdict in one
 * piece, cut in two anywhere, and byte by byte. The boundary is "B".
 */
#include "fuzz.h"
#include "multipart.h"

static void
note(struct buffer *text, char mark, struct span span)
{
	buffer_append_byte(text, mark);
	buffer_append(text, span.data == NULL ? SPAN("-") : span);
}

static enum result
note_begin(void *object, const struct multipart_part *part)
{
	note(object, '<', part->name);
	note(object, '|', part->filename);
	note(object, '|', part->content_type);
	note(object, '>', part->repr_digest);
	return RESULT_OK;
}

static enum result
note_data(void *object, struct span data)
{
	DEMAND(data.size > 0);
	buffer_append(object, data);
	return RESULT_OK;
}

static enum result
note_end(void *object)
{
	note(object, '.', SPAN(""));
	return RESULT_OK;
}

/* Fed in a first piece, then in pieces of a size; all events as text. */
static struct span
events(struct arena *arena, struct span body, size_t first, size_t size)
{
	struct buffer *text = arena_alloc(arena, sizeof(*text));
	struct multipart_events to = { .object = text,
		.part_begin = note_begin,
		.part_data = note_data,
		.part_end = note_end };
	struct multipart *multipart = multipart_open(arena, SPAN("B"), &to);
	enum result result = RESULT_OK;

	buffer_init(text, arena);
	while (result == RESULT_OK && body.size > 0) {
		if (first > body.size)
			first = body.size;
		result = multipart_feed(multipart, span_of(body.data, first));
		body = span_from(body, first);
		first = size;
	}
	if (result == RESULT_OK)
		result = multipart_finish(multipart);
	/* What came before a fault may differ; the verdict may not. */
	if (result != RESULT_OK) {
		buffer_clear(text);
		buffer_append(text, span_str(multipart_error(multipart)));
	}
	return buffer_span(text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_open();
	struct span body = arena_copy(arena, span_of(data, size));
	struct span whole = events(arena, body, size, size);
	size_t cut;

	(void)multipart_boundary(arena, body);
	DEMAND(span_equal(events(arena, body, 1, 1), whole));
	/* All of a small one, or it is slow. */
	for (cut = 1; cut < size; cut += 1 + size / 64)
		DEMAND(span_equal(events(arena, body, cut, size), whole));
	arena_close(arena);
	return 0;
}
