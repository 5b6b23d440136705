/* SPDX-License-Identifier: ISC */
/*
 * import.c - artifacts into the store: what is to be done with each, and
 * its content, hashed and cut into chunks. Where they come from is
 * import_tar.c and _api.c, the commits are import_batch.c.
 */

#include "import.h"

#include "tool/output.h"
#include <stdarg.h>

/* ---- opening ---- */

static int
open_store(struct import *import, struct ctl_local *local)
{
	int exit_code = ctl_local_open_writer(local, false, &import->store);

	if (exit_code != CTL_OK)
		return exit_code;
	/* What one that was killed, or found no room, had staged goes. */
	exit_code = ctl_local_sweep(import->store);
	if (exit_code != CTL_OK)
		store_close(import->store);
	return exit_code;
}

int
import_open(
    struct import *import, const struct ctl *ctl, struct ctl_local *local)
{
	int exit_code = CTL_OK;

	import->ctl = ctl;
	import->is_dry = ctl_has(ctl, "dry-run");
	import->replaces = ctl_has(ctl, "replace");
	/* No process has it, and so what we leave is swept. */
	digest_random(
	    &import->owner.incarnation, sizeof(import->owner.incarnation));
	import->owner.request = 1;
	import->arena = arena_open();
	import->own = arena_open();
	import->chunk = arena_room(ctl->arena, LIMIT_CHUNK);
	if (!import->is_dry)
		exit_code = open_store(import, local);
	else
		exit_code = ctl_local_open_reader(local, &import->store);
	if (exit_code == CTL_OK)
		return CTL_OK;
	arena_close(import->arena);
	arena_close(import->own);
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

/* ---- one artifact ---- */

static enum result
judge(struct import *import, const struct artifact *artifact)
{
	struct artifact *there;
	enum result result;

	import->state = IMPORT_NEW;
	result = store_get(import->store, &artifact->id, import->own, &there);
	if (result == RESULT_NOT_FOUND)
		return RESULT_OK;
	if (result != RESULT_OK)
		return result;
	if (artifact_is_same(there, artifact, import->own))
		import->state = IMPORT_THERE;
	else
		import->state =
		    import->replaces ? IMPORT_REPLACED : IMPORT_KEPT;
	return RESULT_OK;
}

static bool
is_wanted(const struct import *import)
{
	return import->state == IMPORT_NEW || import->state == IMPORT_REPLACED;
}

int
import_begin(
    struct import *import, const struct artifact *artifact, bool *ret_is_wanted)
{
	int exit_code = import_settle(import, &artifact->id);
	enum result result;

	if (exit_code != CTL_OK)
		return exit_code;
	arena_reset(import->own);
	result = judge(import, artifact);
	if (result != RESULT_OK)
		return import_store_failed(import, result);
	import->artifact = arena_alloc(import->own, sizeof(*artifact));
	*import->artifact = *artifact;
	digest_begin(&import->digest);
	import->size = 0;
	import->blob = 0;
	import->chunks = 0;
	import->held = 0;
	*ret_is_wanted = is_wanted(import);
	return CTL_OK;
}

/* The chunk goes ahead of its record: no record names it yet. */
static int
stage(struct import *import)
{
	struct change change = { .kind = CHANGE_STAGE };

	if (import->blob == 0)
		import->blob =
		    store_lmdb_new_blob(import->store, import->owner);
	change.blob = import->blob;
	change.chunk = import->chunks++;
	change.bytes = span_of(import->chunk, import->held);
	import->held = 0;
	return import_add(import, &change);
}

int
import_write(struct import *import, struct span bytes)
{
	int exit_code = CTL_OK;
	size_t size;

	digest_add(&import->digest, bytes);
	import->size += bytes.size;
	if (import->is_dry || !is_wanted(import))
		return CTL_OK;
	while (bytes.size > 0 && exit_code == CTL_OK) {
		/* Held back until more follows: one alone is not staged. */
		if (import->held == LIMIT_CHUNK)
			exit_code = stage(import);
		size = LIMIT_CHUNK - import->held;
		if (size > bytes.size)
			size = bytes.size;
		memcpy(import->chunk + import->held, bytes.data, size);
		import->held += size;
		bytes = span_from(bytes, size);
	}
	return exit_code;
}

int
import_abandon(struct import *import)
{
	const struct change drop = { .kind = CHANGE_DROP,
		.blob = import->blob };

	if (import->blob == 0)
		return CTL_OK;
	import->blob = 0;
	return import_add(import, &drop);
}

static int
mismatch(struct import *import)
{
	char text[ID_TEXT + 1];

	id_format(&import->artifact->id, text);
	(void)ctl_error(CTL_INTEGRITY, /* by the counts */
	    "%s is not imported: its content does not match its size and "
	    "content_hash",
	    text);
	import->counts.damaged++;
	return import_abandon(import);
}

void
import_pass(struct import *import)
{
	import_count(import, import->state, &import->artifact->id,
	    import->artifact->content.size);
}

/* All of its content came, and is right. */
static int
add(struct import *import)
{
	struct change change = {
		.kind = CHANGE_IMPORT,
		.id = import->artifact->id,
		.artifact = import->artifact,
		.replaces = import->replaces,
		.bytes = span_of(import->chunk, import->held),
	};
	int exit_code = CTL_OK;

	if (import->blob != 0) {
		exit_code = stage(import);
		change.bytes = SPAN_NONE;
	}
	if (exit_code != CTL_OK)
		return exit_code;
	import->artifact->content.blob = import->blob;
	import->blob = 0;
	return import_add(import, &change);
}

int
import_end(struct import *import)
{
	const struct content *content = &import->artifact->content;
	uint8_t hash[DIGEST_SHA256_SIZE];

	digest_end(&import->digest, hash);
	if (import->size != content->size ||
	    memcmp(hash, content->hash, sizeof(hash)) != 0)
		return mismatch(import);
	if (!import->is_dry && is_wanted(import))
		return add(import);
	import_pass(import);
	return CTL_OK;
}

/* ---- the end ---- */

static void
print_part(uint64_t number, const char *of_one, const char *of_many)
{
	if (number > 0)
		printf("; %llu %s", (unsigned long long)number,
		    number == 1 ? of_one : of_many);
}

static void
print_counts(const struct import *import)
{
	const struct import_counts *counts = &import->counts;
	struct ctl_row *row = ctl_row(import->ctl->arena);
	struct span size = ctl_size_text(import->ctl->arena, counts->bytes);

	if (!import->ctl->is_json) {
		printf("%s %s, %.*s of content",
		    import->is_dry ? "would import" : "imported",
		    ctl_count_text(import->ctl->arena,
			counts->added + counts->replaced, "artifact")
			.data,
		    (int)size.size, size.data);
		print_part(counts->replaced, "of them replaced another",
		    "of them replaced others");
		print_part(
		    counts->there, "was there already", "were there already");
		print_part(counts->kept, "differs and was kept",
		    "differ and were kept");
		print_part(counts->refused, "could not be taken",
		    "could not be taken");
		print_part(counts->not_as_text,
		    "has content that does not come as text",
		    "have content that does not come as text");
		print_part(counts->damaged, "is damaged", "are damaged");
		printf("\n");
		return;
	}
	ctl_row_number(row, "added", counts->added);
	ctl_row_number(row, "replaced", counts->replaced);
	ctl_row_number(row, "there", counts->there);
	ctl_row_number(row, "kept", counts->kept);
	ctl_row_number(row, "refused", counts->refused);
	ctl_row_number(row, "not_as_text", counts->not_as_text);
	ctl_row_number(row, "damaged", counts->damaged);
	ctl_row_number(row, "bytes", counts->bytes);
	ctl_print_facts(import->ctl, row);
}

/* They were named; this is what helps. */
static void
say_not_as_text(const struct import *import)
{
	uint64_t count = import->counts.not_as_text;

	if (count == 0)
		return;
	(void)ctl_error(CTL_INTEGRITY, /* by the counts */
	    "the content of %s does not come as text, which is all "
	    "that the server sends: fetch it from where it is stored (their "
	    "storage_url) and put it by hand, or import their ids "
	    "with --ids from a server that has /raw",
	    ctl_count_text(import->ctl->arena, count, "artifact").data);
}

int
import_close(struct import *import, int exit_code)
{
	const struct import_counts *counts = &import->counts;
	int flushed;

	/* What was whole is kept, whatever came behind it. */
	flushed = import_abandon(import);
	if (flushed == CTL_OK)
		flushed = import_flush(import);
	if (exit_code == CTL_OK)
		exit_code = flushed;
	print_counts(import);
	say_not_as_text(import);
	arena_close(import->arena);
	arena_close(import->own);
	store_close(import->store);
	if (counts->damaged + counts->not_as_text > 0)
		return ctl_worse(exit_code, CTL_INTEGRITY);
	if (exit_code != CTL_OK)
		return exit_code;
	if (counts->refused > 0)
		return CTL_FAILED;
	return import->is_dry && counts->added + counts->replaced > 0
		   ? CTL_WOULD_CHANGE
		   : CTL_OK;
}
