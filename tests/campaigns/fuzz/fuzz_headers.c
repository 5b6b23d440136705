/* SPDX-License-Identifier: ISC */
/*
 * fuzz_headers.c - the headers of a part, and filenames that are written and
 * read again. The input as a block of headers means the same alone and in a
 * body. As a name or a filename it is read as it was written, in each of the
 * forms of RFC 7578, 6266 and 8187.
 */
#include "protocol/multipart.h"
#include "protocol/header.h"
#include "fuzz.h"
#include "base/limits.h"
#include "protocol/query.h"
#include "api/response.h"
#include "protocol/utf8.h"

/* ---- a block as it came ---- */

struct heard {
	struct arena *arena;
	struct multipart_part part;
	bool is_begun;
};

static enum result
begin(void *object, const struct multipart_part *part)
{
	struct heard *heard = object;

	DEMAND(!heard->is_begun);
	heard->is_begun = true;
	heard->part.name = arena_copy(heard->arena, part->name);
	heard->part.filename = arena_copy(heard->arena, part->filename);
	heard->part.content_type = arena_copy(heard->arena, part->content_type);
	heard->part.repr_digest = arena_copy(heard->arena, part->repr_digest);
	return RESULT_OK;
}

static enum result
ignore_data(void *object, struct span data)
{
	(void)object;
	(void)data;
	return RESULT_OK;
}

static enum result
ignore_end(void *object)
{
	(void)object;
	return RESULT_OK;
}

/* The part of a body that has this block. */
static struct heard
in_a_body(struct arena *arena, struct span block)
{
	struct heard heard = { .arena = arena };
	struct multipart_events events = { &heard, begin, ignore_data,
		ignore_end };
	struct multipart *multipart = multipart_open(arena, SPAN("B"), &events);
	enum result result;

	result = multipart_feed(multipart, SPAN("--B\r\n"));
	if (result == RESULT_OK)
		result = multipart_feed(multipart, block);
	if (result == RESULT_OK)
		result = multipart_feed(multipart, SPAN("\r\n\r\n--B--"));
	DEMAND(result == RESULT_OK || !heard.is_begun);
	return heard;
}

static bool
is_same(struct span one, struct span other)
{
	return span_equal(one, other) &&
	       (one.data == NULL) == (other.data == NULL);
}

/* Would the empty line that ends the headers come earlier or later? */
static bool
is_block(struct span text)
{
	return text.size > 0 && text.size + 2 <= LIMIT_MULTIPART_HEADERS &&
	       text.data[text.size - 1] == '\n' &&
	       !span_starts_with(text, "\r\n") &&
	       memmem(text.data, text.size, "\r\n\r\n", 4) == NULL;
}

static void
demand_block(struct arena *arena, struct span block)
{
	struct multipart_part part;
	struct heard heard;
	bool is_good;

	is_good = multipart_headers_parse(arena, block, &part) == RESULT_OK;
	if (is_good) {
		DEMAND(utf8_is_valid(part.name));
		DEMAND(utf8_is_valid(part.filename));
		DEMAND(utf8_is_valid(part.content_type));
		DEMAND(part.content_type.data == NULL ||
		       part.content_type.size > 0);
	}
	if (!is_block(block))
		return;
	heard = in_a_body(arena, block);
	DEMAND(heard.is_begun == (is_good && part.name.data != NULL));
	if (!heard.is_begun)
		return;
	DEMAND(is_same(heard.part.name, part.name));
	DEMAND(is_same(heard.part.filename, part.filename));
	DEMAND(is_same(heard.part.content_type, part.content_type));
	DEMAND(is_same(heard.part.repr_digest, part.repr_digest));
}

/* ---- written and read ---- */

static void
append_quoted(struct buffer *buffer, struct span text)
{
	size_t i;

	buffer_append_byte(buffer, '"');
	for (i = 0; i < text.size; i++) {
		if (text.data[i] == '"' || text.data[i] == '\\')
			buffer_append_byte(buffer, '\\');
		buffer_append_byte(buffer, text.data[i]);
	}
	buffer_append_byte(buffer, '"');
}

static bool
has_control(struct span text)
{
	size_t i;

	for (i = 0; i < text.size; i++)
		if ((unsigned char)text.data[i] < ' ' || text.data[i] == 0x7f)
			return true;
	return false;
}

static void
demand_read(struct arena *arena, const struct buffer *block, struct span name,
    struct span filename)
{
	struct multipart_part part;

	DEMAND(multipart_headers_parse(arena, buffer_span(block), &part) ==
	       RESULT_OK);
	DEMAND(span_equal(part.name, name));
	DEMAND(is_same(part.filename, filename));
}

/* As browsers and curl send it. */
static void
demand_quoted(struct arena *arena, struct span text)
{
	struct buffer block;

	buffer_init(&block, arena);
	buffer_append(&block, SPAN("content-disposition: x;name="));
	append_quoted(&block, text);
	buffer_append(&block, SPAN(" ; FileName = "));
	append_quoted(&block, text);
	buffer_append(&block, SPAN("\r\nX-Other: \"\r\n"));
	demand_read(arena, &block, text, text);
}

/* RFC 8187 counts, whatever the plain one says. */
static void
demand_extended(struct arena *arena, struct span text)
{
	struct buffer block;

	buffer_init(&block, arena);
	buffer_append(&block,
	    SPAN("Content-Disposition: form-data; filename*=UTF-8'en'"));
	query_encode(&block, text);
	buffer_append(&block, SPAN("; filename=plain; name=n\r\n"));
	demand_read(arena, &block, SPAN("n"), text);
}

/* What a download is told is what an upload of it would say. */
static void
demand_disposition(struct arena *arena, struct span filename)
{
	struct span text = header_disposition(arena, false, filename);
	struct buffer block;
	size_t i;

	for (i = 0; i < text.size; i++)
		DEMAND(text.data[i] >= ' ' && text.data[i] < 0x7f);
	if (filename.size == 0) {
		DEMAND(span_is(text, "attachment"));
		return;
	}
	buffer_init(&block, arena);
	buffer_append(&block, SPAN("Content-Disposition: "));
	buffer_append(&block, text);
	buffer_append(&block, SPAN("; name=n\r\n"));
	demand_read(arena, &block, SPAN("n"), filename);
}

static void
demand_boundary(struct arena *arena, struct span text)
{
	const char *reason = NULL;
	struct span boundary = multipart_boundary(arena, text, &reason);
	struct buffer type;

	if (boundary.data == NULL) {
		DEMAND(reason != NULL);
		return;
	}
	DEMAND(boundary.size >= 1 && boundary.size <= 70);
	DEMAND(!has_control(boundary) && utf8_is_valid(boundary));
	buffer_init(&type, arena);
	buffer_append(&type, SPAN("multipart/form-data;a=\"b;\"; Boundary="));
	append_quoted(&type, boundary);
	DEMAND(span_equal(
	    multipart_boundary(arena, buffer_span(&type), &reason), boundary));
}

/* ---- the target ---- */

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_open();
	struct span input = arena_copy(arena, span_of(data, size));
	struct span text = utf8_repair(arena, input);

	demand_block(arena, input);
	demand_boundary(arena, input);
	if (!has_control(text))
		demand_quoted(arena, text);
	demand_extended(arena, text);
	demand_disposition(arena, text);
	arena_close(arena);
	return 0;
}
