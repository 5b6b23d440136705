/* SPDX-License-Identifier: ISC */
/*
 * fuzz_query.c - any query and path is read without harm, and what
 * query_encode writes is found again, when it is text.
 */
#include "fuzz.h"
#include "query.h"
#include "utf8.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_open();
	struct span text = arena_copy(arena, span_of(data, size));
	struct faults faults;
	struct buffer buffer;
	size_t limit;
	bool is_true;

	faults_init(&faults, arena);
	(void)query_decode_path(arena, text);
	query_limit(query_find(arena, text, "limit"), &faults, &limit);
	query_limit(text, &faults, &limit);
	query_bool(text, "flag", &faults, &is_true);
	(void)faults_json(&faults);
	if (utf8_is_valid(text)) {
		buffer_init(&buffer, arena);
		buffer_append(&buffer, SPAN("x=1&q="));
		query_encode(&buffer, text);
		DEMAND(span_equal(
		    query_find(arena, buffer_span(&buffer), "q"), text));
	}
	arena_close(arena);
	return 0;
}
