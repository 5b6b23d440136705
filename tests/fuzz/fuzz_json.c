/* SPDX-License-Identifier: ISC */
/*
 * fuzz_json.c - what json_check passes, json-c takes as well, to its end;
 * compacting keeps it valid and changes nothing the second time; the getters
 * survive it.
 */
#include "fuzz.h"
#include "json.h"
#include "limits.h"

/* json-c has a type of the name of our function. */
#define json_object json_c_object
#include <json-c/json.h>
#undef json_object

static void
demand_jsonc_agrees(struct span text)
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
	json_object_put(object);
	json_tokener_free(tokener);
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
use_getters(struct arena *arena, struct span text)
{
	static const char *const names[] = { "a", "title", NULL };
	struct faults faults;
	struct json_document document;
	struct span *ids;
	size_t count;
	struct json_shape shape;
	bool is_true;

	faults_init(&faults, arena);
	if (json_read(arena, text, &faults, &document) != JSON_VALID ||
	    document.root == NULL)
		return;
	(void)json_get_string(&document, "a", JSON_REQUIRED, 5, &faults);
	(void)json_get_string(&document, "b", JSON_NULLABLE, 0, &faults);
	(void)json_get_bool(&document, "a", &faults, &is_true);
	(void)json_get_object_text(&document, "a", 50, &faults);
	(void)json_get_ids(&document, "a", 3, &faults, &ids, &count);
	json_refuse_extra(&document, names, &faults);
	DEMAND(json_check(arena, faults_json(&faults), &shape) == JSON_VALID);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_open();
	struct span text = arena_copy(arena, span_of(data, size));
	struct json_shape shape;

	if (json_check(arena, text, &shape) == JSON_VALID &&
	    shape.text.size > 0) {
		demand_jsonc_agrees(shape.text);
		demand_compact_is_stable(arena, shape.text);
	}
	use_getters(arena, text);
	arena_close(arena);
	return 0;
}
