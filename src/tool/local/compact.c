/* SPDX-License-Identifier: ISC */
/*
 * compact.c - artifactctl compact: give unused pages back to the file
 * system, by a copy of the store without them. The store is locked all that
 * time.
 */

#include "copies.h"
#include "tool/output.h"

#include <errno.h>
#include <unistd.h>

#define SPARE (UINT64_C(1) << 20) /* for the commit behind the copy */
#define NOT_WORTH 65536		  /* what that commit may leave unused */

/* What was deleted and waits to be swept goes first, or it would be copied. */
static int
begin_compact(struct ctl_copy *copy)
{
	int exit_code =
	    ctl_local_open_writer(&copy->local, false, &copy->store);

	if (exit_code == CTL_OK)
		exit_code =
		    ctl_copy_open_state_dir(copy, "compact" COPY_PARTIAL);
	if (exit_code != CTL_OK)
		return exit_code;
	copy->before = store_lmdb_size(copy->store);
	exit_code = ctl_local_sweep(copy->store);
	if (exit_code != CTL_OK)
		return exit_code;
	copy->unused = store_lmdb_unused(copy->store);
	if (!ctl_copy_remove(copy->directory, "compact" COPY_PARTIAL))
		return ctl_local_cannot(copy->path, "compact" COPY_PARTIAL);
	return ctl_copy_begin(
	    copy, "compact", copy->before - copy->unused + SPARE);
}

static int
fill_compact(struct ctl_copy *copy)
{
	struct store *compacted;
	char error[256] = "";
	enum result result;

	ctl_copy_watch(copy, false, copy->before - copy->unused);
	result = store_lmdb_compact(
	    copy->store, copy->partial_path, error, &compacted);
	ctl_copy_unwatch(copy);
	if (result != RESULT_OK)
		return ctl_error(
		    result == RESULT_DAMAGED ? CTL_INTEGRITY : CTL_FAILED,
		    "%s; the store stays as it is. If room is not what it "
		    "lacks: artifactctl check --deep, or export, and import "
		    "into a new store",
		    error);
	copy->after = store_lmdb_size(compacted);
	store_close(compacted);
	return CTL_OK;
}

static bool
remove_lock(int directory)
{
	return unlinkat(directory, "lock.mdb", 0) == 0 || errno == ENOENT;
}

/*
 * lock.mdb tells of commits of the old file, and is made anew. Who begins to
 * read in between makes one that tells of them too: it goes as well, or the
 * service would refuse the new file as long as that reader lives.
 */
static int
put_compacted(struct ctl_copy *copy)
{
	int directory = copy->directory;

	if (copy->after < copy->before) {
		if (!remove_lock(directory))
			return ctl_local_cannot(copy->path, "lock.mdb");
		if (renameat(copy->fd, "data.mdb", directory, "data.mdb") != 0)
			return ctl_local_cannot(copy->path, "data.mdb");
		if (!remove_lock(directory))
			return ctl_local_cannot(copy->path, "lock.mdb");
		if (fsync(directory) != 0)
			return ctl_local_cannot(copy->path, "data.mdb");
	}
	ctl_copy_drop(copy);
	return CTL_OK;
}

static void
leave_compact(void *object, bool is_damaged)
{
	(void)is_damaged; /* nobody is told but who called */
	ctl_copy_drop(object);
}

static int
print_compaction(struct ctl_copy *copy)
{
	const struct ctl *ctl = copy->local.ctl;
	bool is_dry = ctl_has(ctl, "dry-run");
	struct ctl_row *row = ctl_row(ctl->arena);
	uint64_t before = copy->before;
	uint64_t after = is_dry ? before - copy->unused : copy->after;

	ctl_row_size(row, "before_bytes", before);
	ctl_row_size(row, is_dry ? "estimate_bytes" : "after_bytes", after);
	ctl_row_size(row, is_dry ? "unused_bytes" : "freed_bytes",
	    before > after ? before - after : 0);
	ctl_print_facts(ctl, row);
	if (copy->waiting > 0)
		fprintf(stderr,
		    "artifactctl: what waits to be swept goes too, and is not "
		    "in the estimate: %s\n",
		    ctl_count_text(ctl->arena, copy->waiting, "deleted content")
			.data);
	return is_dry && (copy->unused > NOT_WORTH || copy->waiting > 0)
		   ? CTL_WOULD_CHANGE
		   : CTL_OK;
}

static const struct ctl_copy_kind compacting = {
	.begin = begin_compact,
	.fill = fill_compact,
	.put = put_compacted,
	.conclude = print_compaction,
	.leave = leave_compact,
	.what = "and the compacted copy takes",
	.advice = " beside the old one: make room, or restore a backup on a "
		  "larger disk",
};

static void
keep_waiting(void *object, const struct store_figure *figure)
{
	if (strcmp(figure->name, "sweep_backlog") == 0)
		*(uint64_t *)object = figure->value;
}

/*
 * A dry run only reads, beside a service or not, for a pause costs more than
 * it. It sweeps nothing, and says how much waits for that.
 */
static int
estimate(struct ctl_copy *copy)
{
	struct store *store;
	enum result result;
	int exit_code = ctl_local_open_reader(&copy->local, &store);

	if (exit_code != CTL_OK)
		return exit_code;
	copy->before = store_lmdb_size(store);
	copy->unused = store_lmdb_unused(store);
	result = store_figures(store, keep_waiting, &copy->waiting);
	if (result != RESULT_OK)
		exit_code = ctl_local_refusal(result, store_reason(store));
	store_close(store);
	return exit_code == CTL_OK ? print_compaction(copy) : exit_code;
}

static int
run_compact(struct ctl *ctl)
{
	struct ctl_copy copy;
	int exit_code = ctl_copy_load(ctl, &compacting, &copy);

	if (exit_code == CTL_OK)
		exit_code = ctl_local_become(&copy.local);
	if (exit_code != CTL_OK)
		return exit_code;
	copy.if_damaged = "the compacted copy is not whole, so that the store "
			  "is not either, which stays as it is: see "
			  "artifactctl check --deep";
	if (!ctl_has(ctl, "dry-run"))
		return ctl_copy_make(&copy);
	ctl_local_guard(&(struct ctl_ending){ .local = &copy.local });
	exit_code = estimate(&copy);
	ctl_local_let_go();
	return exit_code;
}

static const struct ctl_option compact_options[] = {
	{ "dry-run", 0, NULL,
	    "only say what it would free; the service may run" },
	{ NULL, 0, NULL, NULL },
};

const struct ctl_command ctl_command_compact = {
	.name = "compact",
	.summary = "Give unused pages back to the file system",
	.operands = "",
	.where = CTL_LOCAL,
	.options = compact_options,
	.details =
	    "After many deletes: data.mdb keeps their pages for what comes, "
	    "and\n"
	    "never gets shorter by itself. The service has to be stopped, and\n"
	    "there has to be room for the compacted copy beside the old file.\n"
	    "The copy is verified before it takes the old one's place.\n",
	.run = run_compact,
};
