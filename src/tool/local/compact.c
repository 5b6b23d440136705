/* SPDX-License-Identifier: ISC */
/*
 * compact.c - artifactctl compact: give unused pages back to the file
 * system.
 *
 * What was deleted and waits to be swept goes first, or it would be copied.
 * The compacted copy is made and verified in state_dir/compact.partial, and
 * then renamed over data.mdb. The store is locked all that time.
 */

#include "copies.h"
#include "tool/output.h"
#include "verify.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define PARTIAL "compact" COPIES_PARTIAL
#define SPARE (UINT64_C(1) << 20) /* for the commit behind the copy */
#define NOT_WORTH 65536		  /* what that commit may leave unused */

/* Shared with the process that does it. */
struct compacting {
	uint64_t before;
	uint64_t unused;
	uint64_t waiting; /* contents that a dry run leaves unswept */
	uint64_t after;
	bool is_copying;
	struct ctl_verify verify;
};

struct compaction {
	struct ctl_local *local;
	const char *path; /* of the copy's directory */
	int directory;	  /* state_dir */
	struct compacting *shared;
	struct ctl_progress progress;
};

static int
cannot(const char *what)
{
	return ctl_fail("%s: %s", what, strerror(errno));
}

static int
judge_room(const struct compaction *compaction)
{
	const struct compacting *shared = compaction->shared;
	uint64_t needed = shared->before - shared->unused + SPARE;
	uint64_t bytes = 0;
	struct statvfs disk;

	if (fstatvfs(compaction->directory, &disk) == 0)
		bytes = (uint64_t)disk.f_bavail * disk.f_frsize;
	if (bytes >= needed)
		return CTL_OK;
	return ctl_fail("%s has %llu bytes free, and the compacted copy takes "
			"%llu beside the old one: make room, or restore a "
			"backup on a larger disk",
	    compaction->local->directory, (unsigned long long)bytes,
	    (unsigned long long)needed);
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
put_in_place(const struct compaction *compaction)
{
	int directory = compaction->directory;

	if (!remove_lock(directory))
		return cannot("lock.mdb");
	if (renameat(directory, PARTIAL "/data.mdb", directory, "data.mdb") !=
	    0)
		return cannot("data.mdb");
	if (!remove_lock(directory))
		return cannot("lock.mdb");
	return fsync(directory) == 0 ? CTL_OK : cannot("data.mdb");
}

static int
verify(struct compaction *compaction, struct store *copy)
{
	int exit_code = ctl_verify(copy, &compaction->shared->verify);

	compaction->shared->after = store_lmdb_size(copy);
	if (exit_code == CTL_INTEGRITY)
		(void)ctl_fail("the compacted copy is not whole, so that the "
			       "store is not either, which stays as it is: see "
			       "artifactctl check --deep");
	return exit_code;
}

static int
compact(struct compaction *compaction, struct store *store)
{
	struct store *copy;
	char error[256] = "";
	enum result result;
	int exit_code;

	if (mkdirat(compaction->directory, PARTIAL, 0700) != 0)
		return cannot(compaction->path);
	compaction->shared->is_copying = true;
	result = store_lmdb_compact(store, compaction->path, error, &copy);
	compaction->shared->is_copying = false;
	if (result != RESULT_OK)
		return ctl_error(
		    result == RESULT_DAMAGED ? CTL_INTEGRITY : CTL_FAILED,
		    "%s; the store stays as it is. If room is not what it "
		    "lacks: artifactctl check --deep, or export, and import "
		    "into a new store",
		    error);
	exit_code = verify(compaction, copy);
	store_close(copy);
	if (exit_code == CTL_OK &&
	    compaction->shared->after < compaction->shared->before)
		exit_code = put_in_place(compaction);
	return exit_code;
}

static int
compact_if_room(struct compaction *compaction, struct store *store)
{
	int exit_code;

	if (!ctl_copies_remove(compaction->directory, PARTIAL))
		return cannot(compaction->path);
	exit_code = judge_room(compaction);
	if (exit_code == CTL_OK)
		exit_code = compact(compaction, store);
	/* Else the next one removes it. */
	(void)!ctl_copies_remove(compaction->directory, PARTIAL);
	return exit_code;
}

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
estimate(void *object)
{
	struct compaction *compaction = object;
	struct compacting *shared = compaction->shared;
	struct store *store;
	enum result result;
	int exit_code = ctl_local_open_reader(compaction->local, &store);

	if (exit_code != CTL_OK)
		return exit_code;
	shared->before = store_lmdb_size(store);
	shared->unused = store_lmdb_unused(store);
	result = store_figures(store, keep_waiting, &shared->waiting);
	if (result != RESULT_OK)
		exit_code = ctl_local_refusal(result, store_reason(store));
	store_close(store);
	return exit_code;
}

static int
prepare(struct compaction *compaction, struct store *store)
{
	struct compacting *shared = compaction->shared;
	int exit_code;

	shared->before = store_lmdb_size(store);
	exit_code = ctl_local_sweep(store);
	shared->unused = store_lmdb_unused(store);
	return exit_code;
}

static int
job(void *object)
{
	struct compaction *compaction = object;
	struct ctl_local *local = compaction->local;
	struct store *store;
	int exit_code;

	(void)umask(0077); /* returns the old one */
	exit_code = ctl_local_open_writer(local, false, &store);
	if (exit_code != CTL_OK)
		return exit_code;
	compaction->directory =
	    open(local->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (compaction->directory < 0)
		exit_code = cannot(local->directory);
	else
		exit_code = prepare(compaction, store);
	if (exit_code == CTL_OK)
		exit_code = compact_if_room(compaction, store);
	store_close(store); /* its lock too: not before */
	return exit_code;
}

/* What the process left that was ended in it, if the store is still ours. */
static int
clean_up(void *object)
{
	const struct compaction *compaction = object;
	int directory = open(
	    compaction->local->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (directory < 0)
		return CTL_FAILED;
	if (flock(directory, LOCK_EX | LOCK_NB) == 0)
		/* Else the next one removes it. */
		(void)!ctl_copies_remove(directory, PARTIAL);
	(void)close(directory); /* lets go of the lock */
	return CTL_OK;
}

static void
show_copy(void *object)
{
	struct compaction *compaction = object;
	struct compacting *shared = compaction->shared;
	struct stat file;

	if (!shared->is_copying || stat(compaction->path, &file) != 0)
		return;
	compaction->progress.total = shared->before - shared->unused;
	if (stat(arena_printf(compaction->local->ctl->arena, "%s/data.mdb",
		     compaction->path)
		     .data,
		&file) == 0)
		ctl_progress_at(&compaction->progress, (uint64_t)file.st_size);
}

static int
print_result(const struct ctl *ctl, const struct compacting *shared)
{
	bool is_dry = ctl_has(ctl, "dry-run");
	struct ctl_row *row = ctl_row(ctl->arena);
	uint64_t after =
	    is_dry ? shared->before - shared->unused : shared->after;

	ctl_row_size(row, "before_bytes", shared->before);
	ctl_row_size(row, is_dry ? "estimate_bytes" : "after_bytes", after);
	ctl_row_size(row, is_dry ? "unused_bytes" : "freed_bytes",
	    shared->before > after ? shared->before - after : 0);
	ctl_print_facts(ctl, row);
	if (shared->waiting > 0)
		fprintf(stderr,
		    "artifactctl: what waits to be swept goes too, and is not "
		    "in the estimate: %s\n",
		    ctl_count_text(
			ctl->arena, shared->waiting, "deleted content")
			.data);
	return is_dry && (shared->unused > NOT_WORTH || shared->waiting > 0)
		   ? CTL_WOULD_CHANGE
		   : CTL_OK;
}

static int
compact_or_leave(struct compaction *compaction)
{
	struct ctl_local *local = compaction->local;
	const struct ctl *ctl = local->ctl;
	int exit_code;

	ctl_progress_begin(&compaction->progress, ctl, "copy", 0);
	ctl_local_hold();
	exit_code = ctl_local_run(
	    local, job, compaction, ctl->is_watched ? show_copy : NULL);
	if (exit_code == CTL_OK)
		exit_code = print_result(ctl, compaction->shared);
	else
		/* It has failed already. */
		(void)!ctl_local_run_last(local, clean_up, compaction);
	ctl_local_let_go();
	return exit_code;
}

static int
run(struct ctl *ctl)
{
	struct ctl_local local;
	struct compaction compaction = { .local = &local, .directory = -1 };
	int exit_code = ctl_local_load(ctl, &local);

	if (exit_code != CTL_OK)
		return exit_code;
	compaction.path =
	    arena_printf(ctl->arena, "%s/" PARTIAL, local.directory).data;
	compaction.shared = ctl_shared(sizeof(*compaction.shared));
	compaction.shared->verify = (struct ctl_verify){
		.ctl = ctl, .what = "verification", .is_deep = true
	};
	if (!ctl_has(ctl, "dry-run"))
		return compact_or_leave(&compaction);
	exit_code = ctl_local_run(&local, estimate, &compaction, NULL);
	return exit_code == CTL_OK ? print_result(ctl, compaction.shared)
				   : exit_code;
}

static const struct ctl_option options[] = {
	{ "dry-run", 0, NULL,
	    "only say what it would free; the service may run" },
	{ NULL, 0, NULL, NULL },
};

const struct ctl_command ctl_command_compact = {
	.name = "compact",
	.summary = "Give unused pages back to the file system",
	.operands = "",
	.where = CTL_LOCAL,
	.options = options,
	.details =
	    "After many deletes: data.mdb keeps their pages for what comes, "
	    "and\n"
	    "never gets shorter by itself. The service has to be stopped, and\n"
	    "there has to be room for the compacted copy beside the old file.\n"
	    "The copy is verified before it takes the old one's place.\n",
	.run = run,
};
