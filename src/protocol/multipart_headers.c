/* SPDX-License-Identifier: ISC */
/*
 * multipart_headers.c - header lines of a part and the parameters in them:
 * quoted or not, and as RFC 8187 encodes them. Also the boundary, which is
 * such a parameter of the request's Content-Type.
 */

#include "multipart_headers.h"

#include "base/limits.h"
#include "query.h"
#include "utf8.h"

/* ---- parameters ---- */

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
take_quoted_as(enum backslash backslash, struct arena *arena, struct span *rest,
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

static bool
take_quoted(struct arena *arena, struct span *rest, struct span *ret_value)
{
	return take_quoted_as(BACKSLASH_ESCAPES, arena, rest, ret_value) ||
	       take_quoted_as(BACKSLASH_STANDS, arena, rest, ret_value) ||
	       take_quoted_as(BACKSLASH_MIXED, arena, rest, ret_value);
}

static bool
take_token(struct span *rest, struct span *ret_value)
{
	*ret_value = span_trim(span_split(rest, ';'));
	return span_find(*ret_value, '"') == ret_value->size;
}

/*
 * Take the next "; name=value" off the rest, which begins behind a ';'.
 * A word without '=' is skipped. RESULT_END: there is no more.
 */
static enum result
next_parameter(
    struct arena *arena, struct span *rest, struct parameter *ret_parameter)
{
	struct span word, name;
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
		if (span_starts_with(*rest, "\""))
			is_good =
			    take_quoted(arena, rest, &ret_parameter->value);
		else
			is_good = take_token(rest, &ret_parameter->value);
		ret_parameter->name = name;
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
	const struct span others = SPAN("'()+_,-./:=? ");
	size_t i;

	if (text.data[text.size - 1] == ' ')
		return false;
	for (i = 0; i < text.size; i++)
		if (!ascii_is_alpha(text.data[i]) &&
		    !ascii_is_digit(text.data[i]) &&
		    span_find(others, text.data[i]) == others.size)
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
	return value.data != NULL && is_token(*ret_name) && !span_has_control(value);
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
