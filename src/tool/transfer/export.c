/* SPDX-License-Identifier: ISC */
/*
 * export.c - artifactctl export writes the store of this host into a tar file,
 * while the service goes on.
 *
 * The store is read as the user that it belongs to; the file is opened and
 * named as the user who called: root becomes the store's user in between.
 *
 * An export is written block by block (export.h). A tar tells the size of a
 * member before its bytes, but a content may be deleted while it is read. So
 * the content of a block is first copied to a temporary file (the spool) and
 * verified, and then written into the tar.
 */

#include "export.h"

#include "record.h"
#include "tool/client/file.h"
#include "tool/client/remote.h"
#include "tool/local/local.h"
#include "tool/output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#define BLOCK_BYTES LIMIT_BATCH_BYTES /* of content; one may have more */
#define BLOCK_TEXT (1024 * 1024)      /* a line is at most a tenth of it */

void
export_records_name(unsigned block, char ret_name[EXPORT_NAME])
{
	(void)snprintf(
	    ret_name, EXPORT_NAME, "records/%06u.jsonl", block); /* it fits */
}

void
export_content_name(const struct id *id, char ret_name[EXPORT_NAME])
{
	char text[ID_TEXT + 1];

	id_format(id, text);
	(void)snprintf(
	    ret_name, EXPORT_NAME, EXPORT_CONTENT "%s", text); /* it fits */
}

/* ---- the spool ---- */

/* The spool lies beside the export, where there has to be room, or in
 * $TMPDIR. */
int
export_block_open(struct export_block *block, const char *path)
{
	const char *directory = getenv("TMPDIR");
	struct arena *arena = block->ctl->arena;
	char *name;

	if (strcmp(path, "-") != 0 && strncmp(path, "/dev/", 5) != 0)
		name =
		    arena_string(arena, arena_printf(arena, "%s.XXXXXX", path));
	else
		name = arena_string(
		    arena, arena_printf(arena, "%s/artifactctl.XXXXXX",
			       directory != NULL ? directory : "/tmp"));
	block->spool = mkostemp(name, O_CLOEXEC);
	if (block->spool < 0)
		return ctl_fail(
		    "%s cannot be written: %s", name, strerror(errno));
	(void)unlink(name); /* if that fails, an empty file stays */
	block->arena = arena_open();
	block->scratch = arena_open();
	buffer_init(&block->lines, block->arena);
	return CTL_OK;
}

static int
spool_failed(const char *what)
{
	return ctl_fail("the temporary file beside the export cannot be %s: "
			"%s; nothing was exported",
	    what, strerror(errno));
}

/* ---- from the store into the block ---- */

static int
store_failed(const struct export_block *block, enum result result)
{
	return ctl_error(result == RESULT_DAMAGED ? CTL_INTEGRITY : CTL_FAILED,
	    "%s cannot be read: %s (%s); see artifactctl check",
	    block->directory, result_text(result), store_reason(block->store));
}

/* Copy content into the spool. RESULT_OK: it has the hash of its record. */
static enum result
gather_content(struct export_block *block, const struct content *content,
    int *ret_exit_code)
{
	uint8_t hash[DIGEST_SHA256_SIZE];
	enum result result = RESULT_OK;
	struct digest digest;
	uint64_t offset = 0;
	struct span piece;
	size_t size = 0;

	/* Overwrite what is left of a content that went while it was read. */
	if (lseek(block->spool, (off_t)block->spooled, SEEK_SET) < 0) {
		*ret_exit_code = spool_failed("written");
		return RESULT_IO;
	}
	digest_begin(&digest);
	while (offset < content->size) {
		result = store_read(block->store, content, offset, block->piece,
		    EXPORT_PIECE, &size);
		if (result != RESULT_OK)
			return result;
		piece = span_of(block->piece, size);
		if (!ctl_file_write_all(block->spool, piece)) {
			*ret_exit_code = spool_failed("written");
			return RESULT_IO;
		}
		digest_add(&digest, piece);
		offset += size;
		ctl_progress_at(block->progress, block->counts->bytes + offset);
	}
	digest_end(&digest, hash);
	return memcmp(hash, content->hash, sizeof(hash)) == 0 ? RESULT_OK
							      : RESULT_DAMAGED;
}

/* The content went while it was read. RESULT_OK: the artifact has another one
 * now; RESULT_NOT_FOUND: the artifact was deleted. */
static enum result
read_again(struct export_block *block, struct artifact **artifact)
{
	struct artifact *now;
	enum result result;

	result =
	    store_get(block->store, &(*artifact)->id, block->scratch, &now);
	if (result != RESULT_OK)
		return result;
	if (now->content.blob == (*artifact)->content.blob)
		return RESULT_DAMAGED; /* its record still names it */
	*artifact = now;
	return RESULT_OK;
}

static void
add_entry(struct export_block *block, const struct artifact *artifact)
{
	block->entries[block->count++] = (struct export_entry){
		.id = artifact->id,
		.size = artifact->content.size,
		.stored = artifact->content.stored,
	};
	if (block->count == 1)
		block->newest = artifact->created;
	buffer_append(&block->lines, ctl_record_line(artifact, block->scratch));
	block->spooled += artifact->content.size;
	block->counts->artifacts++;
	block->counts->bytes += artifact->content.size;
}

static int
leave_out(struct export_block *block, const struct artifact *artifact)
{
	char text[ID_TEXT + 1];

	id_format(&artifact->id, text);
	(void)ctl_error(CTL_INTEGRITY, /* said again at the end */
	    "%s: its content is damaged, so that it is not exported", text);
	block->counts->damaged++;
	return CTL_OK;
}

/* ---- from the block into the tar ---- */

/* Write a text as a member of the tar. */
static int
write_text(struct export_block *block, const char *name, struct span text,
    uint64_t modified)
{
	int exit_code = ctl_tar_add(block->tar, name, text.size, modified);

	return exit_code == CTL_OK ? ctl_tar_write(block->tar, text)
				   : exit_code;
}

static int
write_content(
    struct export_block *block, const struct export_entry *entry, uint64_t from)
{
	uint64_t until = from + entry->size;
	char name[EXPORT_NAME];
	int exit_code;
	ssize_t size;

	export_content_name(&entry->id, name);
	exit_code = ctl_tar_add(block->tar, name, entry->size, entry->stored);
	while (exit_code == CTL_OK && from < until) {
		size = pread(block->spool, block->piece,
		    until - from < EXPORT_PIECE ? (size_t)(until - from)
						: EXPORT_PIECE,
		    (off_t)from);
		if (size <= 0)
			return spool_failed("read");
		from += (uint64_t)size;
		exit_code = ctl_tar_write(
		    block->tar, span_of(block->piece, (size_t)size));
	}
	return exit_code;
}

int
export_block_write(struct export_block *block)
{
	char name[EXPORT_NAME];
	uint64_t from = 0;
	int exit_code;
	size_t i;

	if (block->count == 0)
		return CTL_OK;
	export_records_name(++block->number, name);
	exit_code =
	    write_text(block, name, buffer_span(&block->lines), block->newest);
	for (i = 0; i < block->count && exit_code == CTL_OK; i++) {
		exit_code = write_content(block, &block->entries[i], from);
		from += block->entries[i].size;
	}
	block->count = 0;
	block->spooled = 0;
	arena_reset(block->arena);
	buffer_init(&block->lines, block->arena);
	return exit_code;
}

static bool
is_full(const struct export_block *block)
{
	return block->count == EXPORT_LINES || block->spooled >= BLOCK_BYTES ||
	       block->lines.size >= BLOCK_TEXT;
}

/* ---- one artifact ---- */

int
export_block_add(struct export_block *block, struct artifact *artifact)
{
	int exit_code = CTL_OK;
	enum result result;

	arena_reset(block->scratch);
	for (;;) {
		result = gather_content(block, &artifact->content, &exit_code);
		if (exit_code != CTL_OK)
			return exit_code;
		if (result == RESULT_GONE)
			result = read_again(block, &artifact);
		else if (result == RESULT_OK)
			break;
		if (result == RESULT_NOT_FOUND)
			return CTL_OK;
		if (result == RESULT_DAMAGED)
			return leave_out(block, artifact);
		if (result != RESULT_OK)
			return store_failed(block, result);
	}
	add_entry(block, artifact);
	return is_full(block) ? export_block_write(block) : CTL_OK;
}

void
export_block_close(struct export_block *block)
{
	(void)close(block->spool); /* it has no name */
	arena_close(block->arena);
	arena_close(block->scratch);
}

/* ---- all of it ---- */

struct export
{
	const struct ctl *ctl;
	struct ctl_local local;
	struct store *store;
	struct filter filter;
	struct arena *arena; /* of a page */
	struct ctl_progress progress;
	struct export_counts counts;
	struct export_block block;
};

static int
write_head(struct export *export)
{
	struct json_value *head = json_object(export->arena);

	json_put_text(head, "format", SPAN(EXPORT_FORMAT));
	json_put_number(head, "version", EXPORT_VERSION);
	return write_text(
	    &export->block, EXPORT_HEAD, json_text(export->arena, head), 0);
}

static int
write_end(struct export *export)
{
	struct json_value *end = json_object(export->arena);
	int exit_code;

	json_put_number(end, "artifacts", export->counts.artifacts);
	json_put_number(end, "bytes", export->counts.bytes);
	exit_code = write_text(
	    &export->block, EXPORT_END, json_text(export->arena, end), 0);
	return exit_code == CTL_OK ? ctl_tar_finish(export->block.tar)
				   : exit_code;
}

static int
write_page(struct export *export, const struct page *page)
{
	int exit_code = CTL_OK;
	size_t i;

	for (i = 0; i < page->count && exit_code == CTL_OK; i++)
		exit_code =
		    export_block_add(&export->block, page->artifacts[i]);
	return exit_code;
}

static int
write_artifacts(struct export *export)
{
	struct page page = { .has_more = true };
	int exit_code = CTL_OK;
	enum result result;

	while (page.has_more && exit_code == CTL_OK) {
		arena_reset(export->arena);
		result = store_list(export->store, &export->filter, &page.next,
		    LIMIT_PAGE, export->arena, &page);
		if (result != RESULT_OK)
			return store_failed(&export->block, result);
		exit_code = write_page(export, &page);
	}
	return exit_code == CTL_OK ? export_block_write(&export->block)
				   : exit_code;
}

static int
write_all(struct export *export)
{
	struct store_stat stat = { 0 };
	int exit_code = ctl_local_open_reader(&export->local, &export->store);

	if (exit_code != CTL_OK)
		return exit_code;
	export->block.store = export->store;
	export->arena = arena_open();
	if (store_stat(export->store, &stat) != RESULT_OK ||
	    filter_is_narrow(&export->filter))
		stat.bytes = 0; /* nobody knows how much it will be */
	ctl_progress_begin(
	    &export->progress, export->ctl, "export", stat.bytes);
	exit_code = write_head(export);
	if (exit_code == CTL_OK)
		exit_code = write_artifacts(export);
	if (exit_code == CTL_OK)
		exit_code = write_end(export);
	ctl_progress_end(&export->progress);
	arena_close(export->arena);
	store_close(export->store);
	return exit_code;
}

/* ---- the command ---- */

/* If the tar went to standard output, the summary goes to standard error. */
static int
conclude(const struct export *export)
{
	const struct ctl *ctl = export->ctl;
	const struct export_counts *counts = &export->counts;
	bool is_stdout = strcmp(ctl->operands[0], "-") == 0;
	FILE *file = is_stdout ? stderr : stdout;
	struct ctl_row *row = ctl_row(ctl->arena);

	if (ctl->is_json && !is_stdout) {
		ctl_row_number(row, "artifacts", counts->artifacts);
		ctl_row_number(row, "bytes", counts->bytes);
		ctl_row_number(row, "damaged", counts->damaged);
		ctl_print_facts(ctl, row);
	} else {
		fprintf(file, "exported %s, %s of content\n",
		    ctl_count_text(ctl->arena, counts->artifacts, "artifact")
			.data,
		    ctl_size_text(ctl->arena, counts->bytes).data);
	}
	if (counts->damaged == 0)
		return CTL_OK;
	return ctl_error(CTL_INTEGRITY,
	    "damaged, and so not in the export: %s; see artifactctl check "
	    "--deep, and restore from a backup",
	    ctl_count_text(ctl->arena, counts->damaged, "artifact").data);
}

/* Remove the unfinished file, where the file system cannot hold one without a
 * name. A handler of signals calls this. */
static void
leave_no_file(void *object, bool is_damaged)
{
	struct export *export = object;

	(void)is_damaged; /* ctl_local_guard prints the sentence */
	ctl_local_as_root(&export->local);
	ctl_tar_drop(export->block.tar);
}

static int
run_open(struct export *export)
{
	struct ctl_local *local = &export->local;
	const char *path = export->ctl->operands[0];
	int exit_code;

	export->block.ctl = export->ctl;
	export->block.directory = local->directory;
	export->block.counts = &export->counts;
	export->block.progress = &export->progress;
	exit_code = export_block_open(&export->block, path);
	if (exit_code != CTL_OK)
		return exit_code;
	exit_code = ctl_local_become_for_now(local);
	ctl_local_guard(&(struct ctl_ending){
	    .local = local, .clean_up = leave_no_file, .object = export });
	ctl_local_watch(true, NULL, NULL);
	if (exit_code == CTL_OK)
		exit_code = write_all(export);
	ctl_local_unwatch();
	ctl_local_hold();
	ctl_local_as_root(local);
	if (exit_code == CTL_OK)
		exit_code = ctl_tar_keep(export->block.tar);
	export_block_close(&export->block);
	return exit_code == CTL_OK ? conclude(export) : exit_code;
}

static int
run(struct ctl *ctl)
{
	static struct export export;
	int exit_code;
	size_t i;

	export.ctl = ctl;
	for (i = 0; i < FILTERS; i++)
		filter_set(ctl->arena, &export.filter, i,
		    span_str(ctl_value(ctl, ctl_filter_options[i])));
	if (strcmp(ctl->operands[0], "-") == 0 && isatty(STDOUT_FILENO))
		return ctl_usage(ctl, "a tar file is nothing for a terminal");
	exit_code = ctl_local_load(ctl, &export.local);
	if (exit_code != CTL_OK)
		return exit_code;
	ctl_local_hold();
	exit_code = ctl_tar_create(ctl, ctl->operands[0], &export.block.tar);
	if (exit_code == CTL_OK) {
		exit_code = run_open(&export);
		ctl_tar_discard(export.block.tar);
	}
	ctl_local_let_go();
	return exit_code;
}

static const struct ctl_option options[] = {
	CTL_FILTERS,
	{ NULL, 0, NULL, NULL },
};

const struct ctl_command ctl_command_export = {
	.name = "export",
	.summary = "Write artifacts into a tar file, which import reads",
	.operands = "FILE",
	.least = 1,
	.most = 1,
	.where = CTL_LOCAL,
	.options = options,
	.details =
	    "FILE is - for standard output. The service may run meanwhile.\n"
	    "The tar has JSON lines and the content of each artifact; FILE\n"
	    "is replaced once the new one is whole and on disk.\n",
	.run = run,
};
