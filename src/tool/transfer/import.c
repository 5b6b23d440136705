/* SPDX-License-Identifier: ISC */
/*
 * import.c - artifactctl import brings artifacts into the store: it decides
 * what to do with each, stages its content, and commits many changes at once.
 * import_tar.c and import_api.c read the artifacts.
 */

#include "import.h"

#include "tar.h"
#include "store/engine.h"
#include "tool/output.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>

#define CHANGE_BYTES 4096 /* of memory, without metadata and content */

/* ---- sentences ---- */

void
import_refuse(struct import *import, struct span id, const char *format, ...)
{
	struct arena *arena = arena_open();
	va_list arguments;
	char text[512];

	va_start(arguments, format);
	(void)vsnprintf(text, sizeof(text), format, arguments); /* cut */
	va_end(arguments);
	(void)ctl_fail("%s is not imported: %s", ctl_visible(arena, id).data,
	    text); /* counted */
	import->counts.refused++;
	arena_close(arena);
}

/* ---- the store ---- */

/* Say why the store takes no more, and what helps. */
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

/* ---- counting ---- */

/* Count an artifact: new, replaced, there already, or kept as another one. */
static void
count_as(struct import *import, enum import_state state, const struct id *id,
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

/* Count what came of one change. false: the store has failed. */
static bool
count_outcome(struct import *import, size_t i, const struct outcome *outcome)
{
	const struct change *change = import->changes[i];
	char text[ID_TEXT + 1];

	if (change->kind != CHANGE_IMPORT) /* what a DROP leaves is swept */
		return outcome->result == RESULT_OK ||
		       change->kind == CHANGE_DROP;
	switch (outcome->result) {
	case RESULT_OK:
		count_as(import, import->states[i], &change->id,
		    change->artifact->content.size);
		return true;
	case RESULT_EXISTS: /* an equal one is there */
		count_as(import, IMPORT_THERE, &change->id, 0);
		return true;
	case RESULT_MISMATCH:
		count_as(import, IMPORT_KEPT, &change->id, 0);
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
		if (!count_outcome(import, i, &outcomes[i]) &&
		    exit_code == CTL_OK)
			exit_code = store_failed(import, outcomes[i].result);
	arena_reset(import->arena);
	return exit_code;
}

/* Commit the batch if an artifact with this id is in it: only then the store
 * tells whether it has one. */
static int
flush_if_pending(struct import *import, const struct id *id)
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

/* Is the batch as large as one of the writer may be? */
static bool
is_full(const struct import *import)
{
	return import->count == LIMIT_BATCH_CHANGES ||
	       import->bytes >= LIMIT_BATCH_BYTES;
}

/* Add a change, of which bytes are copied; a full batch is committed first. */
static int
add_change(struct import *import, const struct change *change)
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

/* ---- content ---- */

/*
 * An upload (store.h) hashes content and cuts it into chunks. Here they go into
 * the batch, ahead of the record that will name them. To the upload this is a
 * store that can do nothing but stage.
 */

static enum result
stage_begin(void *state, struct staging *staging)
{
	const struct import *import = state;

	return store_stage_begin(import->store, staging);
}

static enum result
stage(void *state, struct staging *staging, struct span bytes)
{
	const struct change change = { .kind = CHANGE_STAGE,
		.blob = staging->blob,
		.chunk = staging->chunks,
		.bytes = bytes };
	struct import *import = state;

	import->exit_code = add_change(import, &change);
	return import->exit_code == CTL_OK ? RESULT_OK : RESULT_IO;
}

static enum result
stage_end(void *state, struct staging *staging)
{
	(void)state;
	(void)staging;
	return RESULT_OK;
}

static void
stage_drop(void *state, struct staging *staging)
{
	const struct change drop = { .kind = CHANGE_DROP,
		.blob = staging->blob };
	struct import *import = state;

	import->exit_code = add_change(import, &drop);
}

static const struct store_changing staging = {
	.stage_begin = stage_begin,
	.stage = stage,
	.stage_end = stage_end,
	.stage_drop = stage_drop,
};

/* ---- one artifact ---- */

static enum result
compare_with_store(struct import *import, const struct artifact *artifact)
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
would_change(const struct import *import)
{
	return import->state == IMPORT_NEW || import->state == IMPORT_REPLACED;
}

int
import_begin(
    struct import *import, const struct artifact *artifact, bool *ret_is_wanted)
{
	int exit_code = flush_if_pending(import, &artifact->id);
	enum result result;

	if (exit_code != CTL_OK)
		return exit_code;
	import->upload = NULL; /* that of the artifact before */
	arena_reset(import->own);
	result = compare_with_store(import, artifact);
	if (result != RESULT_OK)
		return store_failed(import, result);
	import->artifact = arena_alloc(import->own, sizeof(*artifact));
	*import->artifact = *artifact;
	import->staging =
	    (struct store){ .changing = &staging, .change_state = import };
	import->upload =
	    import->is_dry || !would_change(import)
		? upload_open_nowhere(import->own)
		: upload_open(&import->staging, import->own, import->owner);
	*ret_is_wanted = would_change(import);
	return CTL_OK;
}

int
import_write(struct import *import, struct span bytes)
{
	/* Only staging can fail, which tells why. */
	return upload_write(import->upload, bytes) == RESULT_OK
		   ? CTL_OK
		   : import->exit_code;
}

int
import_abandon(struct import *import)
{
	import->exit_code = CTL_OK;
	if (import->upload != NULL)
		upload_drop(import->upload);
	import->upload = NULL;
	return import->exit_code;
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
	count_as(import, import->state, &import->artifact->id,
	    import->artifact->content.size);
}

int
import_end(struct import *import)
{
	struct change change = {
		.kind = CHANGE_IMPORT,
		.id = import->artifact->id,
		.artifact = import->artifact,
		.replaces = import->replaces,
	};
	struct content *content = &import->artifact->content;
	struct content came = { 0 };

	if (upload_finish(import->upload, &came, &change.bytes) != RESULT_OK)
		return import->exit_code;
	if (came.size != content->size ||
	    memcmp(came.hash, content->hash, sizeof(came.hash)) != 0)
		return mismatch(import);
	import->upload = NULL;
	if (import->is_dry || !would_change(import)) {
		import_pass(import);
		return CTL_OK;
	}
	content->blob = came.blob;
	return add_change(import, &change);
}

/* ---- beginning and end ---- */

static int
open_store(struct import *import, struct ctl_local *local)
{
	int exit_code = ctl_local_open_writer(local, false, &import->store);

	if (exit_code != CTL_OK)
		return exit_code;
	/* Chunks of an import that was killed, or found no room, go first. */
	exit_code = ctl_local_sweep(import->store);
	if (exit_code != CTL_OK)
		store_close(import->store);
	return exit_code;
}

/* The process becomes the user of the store here, so other files have to be
 * open already. */
static int
open_import(
    struct import *import, const struct ctl *ctl, struct ctl_local *local)
{
	int exit_code = CTL_OK;

	import->ctl = ctl;
	import->is_dry = ctl_has(ctl, "dry-run");
	import->replaces = ctl_has(ctl, "replace");
	/* No process has this number, so the next sweep takes what we leave. */
	digest_random(
	    &import->owner.incarnation, sizeof(import->owner.incarnation));
	import->owner.request = 1;
	import->arena = arena_open();
	import->own = arena_open();
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

	if (!import->ctl->is_json) {
		printf("%s %s, %s of content",
		    import->is_dry ? "would import" : "imported",
		    ctl_count_text(import->ctl->arena,
			counts->added + counts->replaced, "artifact")
			.data,
		    ctl_size_text(import->ctl->arena, counts->bytes).data);
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

/* Say at the end what helps those artifacts that were named before. */
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

/*
 * Commit the last batch, print the counts, close. exit_code is what ended the
 * import, if anything did. Gives the exit code of the command.
 */
static int
close_import(struct import *import, int exit_code)
{
	const struct import_counts *counts = &import->counts;
	int flushed;

	/* Artifacts that came whole are kept, also after an error. */
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

/* ---- the command ---- */

static int
run_tar(struct ctl *ctl, struct import *import)
{
	struct ctl_tar_reader *tar;
	struct ctl_local local;
	int exit_code;

	/* Opened before we become the store's user, who may not read the
	 * file. */
	exit_code = ctl_tar_open(ctl, ctl->operands[0], &tar);
	if (exit_code != CTL_OK)
		return exit_code;
	exit_code = ctl_local_load(ctl, &local);
	if (exit_code == CTL_OK)
		exit_code = open_import(import, ctl, &local);
	if (exit_code == CTL_OK)
		exit_code = close_import(import, import_tar(import, tar));
	ctl_tar_close(tar);
	return exit_code;
}

/* NULL: none was named. */
static int
open_ids(const struct ctl *ctl, FILE **ret_file)
{
	const char *path = ctl_value(ctl, "ids");

	*ret_file = NULL;
	if (path == NULL)
		return CTL_OK;
	*ret_file = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
	if (*ret_file == NULL)
		return ctl_fail("%s cannot be read: %s", path, strerror(errno));
	return CTL_OK;
}

static int
run_api(struct ctl *ctl, struct import *import)
{
	const char *url = ctl_value(ctl, "from-api");
	struct ctl_local local;
	int exit_code;
	FILE *ids;

	exit_code = open_ids(ctl, &ids);
	if (exit_code == CTL_OK)
		exit_code = ctl_local_load(ctl, &local);
	if (exit_code == CTL_OK)
		exit_code = open_import(import, ctl, &local);
	if (exit_code == CTL_OK)
		exit_code = close_import(import, import_api(import, url, ids));
	if (ids != NULL && ids != stdin)
		(void)fclose(ids); /* it was only read */
	return exit_code;
}

static int
run(struct ctl *ctl)
{
	static struct import import;
	bool is_api = ctl_has(ctl, "from-api");
	const char *workflow;
	size_t index = 0;

	if (is_api == (ctl->operand_count == 1))
		return ctl_usage(
		    ctl, "import needs either FILE or --from-api URL");
	if (!is_api && (ctl_has(ctl, "ids") || ctl_has(ctl, "workflow")))
		return ctl_usage(
		    ctl, "--ids and --workflow go with --from-api");
	while ((workflow = ctl_next_value(ctl, "workflow", &index)) != NULL)
		if (*workflow == '\0')
			return ctl_usage(ctl,
			    "--%s is empty, which would mean all; leave it "
			    "out for that",
			    "workflow");
	return is_api ? run_api(ctl, &import) : run_tar(ctl, &import);
}

static const struct ctl_option options[] = {
	{ "from-api", 0, "URL",
	    "read from this server, of the original API or another artifactd" },
	{ "ids", 0, "FILE", "from the server, those in FILE, one id a line" },
	{ "workflow", 'w', "WORKFLOW",
	    "from the server, those of this workflow; may be repeated" },
	{ "replace", 0, NULL,
	    "replace artifacts of the store that differ; else they are kept" },
	{ "dry-run", 0, NULL, "only say what would be done" },
	{ NULL, 0, NULL, NULL },
};

const struct ctl_command ctl_command_import = {
	.name = "import",
	.summary = "Bring artifacts into the store, with their ids and times",
	.operands = "[FILE]",
	.least = 0,
	.most = 1,
	.where = CTL_LOCAL | CTL_REMOTE,
	.options = options,
	.details =
	    "FILE is what export wrote; - is standard input. The service\n"
	    "has to be stopped. What is there already is left alone, so\n"
	    "that an import that ended half way can simply be repeated.\n"
	    "Lists of the original API end at 200: --ids has no such end.\n",
	.run = run,
};
