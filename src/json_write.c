/* SPDX-License-Identifier: ISC */
/*
 * json_write.c - building JSON with json-c, and streaming a JSON string.
 *
 * A struct json is a json-c object under another name. The arena holds one
 * reference to each object and array made here, and what it was put into
 * another, so the order of release does not matter.
 */
#include "json.h"
#include "utf8.h"

/* json-c has a type of the name of our function. */
#define json_object json_c_object
#include <json-c/json.h>
#undef json_object

#include <assert.h>
#include <stdlib.h>

static struct json_c_object *
from_json(struct json *value)
{
	return (struct json_c_object *)value;
}

/* json-c returns NULL for lack of memory alone, which ends the process. */
static struct json_c_object *
made(struct json_c_object *object)
{
	if (object == NULL)
		abort();
	return object;
}

static void
release(void *object)
{
	(void)json_object_put(object);
}

static struct json *
owned(struct arena *arena, struct json_c_object *object)
{
	arena_defer(arena, release, made(object));
	return (struct json *)object;
}

struct json *
json_object(struct arena *arena)
{
	return owned(arena, json_object_new_object());
}

struct json *
json_array(struct arena *arena)
{
	return owned(arena, json_object_new_array());
}

/* Put a value, NULL for null, and give our reference away. */
static void
put(struct json *object, const char *name, struct json_c_object *value)
{
	if (json_object_object_add(from_json(object), name, value) != 0)
		abort();
}

static void
push(struct json *array, struct json_c_object *value)
{
	if (json_object_array_add(from_json(array), value) != 0)
		abort();
}

static struct json_c_object *
text_value(struct span text)
{
	assert(text.size <= INT32_MAX);
	return made(json_object_new_string_len(text.data, (int)text.size));
}

void
json_put_text(struct json *object, const char *name, struct span text)
{
	put(object, name, text.data == NULL ? NULL : text_value(text));
}

void
json_put_number(struct json *object, const char *name, uint64_t number)
{
	put(object, name, made(json_object_new_uint64(number)));
}

void
json_put_bool(struct json *object, const char *name, bool value)
{
	put(object, name, made(json_object_new_boolean(value)));
}

void
json_put_source(struct json *object, const char *name, struct span text)
{
	struct json_c_object *value = made(json_object_new_boolean(false));
	char *source = strndup(text.data, text.size);

	if (source == NULL)
		abort();

	/* json-c's way of writing a value in a form of its own */
	json_object_set_serializer(value, json_object_userdata_to_json_string,
	    source, json_object_free_userdata);
	put(object, name, value);
}

void
json_put(struct json *object, const char *name, struct json *value)
{
	put(object, name, json_object_get(from_json(value)));
}

void
json_push(struct json *array, struct json *value)
{
	push(array, json_object_get(from_json(value)));
}

void
json_push_text(struct json *array, struct span text)
{
	push(array, text_value(text));
}

void
json_push_number(struct json *array, uint64_t number)
{
	push(array, made(json_object_new_uint64(number)));
}

struct span
json_text(struct arena *arena, struct json *value)
{
	size_t size = 0;
	const char *text = json_object_to_json_string_length(from_json(value),
	    JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE, &size);

	if (text == NULL)
		abort();
	return arena_copy(arena, span_of(text, size));
}

struct span
json_detail(struct arena *arena, struct span text)
{
	struct json *object = json_object(arena);

	json_put_text(object, "detail", text);
	return json_text(arena, object);
}

/* ---- streaming ---- */

static void
append_replacement(struct buffer *buffer)
{
	buffer_append(buffer, SPAN("\xef\xbf\xbd"));
}

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
			append_replacement(buffer);
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

/* How many bytes it begins with that stand for themselves. */
static size_t
plain_run(struct span bytes)
{
	size_t i = 0;
	size_t size;

	while (i < bytes.size && !is_special(bytes.data[i])) {
		if ((unsigned char)bytes.data[i] < 0x80)
			size = 1;
		else if (utf8_next(span_from(bytes, i), &size) != UTF8_OK)
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
			append_replacement(buffer);
		}
		piece = span_from(piece, size);
	}

	if (is_last && escaper->carried > 0) {
		append_replacement(buffer);
		escaper->carried = 0;
	}
}
