/* SPDX-License-Identifier: ISC */
/*
 * fuzz_json.c - json_check accepts exactly what a recursive reader of RFC 8259
 * accepts; json-c accepts that as well, to its end. Compact JSON is still
 * valid, and a second time nothing changes. A compact object means the same to
 * json-c, which takes the last of equal keys, and has no key twice. A walk meets
 * the values that json-c has, in order. The getters survive every value, and
 * return the type that was asked for.
 */
#include "fuzz.h"
#include "protocol/json.h"
#include "base/limits.h"
#include "protocol/utf8.h"

/* json-c has a type of the name of our function. */
#define json_object json_c_object
#include <json-c/json.h>
#undef json_object

/* ---- RFC 8259, a function a rule; false: not so, or too deep ---- */

static bool plain_value(struct span *rest, size_t depth);

static bool
take(struct span *rest, const char *text)
{
	if (!span_starts_with(*rest, text))
		return false;
	*rest = span_from(*rest, strlen(text));
	return true;
}

/* How many bytes of a set it begins with. */
static size_t
run(struct span *rest, const char *set)
{
	size_t size = 0;

	while (size < rest->size && rest->data[size] != '\0' &&
	       strchr(set, rest->data[size]) != NULL)
		size++;
	*rest = span_from(*rest, size);
	return size;
}

static bool
plain_escape(struct span *rest)
{
	size_t i;

	if (!take(rest, "u")) {
		if (rest->size == 0 || rest->data[0] == '\0' ||
		    strchr("\"\\/bfnrt", rest->data[0]) == NULL)
			return false;
		*rest = span_from(*rest, 1);
		return true;
	}
	for (i = 0; i < 4; i++) {
		if (rest->size == 0 || ascii_hex(rest->data[0]) < 0)
			return false;
		*rest = span_from(*rest, 1);
	}
	return true;
}

static bool
plain_string(struct span *rest)
{
	if (!take(rest, "\""))
		return false;
	while (rest->size > 0 && (unsigned char)rest->data[0] >= 0x20) {
		if (take(rest, "\""))
			return true;
		if (take(rest, "\\")) {
			if (!plain_escape(rest))
				return false;
		} else {
			*rest = span_from(*rest, 1);
		}
	}
	return false;
}

static bool
plain_number(struct span *rest)
{
	static const char digits[] = "0123456789";

	(void)take(rest, "-");
	if (!take(rest, "0") && run(rest, digits) == 0)
		return false;
	if (take(rest, ".") && run(rest, digits) == 0)
		return false;
	if (!take(rest, "e") && !take(rest, "E"))
		return true;
	if (!take(rest, "+"))
		(void)take(rest, "-");
	return run(rest, digits) > 0;
}

/* What stands between brackets, and the one that closes. */
static bool
plain_items(struct span *rest, const char *close, bool has_keys, size_t depth)
{
	if (depth > LIMIT_JSON_DEPTH)
		return false;
	(void)run(rest, " \t\r\n");
	if (take(rest, close))
		return true;
	do {
		(void)run(rest, " \t\r\n");
		if (has_keys) {
			if (!plain_string(rest))
				return false;
			(void)run(rest, " \t\r\n");
			if (!take(rest, ":"))
				return false;
		}
		if (!plain_value(rest, depth))
			return false;
	} while (take(rest, ","));
	return take(rest, close);
}

static bool
plain_value(struct span *rest, size_t depth)
{
	bool is_good;

	(void)run(rest, " \t\r\n");
	if (take(rest, "{"))
		is_good = plain_items(rest, "}", true, depth + 1);
	else if (take(rest, "["))
		is_good = plain_items(rest, "]", false, depth + 1);
	else if (span_starts_with(*rest, "\""))
		is_good = plain_string(rest);
	else
		is_good = take(rest, "true") || take(rest, "false") ||
			  take(rest, "null") || plain_number(rest);
	(void)run(rest, " \t\r\n");
	return is_good;
}

static bool
is_plain_json(struct span text)
{
	(void)take(&text, "\xef\xbb\xbf");
	return utf8_is_valid(text) && plain_value(&text, 0) && text.size == 0;
}

/* ---- what must hold ---- */

static struct json_c_object *
jsonc_parse(struct span text)
{
	struct json_tokener *tokener =
	    json_tokener_new_ex(LIMIT_JSON_DEPTH + 2);
	struct json_c_object *object;

	json_tokener_set_flags(
	    tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
	object = json_tokener_parse_ex(tokener, text.data, (int)text.size);
	/* A number at the very end wants to know that nothing follows. */
	if (json_tokener_get_error(tokener) == json_tokener_continue)
		object = json_tokener_parse_ex(tokener, " ", 1);
	DEMAND(json_tokener_get_error(tokener) == json_tokener_success);
	json_tokener_free(tokener);
	return object;
}

/* A walk over the rest of a text meets these values next. */
static void
demand_values(
    struct span *rest, struct buffer *buffer, struct json_c_object *object)
{
	struct json_object_iterator member, end;
	struct span value;
	size_t i;

	switch (json_object_get_type(object)) {
	case json_type_null:
		return;
	case json_type_object:
		/* Not json_object_object_foreach, which names the type. */
		end = json_object_iter_end(object);
		for (member = json_object_iter_begin(object);
		     !json_object_iter_equal(&member, &end);
		     json_object_iter_next(&member))
			demand_values(
			    rest, buffer, json_object_iter_peek_value(&member));
		return;
	case json_type_array:
		for (i = 0; i < json_object_array_length(object); i++)
			demand_values(
			    rest, buffer, json_object_array_get_idx(object, i));
		return;
	case json_type_string:
		DEMAND(json_next_value(rest, buffer, &value));
		DEMAND(utf8_is_valid(value));
		DEMAND(span_equal(
		    value, span_of(json_object_get_string(object),
			       (size_t)json_object_get_string_len(object))));
		return;
	case json_type_boolean:
		DEMAND(json_next_value(rest, buffer, &value));
		DEMAND(span_is(
		    value, json_object_get_boolean(object) ? "true" : "false"));
		return;
	default:
		DEMAND(json_next_value(rest, buffer, &value));
		DEMAND(plain_number(&value) && value.size == 0);
		return;
	}
}

static void
demand_walk(struct arena *arena, struct span text, struct json_c_object *object)
{
	struct buffer buffer;
	struct span value;

	buffer_init(&buffer, arena);
	demand_values(&text, &buffer, object);
	DEMAND(!json_next_value(&text, &buffer, &value));
}

/* What is kept of it; NUL in a key is where json-c ends it. */
static void
demand_kept(struct arena *arena, struct span text)
{
	struct span kept = json_object_kept(arena, text);
	struct json_c_object *one, *other;
	struct json_shape shape;

	DEMAND(json_check(arena, kept, &shape) == JSON_VALID);
	DEMAND(span_equal(json_object_kept(arena, kept), kept));
	(void)json_is_finite(kept);
	if (memmem(text.data, text.size, "\\u0000", 6) != NULL)
		return;
	one = jsonc_parse(text);
	other = jsonc_parse(kept);
	DEMAND(json_object_equal(one, other));
	demand_walk(arena, kept, other);
	json_object_put(one);
	json_object_put(other);
}

static void
demand_compact_is_stable(struct arena *arena, struct span text)
{
	struct json_shape shape;
	struct span once = json_compact(arena, text);

	DEMAND(once.size <= text.size);
	DEMAND(json_check(arena, once, &shape) == JSON_VALID);
	DEMAND(span_equal(json_compact(arena, once), once));
}

static void
demand_ids(const struct json_document *document, struct faults *faults)
{
	struct span *ids;
	size_t count, i;

	if (!json_get_ids(document, "a", 3, faults, &ids, &count))
		return;
	DEMAND(count <= 3);
	for (i = 0; i < count; i++)
		DEMAND(ids[i].size == 36);
}

static void
use_getters(struct arena *arena, struct span text)
{
	static const char *const names[] = { "a", "title", NULL };
	struct json_document document;
	struct json_shape shape;
	struct faults faults;
	struct span value;
	bool is_true;

	faults_init(&faults, arena);
	if (json_read(arena, text, &faults, &document) != JSON_VALID ||
	    document.root == NULL)
		return;
	value = json_get_string(&document, "a", JSON_REQUIRED, 5, &faults);
	DEMAND(value.size <= 5 && utf8_is_valid(value));
	(void)json_get_string(&document, "b", JSON_NULLABLE, 0, &faults);
	(void)json_get_bool(&document, "a", &faults, &is_true);
	value = json_get_object_text(&document, "a", 50, &faults);
	DEMAND(
	    value.data == NULL || (value.size <= 50 && value.data[0] == '{'));
	demand_ids(&document, &faults);
	json_refuse_extra(&document, names, &faults);
	DEMAND(json_check(arena, faults_json(&faults), &shape) == JSON_VALID);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_open();
	struct span text = arena_copy(arena, span_of(data, size));
	struct json_shape shape;
	bool is_valid;

	is_valid = json_check(arena, text, &shape) == JSON_VALID;
	DEMAND(is_valid == is_plain_json(text));
	DEMAND(is_valid || shape.offset <= size);
	if (is_valid) {
		json_object_put(jsonc_parse(shape.text));
		demand_kept(arena, shape.text);
		demand_compact_is_stable(arena, shape.text);
	}
	use_getters(arena, text);
	arena_close(arena);
	return 0;
}
