/* SPDX-License-Identifier: ISC */
/*
 * json.c - reading JSON with json-c, and noting what is wrong with it.
 *
 * A text is checked as a whole, but json-c parses a member only when
 * a getter asks for it. So a body is held twice at most, unknown members
 * cost nothing, and keys are compared as spans: json-c would cut one at
 * a NUL and take "title\u0000x" for "title".
 */
#include "json.h"
#include "base/limits.h"

/* json-c has a type of the name of our function. */
#define json_object json_c_object
#include <json-c/json.h>
#undef json_object

#include <assert.h>
#include <stdlib.h>

/* ---- a document ---- */

/*
 * Bytes that checked text has as a string at least: a half of a pair of
 * surrogates counts for two, alone or not.
 */
static size_t
least_size(struct span text)
{
	char digits[5] = { 0 };
	size_t size = 0, i;
	unsigned long code;

	for (i = 1; i + 1 < text.size; i++, size++) {
		if (text.data[i] != '\\' || text.data[++i] != 'u')
			continue;
		memcpy(digits, text.data + i + 1, 4);
		code = strtoul(digits, NULL, 16);
		if (code >= 0x80)
			size++;
		if (code >= 0x800 && (code < 0xd800 || code > 0xdfff))
			size++;
		i += 4;
	}
	return size;
}

/*
 * json-c 0.16 says nothing when it has no memory: there is no value then, or
 * a string that lacks what did not fit.
 */
static bool
is_whole(struct json_c_object *value, struct span text)
{
	if (text.data[0] == '"')
		return value != NULL && (size_t)json_object_get_string_len(
					    value) >= least_size(text);
	return value != NULL || (text.data[0] != '{' && text.data[0] != '[');
}

/* A new value of checked text, the caller's to put; NULL for null. */
static struct json_c_object *
parse(struct span text)
{
	struct json_tokener *tokener =
	    json_tokener_new_ex(LIMIT_JSON_DEPTH + 1);
	struct json_c_object *value;

	if (tokener == NULL)
		abort();
	assert(text.size <= INT32_MAX); /* max_json is below that */
	json_tokener_set_flags(tokener, JSON_TOKENER_STRICT);
	value = json_tokener_parse_ex(tokener, text.data, (int)text.size);
	json_tokener_free(tokener);
	if (!is_whole(value, text))
		abort();
	return value;
}

static struct span
text_of(struct json_c_object *string)
{
	return span_of(json_object_get_string(string),
	    (size_t)json_object_get_string_len(string));
}

struct span
json_decode_key(struct arena *arena, struct span key)
{
	if (span_find(key, '\\') == key.size)
		return key;
	/* The quotes stand around it in the text. */
	return json_text_of(arena, span_of(key.data - 1, key.size + 2));
}

static void
decode_keys(struct json_document *document)
{
	size_t i;

	for (i = 0; i < document->shape.member_count; i++)
		document->shape.members[i].key = json_decode_key(
		    document->arena, document->shape.members[i].key);
}

static void
note_syntax(struct faults *faults, size_t offset)
{
	faults_add(faults, (struct fault){ .type = "json_invalid",
			       .message = "JSON decode error",
			       .area = "body",
			       .has_index = true,
			       .index = offset });
}

static void
close_root(void *object)
{
	(void)json_object_put(object);
}

/* Empty so far, and released with the arena. */
static struct json *
open_root(struct arena *arena)
{
	struct json_c_object *root = json_object_new_object();

	if (root == NULL)
		abort(); /* for lack of memory alone */
	arena_defer(arena, close_root, root);
	return (struct json *)root;
}

enum json_verdict
json_read(struct arena *arena, struct span text, struct faults *faults,
    struct json_document *ret_document)
{
	enum json_verdict verdict;

	*ret_document = (struct json_document){ .arena = arena };
	if (text.size == 0) {
		fault_missing(faults, SPAN_NONE);
		return JSON_VALID;
	}

	verdict = json_check(arena, text, &ret_document->shape);
	if (verdict == JSON_SYNTAX)
		note_syntax(faults, ret_document->shape.offset);
	if (verdict != JSON_VALID)
		return verdict;

	switch (span_strip(ret_document->shape.text, JSON_SPACE).data[0]) {
	case '{':
		decode_keys(ret_document);
		ret_document->root = open_root(arena);
		break;
	case 'n':
		fault_missing(faults, SPAN_NONE);
		break;
	default:
		fault_not_object(faults);
	}
	return JSON_VALID;
}

/* ---- getters ---- */

/* The member of that name, of several the last; NULL if there is none. */
static const struct json_member *
find_member(const struct json_document *document, const char *name)
{
	size_t i;

	for (i = document->shape.member_count; i > 0; i--)
		if (span_is(document->shape.members[i - 1].key, name))
			return &document->shape.members[i - 1];

	return NULL;
}

struct span
json_get_source(const struct json_document *document, const char *name)
{
	const struct json_member *member = find_member(document, name);

	return member == NULL ? SPAN_NONE : member->value;
}

/* The value of a member; the root keeps it. */
static struct json_c_object *
member_value(const struct json_document *document, const char *name,
    const struct json_member *member)
{
	struct json_c_object *root = (struct json_c_object *)document->root;
	struct json_c_object *value;

	if (json_object_object_get_ex(root, name, &value))
		return value;

	value = parse(member->value);
	if (json_object_object_add(root, name, value) != 0)
		abort();
	return value;
}

struct span
json_get_string(const struct json_document *document, const char *name,
    enum json_need need, size_t limit, struct faults *faults)
{
	const struct json_member *member = find_member(document, name);
	struct span text;
	char first;

	if (member == NULL) {
		if (need == JSON_REQUIRED)
			fault_missing(faults, span_str(name));
		return SPAN_NONE;
	}

	first = member->value.data[0];
	if (first == 'n' && need == JSON_NULLABLE)
		return SPAN_NONE;
	if (first != '"') {
		fault_string_type(faults, span_str(name));
		return SPAN_NONE;
	}
	if (member->has_unpaired) {
		fault_string_unicode(faults, span_str(name));
		return SPAN_NONE;
	}

	text = text_of(member_value(document, name, member));
	if (limit != 0 && text.size > limit) {
		fault_too_long(faults, span_str(name), limit);
		return SPAN_NONE;
	}
	return text;
}

bool
json_get_bool(const struct json_document *document, const char *name,
    struct faults *faults, bool *ret_bool)
{
	const struct json_member *member = find_member(document, name);
	char first;

	if (member == NULL)
		return false;

	first = member->value.data[0];
	if (first != 't' && first != 'f') {
		fault_in_body(faults, "bool_type",
		    "Input should be a valid boolean", span_str(name));
		return false;
	}

	*ret_bool = first == 't';
	return true;
}

struct span
json_get_object_text(const struct json_document *document, const char *name,
    size_t limit, struct faults *faults)
{
	const struct json_member *member = find_member(document, name);
	struct span text;

	if (member == NULL)
		return SPAN_NONE;

	if (member->value.data[0] != '{') {
		fault_in_body(faults, "dict_type",
		    "Input should be a valid dictionary", span_str(name));
		return SPAN_NONE;
	}
	if (member->has_unpaired) {
		fault_string_unicode(faults, span_str(name));
		return SPAN_NONE;
	}

	text = json_object_kept(document->arena, member->value);
	if (text.size > limit) {
		fault_too_long(faults, span_str(name), limit);
		return SPAN_NONE;
	}
	if (!json_is_finite(text)) {
		fault_in_body(faults, "finite_number",
		    "Input should be a finite number", span_str(name));
		return SPAN_NONE;
	}
	return text;
}

static bool
is_uuid(struct span text)
{
	static const char form[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
	size_t i;

	if (text.size != sizeof(form) - 1)
		return false;
	for (i = 0; i < text.size; i++)
		if (form[i] == '-' ? text.data[i] != '-'
				   : ascii_hex(text.data[i]) < 0)
			return false;

	return true;
}

/* The id at an index of a list; SPAN_NONE with a fault if it is none. */
static struct span
id_at(struct json_c_object *list, size_t i, const char *name,
    struct faults *faults)
{
	struct json_c_object *item = json_object_array_get_idx(list, i);

	if (json_object_is_type(item, json_type_string) &&
	    is_uuid(text_of(item)))
		return text_of(item);

	faults_add(faults, (struct fault){ .type = "uuid_parsing",
			       .message = "Input should be a valid UUID",
			       .area = "body",
			       .name = span_str(name),
			       .has_index = true,
			       .index = i });
	return SPAN_NONE;
}

bool
json_get_ids(const struct json_document *document, const char *name,
    size_t limit, struct faults *faults, struct span **ret_ids,
    size_t *ret_count)
{
	const struct json_member *member = find_member(document, name);
	size_t faults_before = faults->count;
	struct json_c_object *list;
	struct span *ids;
	size_t count;
	size_t i;

	if (member == NULL)
		return false;

	list = member_value(document, name, member);
	if (!json_object_is_type(list, json_type_array)) {
		fault_in_body(faults, "list_type",
		    "Input should be a valid list", span_str(name));
		return false;
	}

	count = json_object_array_length(list);
	if (count > limit) {
		fault_in_body(faults, "too_long",
		    arena_printf(document->arena,
			"List should have at most %zu items", limit)
			.data,
		    span_str(name));
		return false;
	}

	ids = arena_alloc(document->arena, count * sizeof(*ids));
	for (i = 0; i < count; i++)
		ids[i] = id_at(list, i, name, faults);
	if (faults->count != faults_before)
		return false;

	*ret_ids = ids;
	*ret_count = count;
	return true;
}

/* ---- reading what a server answered ---- */

bool
json_get_number(const struct json_document *document, const char *name,
    uint64_t *ret_number)
{
	struct span source = json_get_source(document, name);

	return span_number(source, ret_number);
}

struct span
json_text_of(struct arena *arena, struct span source)
{
	struct json_c_object *string;
	struct span text;

	if (!span_starts_with(source, "\""))
		return SPAN_NONE;
	string = parse(source);
	text = arena_copy(arena, text_of(string));
	(void)json_object_put(string);
	return text;
}

struct span
json_get_text(const struct json_document *document, const char *name)
{
	return json_text_of(document->arena, json_get_source(document, name));
}

bool
json_read_object(struct arena *arena, struct span text,
    struct json_document *ret_document)
{
	struct faults faults;

	faults_init(&faults, arena);
	return json_read(arena, text, &faults, ret_document) == JSON_VALID &&
	       faults.count == 0;
}

/* ---- unknown members ---- */

/* By key, and of the same key in the order sent. */
static int
compare_members(const void *one, const void *other)
{
	const struct json_member *first = one, *second = other;
	int order = span_compare(first->key, second->key);

	return order != 0 ? order : (first > second) - (first < second);
}

static bool
is_known(struct span key, const char *const *names)
{
	for (; *names != NULL; names++)
		if (span_is(key, *names))
			return true;
	return false;
}

void
json_refuse_extra(const struct json_document *document,
    const char *const *names, struct faults *faults)
{
	const struct json_shape *shape = &document->shape;
	const void **extra =
	    arena_alloc(document->arena, shape->member_count * sizeof(*extra));
	bool *is_first = arena_alloc(document->arena, shape->member_count);
	const struct json_member *member, *last = NULL;
	size_t count = 0, i;

	for (i = 0; i < shape->member_count; i++)
		if (!is_known(shape->members[i].key, names))
			extra[count++] = &shape->members[i];
	/* Sorted, since looking back for each would be quadratic. */
	pointers_sort(extra, count, compare_members);
	for (i = 0; i < count; i++, last = member) {
		member = extra[i];
		if (last == NULL || !span_equal(last->key, member->key))
			is_first[member - shape->members] = true;
	}

	for (i = 0; i < shape->member_count; i++)
		if (is_first[i])
			fault_extra(faults, shape->members[i].key);
}
