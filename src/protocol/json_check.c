/* SPDX-License-Identifier: ISC */
/*
 * json_check.c - is it JSON, strictly, and is it small enough?
 *
 * A machine of four steps, each of which looks at one byte that is no white
 * space and says which step is next:
 *
 *	value   a scalar, or an opening bracket         -> first, after
 *	first   the closing bracket at once, or an item -> after, key, value
 *	key     a string and a colon                    -> value
 *	after   comma, closing bracket, or the end      -> key, value, after
 *
 * What is open is an array of bools, so nesting costs a byte, no stack.
 *
 * Behind the machine stand readers of text that has passed it, which need none
 * of its steps: they find strings, and what is between them. Knows nothing of
 * json-c.
 */
#include "json_check.h"
#include "base/limits.h"
#include "utf8.h"

enum step { STEP_VALUE, STEP_FIRST, STEP_KEY, STEP_AFTER, STEP_DONE, STEP_BAD };

struct checker {
	struct arena *arena;
	struct json_shape *shape;
	const char *at;
	const char *end;
	enum json_verdict verdict; /* why, at STEP_BAD */
	bool wants_items;	   /* of the outermost array, as members */
	size_t member_capacity;
	size_t value_count;
	size_t depth;
	bool is_object[LIMIT_JSON_DEPTH];
};

/* ---- bytes ---- */

/* The byte at hand, or NUL, which is nowhere right, at the end. */
static char
peek(const struct checker *checker)
{
	return checker->at == checker->end ? '\0' : *checker->at;
}

static bool
take(struct checker *checker, char byte)
{
	if (checker->at == checker->end || *checker->at != byte)
		return false;
	checker->at++;
	return true;
}

static bool
is_space(char byte)
{
	return byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r';
}

static void
skip_space(struct checker *checker)
{
	while (checker->at < checker->end && is_space(*checker->at))
		checker->at++;
}

static enum step
bad(struct checker *checker, enum json_verdict verdict)
{
	checker->verdict = verdict;
	return STEP_BAD;
}

/* ---- members of the outermost object, items of the outermost array ---- */

/* Is what comes next noted: a member, or an item if they are asked for? */
static bool
is_noted(const struct checker *checker)
{
	return checker->depth == 1 &&
	       (checker->is_object[0] || checker->wants_items);
}

static struct json_member *
last_member(const struct checker *checker)
{
	return &checker->shape->members[checker->shape->member_count - 1];
}

static struct json_member *
add_member(struct checker *checker)
{
	struct json_shape *shape = checker->shape;

	shape->members =
	    arena_grow(checker->arena, shape->members, shape->member_count,
		&checker->member_capacity, sizeof(*shape->members));
	shape->member_count++;
	*last_member(checker) = (struct json_member){ 0 };
	return last_member(checker);
}

static void
note_unpaired(struct checker *checker)
{
	if (checker->shape->member_count > 0)
		last_member(checker)->has_unpaired = true;
}

/* A value is complete: if it is a member's, note where it ends. */
static enum step
end_value(struct checker *checker)
{
	struct json_member *member;

	if (is_noted(checker)) {
		member = last_member(checker);
		member->value.size = (size_t)(checker->at - member->value.data);
	}
	return STEP_AFTER;
}

/* ---- scalars; false leaves the checker at the first wrong byte ---- */

static bool
take_hex(struct checker *checker, unsigned *ret_code)
{
	unsigned code = 0;
	int digit;
	int i;

	for (i = 0; i < 4; i++) {
		digit = ascii_hex(peek(checker));
		if (digit < 0)
			return false;
		code = code * 16 + (unsigned)digit;
		checker->at++;
	}

	*ret_code = code;
	return true;
}

static bool
is_high_surrogate(unsigned code)
{
	return code >= 0xd800 && code <= 0xdbff;
}

static bool
is_low_surrogate(unsigned code)
{
	return code >= 0xdc00 && code <= 0xdfff;
}

/* Take the other half of a pair if it comes next. */
static bool
take_low_surrogate(struct checker *checker)
{
	const char *start = checker->at;
	unsigned code;

	if (take(checker, '\\') && take(checker, 'u') &&
	    take_hex(checker, &code) && is_low_surrogate(code))
		return true;

	checker->at = start;
	return false;
}

/* What follows a backslash. */
static bool
take_escape(struct checker *checker)
{
	static const struct span simple = { "\"\\/bfnrt", 8 };
	unsigned code;

	if (!take(checker, 'u')) {
		if (span_find(simple, peek(checker)) == simple.size)
			return false;
		checker->at++;
		return true;
	}

	if (!take_hex(checker, &code))
		return false;
	if (is_low_surrogate(code) ||
	    (is_high_surrogate(code) && !take_low_surrogate(checker)))
		note_unpaired(checker);
	return true;
}

static bool
take_string(struct checker *checker)
{
	if (!take(checker, '"'))
		return false;

	for (;;) {
		while (checker->at < checker->end &&
		       (unsigned char)*checker->at >= 0x20 &&
		       *checker->at != '"' && *checker->at != '\\')
			checker->at++;
		if (take(checker, '"'))
			return true;
		if (!take(checker, '\\') || !take_escape(checker))
			return false;
	}
}

static bool
take_digits(struct checker *checker)
{
	size_t count = span_digits(
	    span_of(checker->at, (size_t)(checker->end - checker->at)));

	checker->at += count;
	return count > 0;
}

static bool
take_number(struct checker *checker)
{
	(void)take(checker, '-'); /* may be there or not, like the others */
	if (!take(checker, '0') && !take_digits(checker))
		return false;
	if (take(checker, '.') && !take_digits(checker))
		return false;
	if (take(checker, 'e') || take(checker, 'E')) {
		if (!take(checker, '+'))
			(void)take(checker, '-');
		return take_digits(checker);
	}
	return true;
}

static bool
take_literal(struct checker *checker, const char *literal)
{
	for (; *literal != '\0'; literal++)
		if (!take(checker, *literal))
			return false;
	return true;
}

static bool
take_scalar(struct checker *checker)
{
	switch (peek(checker)) {
	case '"':
		return take_string(checker);
	case 't':
		return take_literal(checker, "true");
	case 'f':
		return take_literal(checker, "false");
	case 'n':
		return take_literal(checker, "null");
	default:
		return take_number(checker);
	}
}

/* ---- steps ---- */

static enum step
open_bracket(struct checker *checker)
{
	if (checker->depth == LIMIT_JSON_DEPTH)
		return bad(checker, JSON_TOO_DEEP);

	checker->is_object[checker->depth++] = *checker->at++ == '{';
	return STEP_FIRST;
}

static bool
close_bracket(struct checker *checker)
{
	if (!take(checker, checker->is_object[checker->depth - 1] ? '}' : ']'))
		return false;
	checker->depth--;
	return true;
}

static enum step
next_item(const struct checker *checker)
{
	return checker->is_object[checker->depth - 1] ? STEP_KEY : STEP_VALUE;
}

static enum step
step_value(struct checker *checker)
{
	char byte = peek(checker);

	if (checker->value_count++ == LIMIT_JSON_VALUES)
		return bad(checker, JSON_TOO_MANY);
	if (is_noted(checker)) {
		if (!checker->is_object[0])
			(void)add_member(checker);
		last_member(checker)->value.data = checker->at;
	}
	if (byte == '{' || byte == '[')
		return open_bracket(checker);
	if (!take_scalar(checker))
		return bad(checker, JSON_SYNTAX);
	return end_value(checker);
}

static enum step
step_first(struct checker *checker)
{
	return close_bracket(checker) ? end_value(checker) : next_item(checker);
}

static enum step
step_key(struct checker *checker)
{
	const char *start = checker->at;
	bool is_member = is_noted(checker);

	if (is_member)
		(void)add_member(checker); /* before its key is looked at */
	if (!take_string(checker))
		return bad(checker, JSON_SYNTAX);
	if (is_member)
		last_member(checker)->key =
		    span_of(start + 1, (size_t)(checker->at - start) - 2);

	skip_space(checker);
	return take(checker, ':') ? STEP_VALUE : bad(checker, JSON_SYNTAX);
}

static enum step
step_after(struct checker *checker)
{
	if (checker->depth == 0)
		return checker->at == checker->end ? STEP_DONE
						   : bad(checker, JSON_SYNTAX);
	if (take(checker, ','))
		return next_item(checker);
	if (close_bracket(checker))
		return end_value(checker);
	return bad(checker, JSON_SYNTAX);
}

/* ---- the whole ---- */

/* How many characters of valid UTF-8 these are. */
static size_t
count_characters(struct span text)
{
	size_t count = 0;
	size_t i;

	for (i = 0; i < text.size; i++)
		if (((unsigned char)text.data[i] & 0xc0) != 0x80)
			count++;
	return count;
}

static enum json_verdict
check(struct arena *arena, struct span text, bool wants_items,
    struct json_shape *ret_shape)
{
	static enum step (*const steps[])(struct checker *) = {
		[STEP_VALUE] = step_value,
		[STEP_FIRST] = step_first,
		[STEP_KEY] = step_key,
		[STEP_AFTER] = step_after,
	};
	struct checker checker = {
		.arena = arena, .shape = ret_shape, .wants_items = wants_items
	};
	enum step step = STEP_VALUE;

	if (text.data == NULL)
		text = SPAN("");
	if (span_starts_with(text, "\xef\xbb\xbf"))
		text = span_from(text, 3); /* a byte order mark */
	*ret_shape = (struct json_shape){ .text = text };
	if (!utf8_is_valid(text))
		return JSON_ENCODING;

	checker.at = text.data;
	checker.end = text.data + text.size;
	while (step != STEP_DONE && step != STEP_BAD) {
		skip_space(&checker);
		step = steps[step](&checker);
	}

	if (step == STEP_DONE)
		return JSON_VALID;
	ret_shape->offset = count_characters(
	    span_of(text.data, (size_t)(checker.at - text.data)));
	return checker.verdict;
}

enum json_verdict
json_check(struct arena *arena, struct span text, struct json_shape *ret_shape)
{
	return check(arena, text, false, ret_shape);
}

bool
json_read_items(struct arena *arena, struct span text, struct span **ret_items,
    size_t *ret_count)
{
	struct json_shape shape;
	size_t i;

	if (check(arena, text, true, &shape) != JSON_VALID ||
	    !span_starts_with(span_strip(shape.text, JSON_SPACE), "["))
		return false;
	*ret_count = shape.member_count;
	*ret_items = arena_alloc(arena, *ret_count * sizeof(**ret_items));
	for (i = 0; i < *ret_count; i++)
		(*ret_items)[i] = shape.members[i].value;
	return true;
}

size_t
json_string_end(struct span text, size_t i)
{
	for (i++; text.data[i] != '"'; i++)
		if (text.data[i] == '\\')
			i++;
	return i + 1;
}

struct span
json_compact(struct arena *arena, struct span value)
{
	struct buffer buffer;
	size_t start;
	size_t i = 0;

	buffer_init(&buffer, arena);
	buffer_reserve(&buffer, value.size);
	while (i < value.size) {
		start = i;
		while (i < value.size && !is_space(value.data[i]))
			i = value.data[i] == '"' ? json_string_end(value, i)
						 : i + 1;
		buffer_append(&buffer, span_of(value.data + start, i - start));
		while (i < value.size && is_space(value.data[i]))
			i++;
	}

	return buffer_span(&buffer);
}

/* ---- the values of checked text ---- */

/* The number of four hex digits. */
static unsigned
hex_code(const char *digits)
{
	unsigned code = 0;
	int i;

	for (i = 0; i < 4; i++)
		code = code * 16 + (unsigned)ascii_hex(digits[i]);
	return code;
}

/* Decode the escape that text begins with, and say how long it is. */
static size_t
decode_escape(struct span text, struct buffer *buffer)
{
	static const char letters[] = "\"\\/bfnrt";
	static const char bytes[] = "\"\\/\b\f\n\r\t";
	unsigned code, low;

	if (text.data[1] != 'u') {
		buffer_append_byte(
		    buffer, bytes[strchr(letters, text.data[1]) - letters]);
		return 2;
	}
	code = hex_code(text.data + 2);
	if (!is_high_surrogate(code) && !is_low_surrogate(code)) {
		utf8_append(buffer, code);
		return 6;
	}
	low = text.size >= 12 && text.data[6] == '\\' && text.data[7] == 'u'
		  ? hex_code(text.data + 8)
		  : 0;
	if (is_high_surrogate(code) && is_low_surrogate(low)) {
		utf8_append(
		    buffer, 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00));
		return 12;
	}
	buffer_append(buffer, UTF8_REPLACEMENT);
	return 6;
}

/* What a string means, of which the span has what stands between the quotes. */
static struct span
decode_string(struct span text, struct buffer *buffer)
{
	size_t run = span_find(text, '\\');

	if (run == text.size)
		return text;
	buffer_clear(buffer);
	for (;;) {
		buffer_append(buffer, span_of(text.data, run));
		text = span_from(text, run);
		if (text.size == 0)
			return buffer_span(buffer);
		text = span_from(text, decode_escape(text, buffer));
		run = span_find(text, '\\');
	}
}

/* Only a key has a colon behind it. */
static bool
is_key(struct span text, size_t end)
{
	while (end < text.size && is_space(text.data[end]))
		end++;
	return end < text.size && text.data[end] == ':';
}

static size_t
scalar_end(struct span text, size_t i)
{
	while (i < text.size && !is_space(text.data[i]) &&
	       !ascii_is_one_of(text.data[i], ",]}"))
		i++;
	return i;
}

bool
json_next_value(
    struct span *rest, struct buffer *buffer, struct span *ret_value)
{
	struct span text = *rest;
	bool is_string;
	size_t i = 0, end;

	for (; i < text.size; i = end) {
		end = i + 1;
		if (is_space(text.data[i]) ||
		    ascii_is_one_of(text.data[i], "{}[],:"))
			continue;
		is_string = text.data[i] == '"';
		end =
		    is_string ? json_string_end(text, i) : scalar_end(text, i);
		if (text.data[i] == 'n' || (is_string && is_key(text, end)))
			continue;
		*rest = span_from(text, end);
		*ret_value = span_of(text.data + i, end - i);
		if (is_string)
			*ret_value = decode_string(
			    span_of(text.data + i + 1, end - i - 2), buffer);
		return true;
	}
	*rest = span_from(text, text.size);
	return false;
}
