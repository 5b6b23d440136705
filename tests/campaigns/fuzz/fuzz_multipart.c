/* SPDX-License-Identifier: ISC */
/*
 * fuzz_multipart.c - a body gives the same events and the same result in one
 * piece, cut in two anywhere, byte by byte, and with a plain reader that gets
 * the whole body.
 *
 * The first byte of the input chooses a boundary, of any length, and of
 * bytes that look like its own beginning. In the rest some bytes mean longer
 * texts: \1 is CRLF--boundary, \2 the same without its last byte, \3 the
 * headers of a field, \4 those of a file.
 */
#include "fuzz.h"
#include "base/limits.h"
#include "protocol/multipart.h"

#define MOST 3000 /* bytes of a body; the longer, the slower */

/* ---- the body ---- */

static struct span
chosen_boundary(struct arena *arena, unsigned char choice)
{
	static const char *const patterns[] = { "B", "-", "B-", "--B" };
	const char *pattern = patterns[choice / 70];
	size_t i, size = choice % 70u + 1;
	char *boundary = arena_alloc(arena, size);

	for (i = 0; i < size; i++)
		boundary[i] = pattern[i % strlen(pattern)];
	return span_of(boundary, size);
}

static struct span
expanded(struct arena *arena, struct span input, struct span boundary)
{
	struct span line = arena_printf(
	    arena, "\r\n--%.*s", (int)boundary.size, boundary.data);
	const struct span stands_for[] = {
		line,
		{ line.data, line.size - 1 },
		SPAN("\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n"),
		SPAN("\r\ncontent-disposition: x; name=b; filename=c\r\n\r\n"),
	};
	struct buffer body;
	size_t i;

	buffer_init(&body, arena);
	for (i = 0; i < input.size && body.size < MOST; i++)
		if (input.data[i] >= 1 && input.data[i] <= 4)
			buffer_append(&body, stands_for[input.data[i] - 1]);
		else
			buffer_append_byte(&body, input.data[i]);
	return arena_copy(arena, buffer_span(&body));
}

/* ---- events as text ---- */

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

/* Fed in a first piece, then in pieces of a size. */
static struct span
events(struct arena *arena, struct span boundary, struct span body,
    size_t first, size_t size)
{
	struct buffer *text = arena_alloc(arena, sizeof(*text));
	struct multipart_events to = { .object = text,
		.part_begin = note_begin,
		.part_data = note_data,
		.part_end = note_end };
	struct multipart *multipart = multipart_open(arena, boundary, &to);
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

/* ---- the plain reader ---- */

enum behind { BEHIND_DATA, BEHIND_PART, BEHIND_CLOSE };

/* Take what stands behind a boundary, if that makes it one. */
static enum behind
take_behind(struct span *rest)
{
	size_t i = 0;

	if (span_starts_with(*rest, "--"))
		return BEHIND_CLOSE;
	while (i < rest->size && strchr(" \t", rest->data[i]) != NULL &&
	       rest->data[i] != '\0')
		i++;
	if (i > 64 || !span_starts_with(span_from(*rest, i), "\r\n"))
		return BEHIND_DATA;
	*rest = span_from(*rest, i + 2);
	return BEHIND_PART;
}

/* Take all up to a boundary and with it; false: there is none. */
static bool
take_data(struct span *rest, struct span line, struct span *ret_data,
    enum behind *ret_behind)
{
	const char *start = rest->data, *found;

	for (;;) {
		found = rest->size == 0 ? NULL
					: memmem(rest->data, rest->size,
					      line.data, line.size);
		if (found == NULL)
			return false;
		*rest =
		    span_from(*rest, (size_t)(found - rest->data) + line.size);
		*ret_behind = take_behind(rest);
		if (*ret_behind == BEHIND_DATA)
			continue;
		*ret_data = span_of(start, (size_t)(found - start));
		return true;
	}
}

/* Take the header lines and the empty one; false: they do not end. */
static bool
take_block(struct span *rest, struct span *ret_block)
{
	const char *end;
	size_t size = 0;

	if (!span_starts_with(*rest, "\r\n")) {
		end = rest->size == 0
			  ? NULL
			  : memmem(rest->data, rest->size, "\r\n\r\n", 4);
		if (end == NULL)
			return false;
		size = (size_t)(end - rest->data) + 2;
	}
	*ret_block = span_of(rest->data, size);
	*rest = span_from(*rest, size + 2);
	return size + 2 <= LIMIT_MULTIPART_HEADERS;
}

static const char malformed[] = "There was an error parsing the body";

/* NULL: the body is good, and its events are in text. */
static const char *
read_plainly(struct arena *arena, struct span rest, struct span line,
    struct buffer *text)
{
	struct span data, block;
	struct multipart_part part;
	enum behind behind;
	size_t i;

	/* A preamble is read over, but not one with a boundary in it, or one
	 * that is all there is. */
	if (!take_data(&rest, line, &data, &behind) ||
	    (data.size > 0 && memmem(data.data, data.size, line.data + 2,
				  line.size - 2) != NULL))
		return malformed;
	if (behind == BEHIND_CLOSE)
		for (i = 0; i < data.size; i++)
			if (data.data[i] != '\r' && data.data[i] != '\n')
				return malformed;
	while (behind == BEHIND_PART) {
		if (!take_block(&rest, &block) ||
		    multipart_headers_parse(arena, block, &part) != RESULT_OK)
			return malformed;
		if (part.name.data == NULL)
			return "The Content-Disposition header field \"name\" "
			       "must be provided.";
		(void)note_begin(text, &part);
		if (!take_data(&rest, line, &data, &behind))
			return malformed;
		buffer_append(text, data);
		(void)note_end(text);
	}
	return NULL;
}

static struct span
plain_events(struct arena *arena, struct span boundary, struct span body)
{
	struct span line = arena_printf(
	    arena, "\r\n--%.*s", (int)boundary.size, boundary.data);
	struct buffer *text = arena_alloc(arena, sizeof(*text));
	struct buffer whole;
	const char *error;

	/* The first line of a body is a line like all others. */
	buffer_init(&whole, arena);
	buffer_append(&whole, SPAN("\r\n"));
	buffer_append(&whole, body);
	buffer_init(text, arena);
	error = read_plainly(arena, buffer_span(&whole), line, text);
	return error != NULL ? span_str(error) : buffer_span(text);
}

/* ---- the target ---- */

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_open();
	struct span input, boundary, body, whole;
	size_t cut;

	if (size > 0) {
		input = span_of(data + 1, size - 1);
		boundary = chosen_boundary(arena, data[0]);
		body = expanded(arena, input, boundary);
		size = body.size + 1;
		whole = events(arena, boundary, body, size, size);
		DEMAND(span_equal(plain_events(arena, boundary, body), whole));
		DEMAND(span_equal(events(arena, boundary, body, 1, 1), whole));
		/* All of a small one, or it is slow. */
		for (cut = 1; cut < size; cut += 1 + size / 50)
			DEMAND(span_equal(
			    events(arena, boundary, body, cut, size), whole));
	}
	arena_close(arena);
	return 0;
}
