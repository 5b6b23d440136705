/* SPDX-License-Identifier: ISC */
/*
 * fuzz_decode.c - stored forms and changes: whatever the bytes, a decoder
 * takes them or not; what it took, it writes back as the same bytes.
 */
#include "change.h"
#include "fuzz.h"
#include "store_lmdb_layout.h"

static void
decode_artifact(struct arena *arena, struct span bytes)
{
	struct artifact *artifact;
	struct buffer buffer;

	if (artifact_decode(bytes, arena, &artifact) != RESULT_OK)
		return;
	buffer_init(&buffer, arena);
	artifact_encode(artifact, &buffer);
	DEMAND(span_equal(buffer_span(&buffer), bytes));
}

static void
decode_change(struct arena *arena, struct span bytes)
{
	struct change *change;
	struct buffer buffer;

	if (change_decode(bytes, arena, &change) != RESULT_OK)
		return;
	buffer_init(&buffer, arena);
	change_encode(change, &buffer);
	DEMAND(span_equal(buffer_span(&buffer), bytes));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_open();
	/* A copy of its own: a byte read too far is seen. */
	char *copy = malloc(size + 1);
	struct span bytes = { copy, size };
	struct pending pending;
	struct promise promise;
	struct applied applied;

	DEMAND(copy != NULL);
	memcpy(copy, data, size);
	decode_artifact(arena, bytes);
	decode_change(arena, bytes);
	(void)pending_decode(bytes, &pending);
	(void)promise_decode(bytes, &promise);
	(void)applied_decode(bytes, &applied);
	arena_close(arena);
	free(copy);
	return 0;
}
