/* SPDX-License-Identifier: ISC */
/*
 * multipart.c - where parts begin and end, and what their headers say.
 *
 * A delimiter is CRLF--B. The body begins as if a CRLF stood before it, so
 * its first line is found like every other. Data goes out as it came in,
 * without a copy; only an end of a piece that may become a delimiter is held
 * back, and joined with the head of the next piece.
 */

#include "multipart.h"

#include "base/limits.h"
#include "query.h"
#include "utf8.h"

#include <assert.h>

#define PADDING 64 /* spaces and tabs behind a boundary */
#define DELIMITER (4 + LIMIT_MULTIPART_BOUNDARY)
/* A delimiter, its padding, and one byte of what decides. */
#define HOLD (DELIMITER + PADDING + 1)

/* ---- the headers of a part, and the boundary ---- */

/*
 * Header lines and the parameters in them: quoted or not, and as RFC 8187
 * encodes them. The boundary is such a parameter of the request's Content-Type.
 */

struct parameter {
	struct span name;
	struct span value;
};

/*
 * What a backslash means in a quoted string. Two kinds of clients tell names
 * in different ways, and nothing says which one wrote a header:
 *
 * - As RFC 9110 has it, a backslash stands before each quote and each
 *   backslash: curl up to 7.80, Python's email, most libraries.
 * - As the WHATWG has it, a quote becomes %22, and a backslash stays as it
 *   is: browsers, curl since. (What becomes %22 is not turned back, for a
 *   name may have that itself.)
 *
 * So a string is read as the first if every backslash in it can be one of
 * those, else as the second, and then as a mixture; each time only if the
 * quote that ends it is followed by a semicolon or by nothing. So "end\" is a
 * name that ends in a backslash, of a browser, since nothing would end it
 * otherwise; "end\\" is the same of a curl of old.
 */
enum backslash {
	BACKSLASH_ESCAPES,
	BACKSLASH_STANDS,
	BACKSLASH_MIXED, /* before a quote or backslash it escapes */
};

static bool
is_escape(struct span text, size_t i, enum backslash backslash)
{
	return backslash != BACKSLASH_STANDS && text.data[i] == '\\' &&
	       i + 1 < text.size &&
	       (text.data[i + 1] == '"' || text.data[i + 1] == '\\');
}

/* Take a quoted string and the ';' behind it, or leave all as it is. */
static bool
take_quoted(enum backslash backslash, struct arena *arena, struct span *rest,
    struct span *ret_value)
{
	struct span behind;
	size_t size = 0;
	size_t end, i;
	char *text;

	for (end = 1; end < rest->size && rest->data[end] != '"'; end++) {
		if (is_escape(*rest, end, backslash))
			end++;
		else if (rest->data[end] == '\\' &&
			 backslash == BACKSLASH_ESCAPES)
			return false;
	}
	if (end >= rest->size)
		return false;
	behind = span_trim(span_from(*rest, end + 1));
	if (span_split(&behind, ';').size > 0)
		return false;
	text = arena_alloc(arena, end);
	for (i = 1; i < end; i++) {
		if (is_escape(*rest, i, backslash))
			i++;
		text[size++] = rest->data[i];
	}
	*ret_value = span_of(text, size);
	*rest = behind;
	return true;
}

/*
 * Take the next "; name=value" off the rest, which begins behind a ';'.
 * A word without '=' is skipped. RESULT_END: there is no more.
 */
static enum result
next_parameter(
    struct arena *arena, struct span *rest, struct parameter *ret_parameter)
{
	struct span word, name, value = SPAN_NONE;
	size_t end;
	bool is_good;

	while (rest->size > 0) {
		word = span_of(rest->data, span_find(*rest, ';'));
		end = span_find(word, '=');
		if (end == word.size) {
			(void)span_split(rest, ';');
			continue;
		}
		name = span_trim(span_of(word.data, end));
		*rest = span_trim(span_from(*rest, end + 1));
		if (span_starts_with(*rest, "\"")) {
			is_good =
			    take_quoted(
				BACKSLASH_ESCAPES, arena, rest, &value) ||
			    take_quoted(
				BACKSLASH_STANDS, arena, rest, &value) ||
			    take_quoted(BACKSLASH_MIXED, arena, rest, &value);
		} else {
			value = span_trim(span_split(rest, ';'));
			is_good = span_find(value, '"') == value.size;
		}
		*ret_parameter = (struct parameter){ name, value };
		return is_good ? RESULT_OK : RESULT_MALFORMED;
	}
	return RESULT_END;
}

/* Where the value of a header or parameter goes; it may be there once. */
struct wanted {
	const char *name;
	struct span *value;
};

static enum result
keep(const struct wanted *wanted, struct span name, struct span value)
{
	for (; wanted->name != NULL; wanted++) {
		if (!span_is_nocase(name, wanted->name))
			continue;
		if (wanted->value->data != NULL)
			return RESULT_MALFORMED;
		*wanted->value = value;
	}
	return RESULT_OK;
}

/* The wanted parameters of "word; name=value; name=value". */
static enum result
find_parameters(
    struct arena *arena, struct span header, const struct wanted *wanted)
{
	struct parameter parameter;
	enum result result;

	(void)span_split(&header, ';'); /* the type itself */
	for (;;) {
		result = next_parameter(arena, &header, &parameter);
		if (result == RESULT_END)
			return RESULT_OK;
		if (result == RESULT_OK)
			result = keep(wanted, parameter.name, parameter.value);
		if (result != RESULT_OK)
			return result;
	}
}

/* ---- the boundary ---- */

/* RFC 2046, 5.1.1: bchars, and no space at the end. */
static bool
is_boundary(struct span text)
{
	size_t i;

	if (text.data[text.size - 1] == ' ')
		return false;
	for (i = 0; i < text.size; i++)
		if (!ascii_is_alpha(text.data[i]) &&
		    !ascii_is_digit(text.data[i]) &&
		    !ascii_is_one_of(text.data[i], "'()+_,-./:=? "))
			return false;
	return true;
}

struct span
multipart_boundary(
    struct arena *arena, struct span content_type, const char **ret_reason)
{
	struct span boundary = SPAN_NONE;
	const struct wanted wanted[] = {
		{ "boundary", &boundary },
		{ NULL, NULL },
	};

	if (find_parameters(arena, content_type, wanted) != RESULT_OK)
		*ret_reason = "The parameters of the Content-Type, of which "
			      "the boundary is one, cannot be read";
	else if (boundary.size == 0)
		*ret_reason = "Missing boundary in multipart.";
	else if (boundary.size > LIMIT_MULTIPART_BOUNDARY)
		*ret_reason = arena_printf(arena,
		    "The boundary of the multipart body has %zu "
		    "characters; RFC 2046 allows %d",
		    boundary.size, LIMIT_MULTIPART_BOUNDARY)
				  .data;
	else if (!is_boundary(boundary))
		*ret_reason = "The boundary of the multipart body has a "
			      "character that RFC 2046 does not allow there";
	else
		return arena_copy(arena, boundary);
	return SPAN_NONE;
}

/* ---- header lines ---- */

static bool
is_token(struct span text)
{
	unsigned char byte;
	size_t i;

	for (i = 0; i < text.size; i++) {
		byte = (unsigned char)text.data[i];
		if (byte <= ' ' || byte >= 0x7f)
			return false;
	}
	return text.size > 0;
}

/* Take the next line, without its CRLF. */
static bool
next_line(struct span *rest, struct span *ret_name, struct span *ret_value)
{
	struct span line = span_split(rest, '\n');
	struct span value;

	if (rest->data == NULL || line.size == 0 ||
	    line.data[line.size - 1] != '\r')
		return false;
	line.size--;
	value = line;
	*ret_name = span_split(&value, ':');
	*ret_value = span_trim(value);
	return value.data != NULL && is_token(*ret_name) &&
	       !span_has_control(value);
}

/*
 * charset'language'value (RFC 8187, 3.2); what is not UTF-8 is repaired.
 * Nobody has to know another charset: then the plain filename counts, and
 * where there is none it is a file whose name is not known.
 */
static bool
decode_extended(
    struct arena *arena, struct span extended, struct span *filename)
{
	struct span charset = span_split(&extended, '\'');

	(void)span_split(&extended, '\''); /* the language */
	if (extended.data == NULL)
		return false;
	if (span_is_nocase(charset, "UTF-8"))
		*filename = query_decode_path(arena, extended);
	else if (filename->data == NULL)
		*filename = SPAN("");
	return true;
}

static enum result
parse_disposition(
    struct arena *arena, struct span header, struct multipart_part *part)
{
	struct span extended = SPAN_NONE;
	const struct wanted wanted[] = {
		{ "name", &part->name },
		{ "filename", &part->filename },
		{ "filename*", &extended },
		{ NULL, NULL },
	};
	enum result result;

	result = find_parameters(arena, header, wanted);
	if (result != RESULT_OK)
		return result;
	part->name = utf8_repair(arena, part->name);
	part->filename = utf8_repair(arena, part->filename);
	if (extended.data != NULL &&
	    !decode_extended(arena, extended, &part->filename))
		return RESULT_MALFORMED;
	return RESULT_OK;
}

static struct span
unless_empty(struct span span)
{
	return span.size == 0 ? SPAN_NONE : span;
}

enum result
multipart_headers_parse(
    struct arena *arena, struct span block, struct multipart_part *ret_part)
{
	struct multipart_part part = { .name = SPAN_NONE };
	struct span disposition = SPAN_NONE;
	struct span name, value;
	const struct wanted wanted[] = {
		{ "Content-Disposition", &disposition },
		{ "Content-Type", &part.content_type },
		{ "Content-Encoding", &part.content_encoding },
		{ "Repr-Digest", &part.repr_digest },
		{ NULL, NULL },
	};
	enum result result;

	while (block.size > 0) {
		if (!next_line(&block, &name, &value))
			return RESULT_MALFORMED;
		result = keep(wanted, name, value);
		if (result != RESULT_OK)
			return result;
	}
	result = parse_disposition(arena, disposition, &part);
	if (result != RESULT_OK)
		return result;
	part.content_type = utf8_repair(arena, unless_empty(part.content_type));
	part.repr_digest = unless_empty(part.repr_digest);
	*ret_part = part;
	return RESULT_OK;
}

/* ---- the parser ---- */

enum state { STATE_PREAMBLE, STATE_HEADERS, STATE_DATA, STATE_EPILOGUE };

struct multipart {
	struct arena *arena;
	struct arena *scratch; /* of one part's headers */
	struct multipart_events events;
	struct span delimiter;
	enum state state;
	enum result result; /* not RESULT_OK: it has stopped */
	const char *error;
	struct buffer headers; /* of the present part; first the preamble */
	size_t files;
	size_t fields;
	bool is_file;
	uint64_t part_size;
	size_t held_size;
	char held[2 * HOLD]; /* held back, and the head of the next piece */
};

static void
close_scratch(void *scratch)
{
	arena_close(scratch);
}

struct multipart *
multipart_open(struct arena *arena, struct span boundary,
    const struct multipart_events *events)
{
	struct multipart *multipart = arena_alloc(arena, sizeof(*multipart));

	assert(boundary.size > 0 && boundary.size <= LIMIT_MULTIPART_BOUNDARY);
	multipart->arena = arena;
	multipart->scratch = arena_open();
	arena_defer(arena, close_scratch, multipart->scratch);
	multipart->events = *events;
	multipart->delimiter = arena_printf(
	    arena, "\r\n--%.*s", (int)boundary.size, boundary.data);
	multipart->error = "There was an error parsing the body";
	buffer_init(&multipart->headers, arena);
	memcpy(multipart->held, "\r\n", 2);
	multipart->held_size = 2;
	return multipart;
}

const char *
multipart_error(const struct multipart *multipart)
{
	return multipart->error;
}

static void
fail(struct multipart *multipart, const char *error)
{
	multipart->result = RESULT_MALFORMED;
	if (error != NULL)
		multipart->error = error;
}

/* ---- headers ---- */

static void
count_part(struct multipart *multipart)
{
	size_t *count =
	    multipart->is_file ? &multipart->files : &multipart->fields;
	const char *what = multipart->is_file ? "files" : "fields";

	if (++*count > LIMIT_MULTIPART_PARTS)
		fail(multipart, arena_printf(multipart->arena,
				    "Too many %s. Maximum number of %s is %d.",
				    what, what, LIMIT_MULTIPART_PARTS)
				    .data);
}

static void
begin_part(struct multipart *multipart)
{
	struct span block = buffer_span(&multipart->headers);
	struct multipart_part part;

	block.size -= 2; /* the empty line */
	multipart->result =
	    multipart_headers_parse(multipart->scratch, block, &part);
	if (multipart->result != RESULT_OK)
		return;
	if (part.name.data == NULL) {
		fail(multipart, "The Content-Disposition header field \"name\" "
				"must be provided.");
		return;
	}
	multipart->is_file = part.filename.data != NULL;
	multipart->part_size = 0;
	count_part(multipart);
	if (multipart->result != RESULT_OK)
		return;
	multipart->state = STATE_DATA;
	multipart->result =
	    multipart->events.part_begin(multipart->events.object, &part);
}

static bool
has_empty_line(struct span block)
{
	if (block.size == 2)
		return span_is(block, "\r\n");
	return block.size >= 4 &&
	       span_is(span_from(block, block.size - 4), "\r\n\r\n");
}

/* A line at a time, until one is empty. */
static void
take_headers(struct multipart *multipart, struct span *bytes)
{
	struct buffer *headers = &multipart->headers;
	size_t size = span_find(*bytes, '\n');

	if (size < bytes->size)
		size++;
	if (size > LIMIT_MULTIPART_HEADERS - headers->size) {
		fail(multipart, NULL);
		return;
	}
	buffer_append(headers, span_of(bytes->data, size));
	*bytes = span_from(*bytes, size);
	if (!has_empty_line(buffer_span(headers)))
		return;
	begin_part(multipart);
	buffer_clear(headers);
	arena_reset(multipart->scratch);
}

/* ---- data ---- */

/* Keep the preamble until the first boundary comes. Two bytes of it are the
 * CRLF that multipart_open put before the body. */
static void
take_preamble(struct multipart *multipart, struct span data)
{
	struct buffer *preamble = &multipart->headers;

	if (data.size > LIMIT_MULTIPART_PREAMBLE + 2 - preamble->size)
		fail(multipart, arena_printf(multipart->arena,
				    "The multipart body has more than %d bytes "
				    "before its first boundary",
				    LIMIT_MULTIPART_PREAMBLE)
				    .data);
	else
		buffer_append(preamble, data);
}

/*
 * The preamble is over. It must not have hidden a part, or that would be lost
 * without a word: a boundary in it (behind a bare LF or a space, so that it was
 * not seen as one) is an error, and so is any text in it if no part follows.
 */
static void
end_preamble(struct multipart *multipart, enum state next)
{
	struct buffer *preamble = &multipart->headers;
	struct span boundary = span_from(multipart->delimiter, 2);

	if (next == STATE_EPILOGUE &&
	    span_strip(buffer_span(preamble), "\r\n").size > 0)
		fail(multipart, NULL);
	if (preamble->size > 0 && memmem(preamble->data, preamble->size,
				      boundary.data, boundary.size) != NULL)
		fail(multipart, NULL);
	buffer_clear(preamble);
}

static void
hand_out(struct multipart *multipart, struct span data)
{
	if (data.size == 0)
		return;
	if (multipart->state == STATE_PREAMBLE) {
		take_preamble(multipart, data);
		return;
	}
	multipart->part_size += data.size;
	if (!multipart->is_file &&
	    multipart->part_size > LIMIT_MULTIPART_FIELD) {
		fail(multipart, arena_printf(multipart->arena,
				    "Part exceeded maximum size of %dKB.",
				    LIMIT_MULTIPART_FIELD / 1024)
				    .data);
		return;
	}
	multipart->result =
	    multipart->events.part_data(multipart->events.object, data);
}

/* Index of the delimiter, or data.size. */
static size_t
find_delimiter(const struct multipart *multipart, struct span data)
{
	const char *found;

	if (data.size == 0)
		return 0;
	found = memmem(data.data, data.size, multipart->delimiter.data,
	    multipart->delimiter.size);
	return found == NULL ? data.size : (size_t)(found - data.data);
}

/*
 * How many bytes at the end are the beginning of a delimiter. It has one CR,
 * its first byte, so only the last CR can begin it.
 */
static size_t
cut_off_size(const struct multipart *multipart, struct span data)
{
	size_t most = multipart->delimiter.size - 1;
	const char *last;
	size_t size;

	if (data.size > most)
		data = span_from(data, data.size - most);
	if (data.size == 0)
		return 0;
	last = memrchr(data.data, '\r', data.size);
	if (last == NULL)
		return 0;
	size = data.size - (size_t)(last - data.data);
	return memcmp(last, multipart->delimiter.data, size) == 0 ? size : 0;
}

enum behind { BEHIND_CUT_OFF, BEHIND_DATA, BEHIND_PART, BEHIND_CLOSE };

/* What the bytes behind a boundary make of it; *ret_size of them belong. */
static enum behind
look_behind(struct span bytes, size_t *ret_size)
{
	size_t i = 0;

	if (bytes.size >= 2 && span_starts_with(bytes, "--")) {
		*ret_size = 2;
		return BEHIND_CLOSE;
	}
	if (span_is(bytes, "-"))
		return BEHIND_CUT_OFF;
	while (i < bytes.size && i <= PADDING &&
	       (bytes.data[i] == ' ' || bytes.data[i] == '\t'))
		i++;
	if (i > PADDING)
		return BEHIND_DATA;
	*ret_size = i + 2;
	bytes = span_from(bytes, i);
	if (bytes.size == 0 || span_is(bytes, "\r"))
		return BEHIND_CUT_OFF;
	return span_starts_with(bytes, "\r\n") ? BEHIND_PART : BEHIND_DATA;
}

static void
end_part(struct multipart *multipart, enum state next)
{
	if (multipart->state == STATE_PREAMBLE)
		end_preamble(multipart, next);
	if (multipart->state == STATE_DATA)
		multipart->result =
		    multipart->events.part_end(multipart->events.object);
	multipart->state = next;
}

/*
 * Hand out data up to a delimiter, or up to what may become one, which is at
 * most HOLD bytes. Returns how many bytes of the window need not come again.
 */
static size_t
scan(struct multipart *multipart, struct span window)
{
	struct span rest = window;
	size_t data, behind;

	while (multipart->result == RESULT_OK) {
		data = find_delimiter(multipart, rest);
		if (data == rest.size) {
			data -= cut_off_size(multipart, rest);
			hand_out(multipart, span_of(rest.data, data));
			return window.size - rest.size + data;
		}
		hand_out(multipart, span_of(rest.data, data));
		if (multipart->result != RESULT_OK)
			break;
		rest = span_from(rest, data);
		data = multipart->delimiter.size;
		switch (look_behind(span_from(rest, data), &behind)) {
		case BEHIND_CUT_OFF:
			return window.size - rest.size;
		case BEHIND_DATA:
			hand_out(multipart, span_of(rest.data, data));
			rest = span_from(rest, data);
			break;
		case BEHIND_PART:
			end_part(multipart, STATE_HEADERS);
			return window.size - rest.size + data + behind;
		case BEHIND_CLOSE:
			end_part(multipart, STATE_EPILOGUE);
			return window.size;
		}
	}
	return window.size;
}

/* Scan what was held back together with the head of the new bytes. */
static void
join(struct multipart *multipart, struct span *bytes)
{
	size_t held = multipart->held_size;
	size_t head = bytes->size < HOLD ? bytes->size : HOLD;
	size_t done;

	memcpy(multipart->held + held, bytes->data, head);
	done = scan(multipart, span_of(multipart->held, held + head));
	if (done >= held) {
		multipart->held_size = 0;
		*bytes = span_from(*bytes, done - held);
		return;
	}
	/* What may be a delimiter goes on beyond the bytes that there are. */
	assert(head == bytes->size);
	multipart->held_size = held + head - done;
	memmove(multipart->held, multipart->held + done, multipart->held_size);
	*bytes = SPAN_NONE;
}

static void
take_data(struct multipart *multipart, struct span *bytes)
{
	if (multipart->held_size > 0) {
		join(multipart, bytes);
		return;
	}
	*bytes = span_from(*bytes, scan(multipart, *bytes));
	if (multipart->state == STATE_HEADERS || bytes->size == 0)
		return;
	assert(bytes->size <= HOLD);
	memcpy(multipart->held, bytes->data, bytes->size);
	multipart->held_size = bytes->size;
	*bytes = SPAN_NONE;
}

/* ---- the whole ---- */

enum result
multipart_feed(struct multipart *multipart, struct span bytes)
{
	while (bytes.size > 0 && multipart->result == RESULT_OK &&
	       multipart->state != STATE_EPILOGUE) {
		if (multipart->state == STATE_HEADERS)
			take_headers(multipart, &bytes);
		else
			take_data(multipart, &bytes);
	}
	return multipart->result;
}

enum result
multipart_finish(struct multipart *multipart)
{
	if (multipart->result == RESULT_OK &&
	    multipart->state != STATE_EPILOGUE)
		fail(multipart, NULL);
	return multipart->result;
}
