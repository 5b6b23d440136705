/* SPDX-License-Identifier: ISC */
/*
 * ctl_import.c - artifacts into the store: what is to be done with each, and
 * many of them with one commit. Where they come from is ctl_import_*.c.
 */

#include "ctl_import.h"

#include "ctl_output.h"
#include "store_engine.h"

#include <stdarg.h>

#define ARTIFACT_BYTES 4096 /* of memory, without metadata and content */

/* ---- opening ---- */

int
import_open(
    struct import *import, const struct ctl *ctl, struct ctl_local *local)
{
	int exit_code = CTL_OK;

	import->ctl = ctl;
	import->is_dry = ctl_has(ctl, "dry-run");
	import->replaces = ctl_has(ctl, "replace");
	/* No process has it, and so the service sweeps what we leave. */
	digest_random(
	    &import->owner.incarnation, sizeof(import->owner.incarnation));
	import->owner.request = 1;
	import->arena = arena_open();
	if (!import->is_dry)
		exit_code = ctl_local_open_writer(local, true, &import->store);
	else if (ctl_local_has_store(local))
		exit_code = ctl_local_open_reader(local, &import->store);
	if (exit_code != CTL_OK)
		arena_close(import->arena);
	return exit_code;
}

/* ---- sentences ---- */

void
import_refuse(struct import *import, struct span id, const char *format, ...)
{
	struct arena *arena = arena_open();
	struct span name = ctl_visible(arena, id);
	va_list arguments;
	char text[512];

	va_start(arguments, format);
	(void)vsnprintf(text, sizeof(text), format, arguments); /* cut */
	va_end(arguments);
	(void)ctl_fail("%.*s is not imported: %s", (int)name.size, name.data,
	    text); /* counted */
	import->counts.refused++;
	arena_close(arena);
}

static int
store_failed(const struct import *import, enum result result)
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

/* ---- one artifact ---- */

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

static enum result
judge(struct import *import, const struct artifact *artifact)
{
	struct artifact *there;
	enum result result = RESULT_NOT_FOUND;

	import->state = IMPORT_NEW;
	if (import->store != NULL)
		result = store_get(
		    import->store, &artifact->id, import->arena, &there);
	if (result == RESULT_NOT_FOUND)
		return RESULT_OK;
	if (result != RESULT_OK)
		return result;
	if (artifact_is_same(there, artifact, import->arena))
		import->state = IMPORT_THERE;
	else
		import->state =
		    import->replaces ? IMPORT_REPLACED : IMPORT_KEPT;
	return RESULT_OK;
}

/* A batch is not to hold more than a writer's. */
static bool
is_full(const struct import *import)
{
	return import->count == LIMIT_BATCH_CHANGES ||
	       import->bytes >= LIMIT_BATCH_BYTES;
}

int
import_begin(
    struct import *import, const struct artifact *artifact, bool *ret_is_wanted)
{
	struct change *change;
	enum result result;
	bool is_wanted;
	int exit_code;

	exit_code = is_full(import) ? import_flush(import) : CTL_OK;
	if (exit_code != CTL_OK)
		return exit_code;
	result = judge(import, artifact);
	if (result != RESULT_OK)
		return store_failed(import, result);
	is_wanted =
	    import->state == IMPORT_NEW || import->state == IMPORT_REPLACED;
	import->bytes += ARTIFACT_BYTES + 4 * artifact->metadata.size;
	change = arena_alloc(import->arena, sizeof(*change));
	*change = (struct change){
		.kind = CHANGE_IMPORT,
		.owner = import->owner,
		.id = artifact->id,
		.artifact = copy_artifact(import->arena, artifact),
		.replaces = import->replaces,
	};
	import->change = change;
	if (is_wanted && !import->is_dry)
		import->upload =
		    upload_open(import->store, import->arena, import->owner);
	else
		import->upload = upload_open_nowhere(import->arena);
	*ret_is_wanted = is_wanted;
	return CTL_OK;
}

int
import_write(struct import *import, struct span bytes)
{
	enum result result = upload_write(import->upload, bytes);

	return result == RESULT_OK ? CTL_OK : store_failed(import, result);
}

static void
count(struct import *import, enum import_state state, const struct id *id,
    uint64_t size)
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

static int
mismatch(struct import *import, const struct artifact *artifact)
{
	char text[ID_TEXT + 1];

	id_format(&artifact->id, text);
	(void)ctl_error(CTL_INTEGRITY, /* said again at the end */
	    "%s is not imported: its content does not match its size and "
	    "content_hash",
	    text);
	import->counts.damaged++;
	upload_drop(import->upload);
	return CTL_OK;
}

void
import_pass(struct import *import)
{
	count(import, import->state, &import->change->id,
	    import->change->artifact->content.size);
}

void
import_abandon(struct import *import)
{
	upload_drop(import->upload);
}

static void
enqueue(struct import *import)
{
	struct change *change = import->change;

	import->states[import->count] = import->state;
	import->changes[import->count++] = change;
	/* Of what was staged, an upload holds the last chunk. */
	import->bytes +=
	    change->bytes.data != NULL ? change->bytes.size : LIMIT_CHUNK;
}

int
import_end(struct import *import)
{
	struct change *change = import->change;
	struct artifact *artifact = change->artifact;
	struct content content = artifact->content;
	enum result result;

	result = upload_finish(import->upload, &content, &change->bytes);
	if (result != RESULT_OK)
		return store_failed(import, result);
	if (content.size != artifact->content.size ||
	    memcmp(content.hash, artifact->content.hash,
		sizeof(content.hash)) != 0)
		return mismatch(import, artifact);
	artifact->content = content;
	if (import->is_dry || import->state == IMPORT_THERE ||
	    import->state == IMPORT_KEPT)
		import_pass(import);
	else
		enqueue(import);
	return CTL_OK;
}

/* ---- many ---- */

/* false: the store has failed. */
static bool
take_outcome(struct import *import, size_t i, const struct outcome *outcome)
{
	const struct change *change = import->changes[i];
	char text[ID_TEXT + 1];

	switch (outcome->result) {
	case RESULT_OK:
		count(import, import->states[i], &change->id,
		    change->artifact->content.size);
		return true;
	case RESULT_EXISTS: /* twice in one batch */
		count(import, IMPORT_THERE, &change->id, 0);
		return true;
	case RESULT_MISMATCH:
		count(import, IMPORT_KEPT, &change->id, 0);
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
			exit_code = store_failed(import, outcomes[i].result);
	arena_reset(import->arena);
	return exit_code;
}

/* ---- the end ---- */

static void
print_part(FILE *file, uint64_t number, const char *what)
{
	if (number > 0)
		fprintf(file, "; %llu %s", (unsigned long long)number, what);
}

static void
print_counts(const struct import *import)
{
	const struct import_counts *counts = &import->counts;
	struct ctl_row *row = ctl_row(import->ctl->arena);
	struct span size = ctl_size_text(import->ctl->arena, counts->bytes);

	if (!import->ctl->is_json) {
		printf("%s %llu artifacts, %.*s of content",
		    import->is_dry ? "would import" : "imported",
		    (unsigned long long)(counts->added + counts->replaced),
		    (int)size.size, size.data);
		print_part(stdout, counts->replaced, "of them replaced others");
		print_part(stdout, counts->there, "were there already");
		print_part(stdout, counts->kept, "differ and were kept");
		print_part(stdout, counts->refused, "could not be taken");
		print_part(stdout, counts->damaged, "are damaged");
		printf("\n");
		return;
	}
	ctl_row_number(row, "added", counts->added);
	ctl_row_number(row, "replaced", counts->replaced);
	ctl_row_number(row, "there", counts->there);
	ctl_row_number(row, "kept", counts->kept);
	ctl_row_number(row, "refused", counts->refused);
	ctl_row_number(row, "damaged", counts->damaged);
	ctl_row_number(row, "bytes", counts->bytes);
	ctl_print_facts(import->ctl, row);
}

int
import_close(struct import *import, int exit_code)
{
	const struct import_counts *counts = &import->counts;
	int flushed;

	/* What was whole is kept, whatever came behind it. */
	flushed = import_flush(import);
	if (exit_code == CTL_OK)
		exit_code = flushed;
	print_counts(import);
	arena_close(import->arena);
	store_close(import->store);
	if (counts->damaged > 0 &&
	    (exit_code == CTL_OK || exit_code == CTL_FAILED))
		return CTL_INTEGRITY;
	if (exit_code != CTL_OK)
		return exit_code;
	if (counts->refused > 0)
		return CTL_FAILED;
	return import->is_dry && counts->added + counts->replaced > 0
		   ? CTL_WOULD_CHANGE
		   : CTL_OK;
}
