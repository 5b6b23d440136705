/* SPDX-License-Identifier: ISC */
/*
 * json_write.c - building JSON text, and streaming a JSON string.
 *
 * A value is the text that it is so far, without its last bracket. Strings
 * go through the escaper that content needs anyway, as it comes in pieces.
 */
#include "json.h"
#include "utf8.h"

#define VALUE_SIZE 256 /* what most objects fit in, to grow only once */
#define RUN 16	       /* bytes that are looked at together */

struct json_value {
	struct buffer text;
	char close;
};

static struct json_value *
value_open(struct arena *arena, char open, char close)
{
	struct json_value *value = arena_alloc(arena, sizeof(*value));

	buffer_init(&value->text, arena);
	buffer_reserve(&value->text, VALUE_SIZE);
	buffer_append_byte(&value->text, open);
	value->close = close;
	return value;
}

struct json_value *
json_object(struct arena *arena)
{
	return value_open(arena, '{', '}');
}

struct json_value *
json_array(struct arena *arena)
{
	return value_open(arena, '[', ']');
}

/* A comma, unless it is the first. */
static void
begin_element(struct json_value *array)
{
	if (array->text.size > 1)
		buffer_append_byte(&array->text, ',');
}

/* Names are our own and need no escaping. */
static void
begin_member(struct json_value *object, const char *name)
{
	size_t size = strlen(name);
	char *room;

	begin_element(object);
	room = buffer_extend(&object->text, size + 3);
	room[0] = '"';
	memcpy(room + 1, name, size);
	memcpy(room + 1 + size, "\":", 2);
}

static void
append_text(struct buffer *buffer, struct span text)
{
	struct json_escaper escaper = { 0 };

	if (text.data == NULL) {
		buffer_append(buffer, SPAN("null"));
		return;
	}
	buffer_reserve(buffer, text.size + 2);
	buffer_append_byte(buffer, '"');
	json_escape(&escaper, text, true, buffer);
	buffer_append_byte(buffer, '"');
}

static void
append_value(struct buffer *buffer, const struct json_value *value)
{
	buffer_append(buffer, buffer_span(&value->text));
	buffer_append_byte(buffer, value->close);
}

void
json_put_text(struct json_value *object, const char *name, struct span text)
{
	begin_member(object, name);
	append_text(&object->text, text);
}

void
json_put_number(struct json_value *object, const char *name, uint64_t number)
{
	begin_member(object, name);
	buffer_append_number(&object->text, number);
}

void
json_put_bool(struct json_value *object, const char *name, bool is_true)
{
	json_put_source(object, name, is_true ? SPAN("true") : SPAN("false"));
}

void
json_put_source(struct json_value *object, const char *name, struct span text)
{
	begin_member(object, name);
	buffer_append(&object->text, text);
}

void
json_put(
    struct json_value *object, const char *name, const struct json_value *value)
{
	begin_member(object, name);
	append_value(&object->text, value);
}

void
json_push(struct json_value *array, const struct json_value *value)
{
	begin_element(array);
	append_value(&array->text, value);
}

void
json_push_text(struct json_value *array, struct span text)
{
	begin_element(array);
	append_text(&array->text, text);
}

void
json_push_number(struct json_value *array, uint64_t number)
{
	begin_element(array);
	buffer_append_number(&array->text, number);
}

struct span
json_text(struct arena *arena, const struct json_value *value)
{
	struct buffer text;

	buffer_init(&text, arena);
	buffer_reserve(&text, value->text.size + 1);
	append_value(&text, value);
	return buffer_span(&text);
}

struct span
json_detail(struct arena *arena, struct span text)
{
	struct json_value *object = json_object(arena);

	json_put_text(object, "detail", text);
	return json_text(arena, object);
}

/* ---- streaming ---- */

static bool
is_special(char byte)
{
	return (unsigned char)byte < 0x20 || byte == '"' || byte == '\\';
}

static void
append_special(struct buffer *buffer, char byte)
{
	static const char short_forms[128] = { ['\b'] = 'b',
		['\t'] = 't',
		['\n'] = 'n',
		['\f'] = 'f',
		['\r'] = 'r',
		['"'] = '"',
		['\\'] = '\\' };
	static const char digits[] = "0123456789abcdef";
	char form = short_forms[(unsigned char)byte];

	buffer_append_byte(buffer, '\\');
	if (form != '\0') {
		buffer_append_byte(buffer, form);
		return;
	}
	buffer_append(buffer, SPAN("u00"));
	buffer_append_byte(buffer, digits[(unsigned char)byte >> 4]);
	buffer_append_byte(buffer, digits[byte & 0x0f]);
}

/*
 * Go on with the sequence that the last piece cut, and return what is left
 * of this one. What was carried is the start of a well-formed sequence, so
 * a byte that does not fit ends a maximal subpart and begins something new.
 */
static struct span
end_carried(
    struct json_escaper *escaper, struct span piece, struct buffer *buffer)
{
	enum utf8 verdict;
	size_t size;

	while (escaper->carried > 0 && piece.size > 0) {
		escaper->carry[escaper->carried] = piece.data[0];
		verdict = utf8_next(
		    span_of(escaper->carry, escaper->carried + 1), &size);
		if (verdict == UTF8_BAD) {
			buffer_append(buffer, UTF8_REPLACEMENT);
			escaper->carried = 0;
			break;
		}

		piece = span_from(piece, 1);
		escaper->carried++;
		if (verdict == UTF8_OK) {
			buffer_append(buffer, span_of(escaper->carry, size));
			escaper->carried = 0;
		}
	}

	return piece;
}

/* Of RUN bytes at once; a loop that compilers turn into vector code. */
static bool
is_plain_ascii(const char *bytes)
{
	signed char byte; /* from 0x80 on it is below 0 */
	unsigned char special = 0;
	size_t i;

	for (i = 0; i < RUN; i++) {
		byte = (signed char)bytes[i];
		special |= (byte < 0x20) | (byte == '"') | (byte == '\\');
	}
	return special == 0;
}

/* How many bytes it begins with that stand for themselves. */
static size_t
plain_run(struct span bytes)
{
	size_t i = 0;
	size_t size;

	while (i < bytes.size) {
		if (bytes.size - i >= RUN && is_plain_ascii(bytes.data + i)) {
			i += RUN;
			continue;
		}
		if ((unsigned char)bytes.data[i] < 0x80) {
			if (is_special(bytes.data[i]))
				break;
			i++;
			continue;
		}
		if (utf8_next(span_from(bytes, i), &size) != UTF8_OK)
			break;
		i += size;
	}

	return i;
}

void
json_escape(struct json_escaper *escaper, struct span piece, bool is_last,
    struct buffer *buffer)
{
	size_t size;

	piece = end_carried(escaper, piece, buffer);
	for (;;) {
		size = plain_run(piece);
		buffer_append(buffer, span_of(piece.data, size));
		piece = span_from(piece, size);
		if (piece.size == 0)
			break;

		size = 1;
		if (is_special(piece.data[0])) {
			append_special(buffer, piece.data[0]);
		} else if (utf8_next(piece, &size) == UTF8_CUT_OFF) {
			memcpy(escaper->carry, piece.data, size);
			escaper->carried = size;
		} else {
			buffer_append(buffer, UTF8_REPLACEMENT);
		}
		piece = span_from(piece, size);
	}

	if (is_last && escaper->carried > 0) {
		buffer_append(buffer, UTF8_REPLACEMENT);
		escaper->carried = 0;
	}
}
