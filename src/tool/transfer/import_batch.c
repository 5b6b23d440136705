/* SPDX-License-Identifier: ISC */
/*
 * import_batch.c - many changes with one commit, content on its way in
 * among them, and what came of each artifact.
 */

#include "import.h"

#include "store/engine.h"

#include <stdlib.h>

#define CHANGE_BYTES 4096 /* of memory, without metadata and content */

int
import_store_failed(const struct import *import, enum result result)
{
	struct shortage shortage = store_shortage(import->store);

	if (result == RESULT_NO_SPACE)
		return ctl_fail("the disk has %llu bytes left, and the setting "
				"`reserve` keeps %llu: make room and repeat "
				"the import; what it brought so far stays",
		    (unsigned long long)shortage.have,
		    (unsigned long long)shortage.limit);
	if (result == RESULT_QUOTA)
		return ctl_fail("%llu of the %llu bytes that the setting "
				"`max_bytes` allows are in use: raise it and "
				"repeat the import; what it brought so far "
				"stays",
		    (unsigned long long)shortage.have,
		    (unsigned long long)shortage.limit);
	return ctl_error(result == RESULT_DAMAGED ? CTL_INTEGRITY : CTL_FAILED,
	    "the store cannot take it: %s (%s); repeat the import once that "
	    "is mended, what it brought so far stays",
	    result_text(result), store_reason(import->store));
}

/* ---- what came of it ---- */

void
import_count(struct import *import, enum import_state state,
    const struct id *id, uint64_t size)
{
	struct import_counts *counts = &import->counts;
	uint64_t *const each[] = {
		[IMPORT_NEW] = &counts->added,
		[IMPORT_THERE] = &counts->there,
		[IMPORT_KEPT] = &counts->kept,
		[IMPORT_REPLACED] = &counts->replaced,
	};
	char text[ID_TEXT + 1];

	++*each[state];
	if (state == IMPORT_NEW || state == IMPORT_REPLACED)
		counts->bytes += size;
	if (state != IMPORT_KEPT)
		return;
	id_format(id, text);
	fprintf(stderr,
	    "artifactctl: %s: the store has another artifact with this id, "
	    "which is kept; --replace replaces it\n",
	    text);
}

/* false: the store has failed. */
static bool
take_outcome(struct import *import, size_t i, const struct outcome *outcome)
{
	const struct change *change = import->changes[i];
	char text[ID_TEXT + 1];

	if (change->kind != CHANGE_IMPORT) /* what a DROP leaves is swept */
		return outcome->result == RESULT_OK ||
		       change->kind == CHANGE_DROP;
	switch (outcome->result) {
	case RESULT_OK:
		import_count(import, import->states[i], &change->id,
		    change->artifact->content.size);
		return true;
	case RESULT_EXISTS: /* so the store sees it */
		import_count(import, IMPORT_THERE, &change->id, 0);
		return true;
	case RESULT_MISMATCH:
		import_count(import, IMPORT_KEPT, &change->id, 0);
		return true;
	case RESULT_CLOCK:
		id_format(&change->id, text);
		import_refuse(import, span_str(text),
		    "it is of a time to come; is this host's clock right?");
		return true;
	default:
		return false;
	}
}

int
import_flush(struct import *import)
{
	static struct outcome outcomes[LIMIT_BATCH_CHANGES];
	size_t count_of = import->count, i;
	int exit_code = CTL_OK;

	import->count = 0;
	import->bytes = 0;
	if (count_of > 0)
		store_apply_many(
		    import->store, import->changes, count_of, outcomes);
	for (i = 0; i < count_of; i++)
		if (!take_outcome(import, i, &outcomes[i]) &&
		    exit_code == CTL_OK)
			exit_code =
			    import_store_failed(import, outcomes[i].result);
	arena_reset(import->arena);
	return exit_code;
}

int
import_settle(struct import *import, const struct id *id)
{
	size_t i;

	for (i = 0; i < import->count; i++)
		if (import->changes[i]->kind == CHANGE_IMPORT &&
		    memcmp(&import->changes[i]->id, id, sizeof(*id)) == 0)
			return import_flush(import);
	return CTL_OK;
}

/* ---- adding ---- */

/* A copy of all that it points to, in the arena of the batch. */
static struct artifact *
copy_artifact(struct arena *arena, const struct artifact *artifact)
{
	struct artifact *copy = NULL;
	struct buffer buffer;
	enum result result;

	buffer_init(&buffer, arena);
	artifact_encode(artifact, &buffer);
	result = artifact_decode(buffer_span(&buffer), arena, &copy);
	if (result != RESULT_OK)
		abort(); /* the caller has looked at all limits */
	copy->created = artifact->created;
	return copy;
}

/* A batch is not to hold more than a writer's. */
static bool
is_full(const struct import *import)
{
	return import->count == LIMIT_BATCH_CHANGES ||
	       import->bytes >= LIMIT_BATCH_BYTES;
}

int
import_add(struct import *import, const struct change *change)
{
	int exit_code = is_full(import) ? import_flush(import) : CTL_OK;
	struct change *copy;

	if (exit_code != CTL_OK)
		return exit_code;
	copy = arena_alloc(import->arena, sizeof(*copy));
	*copy = *change;
	copy->owner = import->owner;
	copy->bytes = arena_copy(import->arena, change->bytes);
	import->bytes += CHANGE_BYTES + change->bytes.size;
	if (change->artifact != NULL) {
		copy->artifact = copy_artifact(import->arena, change->artifact);
		import->bytes += change->artifact->metadata.size;
	}
	import->states[import->count] = import->state;
	import->changes[import->count++] = copy;
	return CTL_OK;
}
