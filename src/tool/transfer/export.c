/* SPDX-License-Identifier: ISC */
/*
 * export.c - artifactctl export: the store of this host as a tar file,
 * while the service goes on.
 *
 * The store is read as the user that it belongs to, and the file gets its
 * name from whoever was called: two processes, if that is root.
 */

#include "export_block.h"
#include "tool/local/local.h"
#include "tool/output.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

struct export
{
	const struct ctl *ctl;
	struct ctl_local local;
	struct store *store;
	struct filter filter;
	struct arena *arena; /* of a page */
	struct ctl_progress progress;
	struct export_counts *counts; /* in shared memory */
	struct export_block block;
};

/* ---- all of it ---- */

static int
write_head(struct export *export)
{
	struct json_value *head = json_object(export->arena);

	json_put_text(head, "format", SPAN(EXPORT_FORMAT));
	json_put_number(head, "version", EXPORT_VERSION);
	return export_write_text(
	    &export->block, EXPORT_HEAD, json_text(export->arena, head), 0);
}

static int
write_end(struct export *export)
{
	struct json_value *end = json_object(export->arena);
	int exit_code;

	json_put_number(end, "artifacts", export->counts->artifacts);
	json_put_number(end, "bytes", export->counts->bytes);
	exit_code = export_write_text(
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
			return ctl_error(result == RESULT_DAMAGED
					     ? CTL_INTEGRITY
					     : CTL_FAILED,
			    "%s cannot be read: %s (%s); see artifactctl check",
			    export->local.directory, result_text(result),
			    store_reason(export->store));
		exit_code = write_page(export, &page);
	}
	return exit_code == CTL_OK ? export_block_write(&export->block)
				   : exit_code;
}

static bool
has_filter(const struct export *export)
{
	const struct filter *filter = &export->filter;

	return filter->workflow.size + filter->phase.size + filter->type.size +
		   filter->session.size >
	       0;
}

/* As the store's user. */
static int
run_as_user(void *object)
{
	struct export *export = object;
	struct store_stat stat = { 0 };
	int exit_code;

	ctl_local_end_when_stopped();
	exit_code = ctl_local_open_reader(&export->local, &export->store);
	if (exit_code != CTL_OK)
		return exit_code;
	export->block.store = export->store;
	export->arena = arena_open();
	if (store_stat(export->store, &stat) != RESULT_OK || has_filter(export))
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

static struct span
filter_value(const struct ctl *ctl, const char *name)
{
	return span_str(ctl_value(ctl, name));
}

/* Where the tar is on standard output, words go to the other one. */
static int
conclude(const struct export *export)
{
	const struct ctl *ctl = export->ctl;
	const struct export_counts *counts = export->counts;
	struct span size = ctl_size_text(ctl->arena, counts->bytes);
	bool is_stdout = strcmp(ctl->operands[0], "-") == 0;
	FILE *file = is_stdout ? stderr : stdout;
	struct ctl_row *row = ctl_row(ctl->arena);

	if (ctl->is_json && !is_stdout) {
		ctl_row_number(row, "artifacts", counts->artifacts);
		ctl_row_number(row, "bytes", counts->bytes);
		ctl_row_number(row, "damaged", counts->damaged);
		ctl_print_facts(ctl, row);
	} else {
		fprintf(file, "exported %s, %.*s of content\n",
		    ctl_count_text(ctl->arena, counts->artifacts, "artifact")
			.data,
		    (int)size.size, size.data);
	}
	if (counts->damaged == 0)
		return CTL_OK;
	return ctl_error(CTL_INTEGRITY,
	    "damaged, and so not in the export: %s; see artifactctl check "
	    "--deep, and restore from a backup",
	    ctl_count_text(ctl->arena, counts->damaged, "artifact").data);
}

static int
run_open(struct export *export)
{
	const char *path = export->ctl->operands[0];
	int exit_code;

	export->block.ctl = export->ctl;
	export->block.directory = export->local.directory;
	export->block.counts = export->counts;
	export->block.progress = &export->progress;
	exit_code = export_block_open(&export->block, path);
	if (exit_code != CTL_OK)
		return exit_code;
	exit_code = ctl_local_run(&export->local, run_as_user, export, NULL);
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

	export.ctl = ctl;
	export.filter = (struct filter){
		.workflow = filter_value(ctl, "workflow"),
		.phase = filter_value(ctl, "phase"),
		.type = filter_value(ctl, "type"),
		.session = filter_value(ctl, "session"),
	};
	export.filter.type = span_lower(ctl->arena, export.filter.type);
	if (strcmp(ctl->operands[0], "-") == 0 && isatty(STDOUT_FILENO))
		return ctl_usage(ctl, "a tar file is nothing for a terminal");
	export.counts = mmap(NULL, sizeof(*export.counts),
	    PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (export.counts == MAP_FAILED)
		return ctl_fail("no memory: %s", strerror(errno));
	exit_code = ctl_local_load(ctl, &export.local);
	if (exit_code != CTL_OK)
		return exit_code;
	ctl_local_hold(); /* where a file cannot be without a name */
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
