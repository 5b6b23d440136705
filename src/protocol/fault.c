/* SPDX-License-Identifier: ISC */
/*
 * fault.c - the list of a request's faults and its 422 form.
 *
 * The texts are those of the original service (pydantic's), since clients
 * show them to people. However many faults a request has and however long
 * the names in it are, the answer is short: names are cut, and the list ends
 * at a bound.
 */
#include "fault.h"
#include "json.h"
#include "base/limits.h"
#include "utf8.h"

void
faults_init(struct faults *faults, struct arena *arena)
{
	*faults = (struct faults){ .arena = arena };
}

void
faults_add(struct faults *faults, struct fault fault)
{
	if (faults->count >= LIMIT_FAULTS) {
		faults->count++;
		return;
	}
	faults->list = arena_grow(faults->arena, faults->list, faults->count,
	    &faults->capacity, sizeof(fault));
	faults->list[faults->count++] = fault;
}

void
fault_in_body(struct faults *faults, const char *type, const char *message,
    struct span name)
{
	faults_add(faults, (struct fault){ .type = type,
			       .message = message,
			       .area = "body",
			       .name = name });
}

void
fault_missing(struct faults *faults, struct span name)
{
	fault_in_body(faults, "missing", "Field required", name);
}

void
fault_string_type(struct faults *faults, struct span name)
{
	fault_in_body(
	    faults, "string_type", "Input should be a valid string", name);
}

void
fault_string_unicode(struct faults *faults, struct span name)
{
	fault_in_body(faults, "string_unicode",
	    "Input should be a valid string, "
	    "unable to parse raw data as a unicode string",
	    name);
}

void
fault_too_long(struct faults *faults, struct span name, size_t limit)
{
	struct span message = arena_printf(
	    faults->arena, "String should have at most %zu bytes", limit);

	fault_in_body(faults, "string_too_long", message.data, name);
}

void
fault_extra(struct faults *faults, struct span name)
{
	fault_in_body(
	    faults, "extra_forbidden", "Extra inputs are not permitted", name);
}

void
fault_not_object(struct faults *faults)
{
	fault_in_body(faults, "model_attributes_type",
	    "Input should be a valid dictionary or object "
	    "to extract fields from",
	    SPAN_NONE);
}

/* Repaired first, as bytes of no character have no edge to cut at. */
struct span
fault_name(struct arena *arena, struct span name)
{
	/* As much of it as matters: the last character may be cut by this. */
	if (name.size > LIMIT_FAULT_NAME + 3)
		name.size = LIMIT_FAULT_NAME + 3;
	name = utf8_cut(utf8_repair(arena, name), LIMIT_FAULT_NAME);
	return arena_copy(arena, name);
}

static struct json_value *
fault_loc(struct arena *arena, const struct fault *fault)
{
	struct json_value *loc = json_array(arena);

	json_push_text(loc, span_str(fault->area));
	if (fault->name.data != NULL)
		json_push_text(loc, fault_name(arena, fault->name));
	if (fault->has_index)
		json_push_number(loc, fault->index);

	return loc;
}

static struct json_value *
fault_json(struct arena *arena, const struct fault *fault)
{
	struct json_value *item = json_object(arena);

	json_put_text(item, "type", span_str(fault->type));
	json_put(item, "loc", fault_loc(arena, fault));
	json_put_text(item, "msg", span_str(fault->message));
	return item;
}

/* Stands for this many faults, the last ones. */
static struct json_value *
more_json(struct arena *arena, size_t count)
{
	struct span message = arena_printf(arena,
	    "%zu more faults are not listed: a list ends at %d items", count,
	    LIMIT_FAULTS);

	return fault_json(arena, &(struct fault){ .type = "too_many_faults",
				     .message = message.data,
				     .area = "body" });
}

struct span
faults_json(const struct faults *faults)
{
	struct arena *arena = faults->arena;
	struct json_value *root = json_object(arena);
	struct json_value *detail = json_array(arena);
	size_t i, shown = faults->count;

	if (shown > LIMIT_FAULTS)
		shown = LIMIT_FAULTS - 1;
	for (i = 0; i < shown; i++)
		json_push(detail, fault_json(arena, &faults->list[i]));
	if (shown < faults->count)
		json_push(detail, more_json(arena, faults->count - shown));
	json_put(root, "detail", detail);

	return json_text(arena, root);
}

struct span
faults_first(const struct faults *faults)
{
	const struct fault *fault = &faults->list[0];
	struct buffer text;

	buffer_init(&text, faults->arena);
	buffer_append(&text, span_str(fault->area));
	if (fault->name.data != NULL) {
		buffer_append_byte(&text, '.');
		buffer_append(&text, fault_name(faults->arena, fault->name));
	}
	if (fault->has_index)
		buffer_printf(&text, ".%llu", (unsigned long long)fault->index);
	buffer_printf(&text, ": %s", fault->message);
	if (faults->count > 1)
		buffer_printf(&text, " (the first of %zu)", faults->count);
	return buffer_span(&text);
}
