/* SPDX-License-Identifier: ISC */
/* backup.c - artifactctl backup: one more, and which ones may go. */

#include "backup.h"
#include "tool/output.h"

#include <errno.h>
#include <unistd.h>

#define KEEP_MOST 1000000

static void
print_backup(const struct ctl_backup *backup, uint64_t deleted)
{
	struct arena *arena = backup->local->ctl->arena;
	struct ctl_row *row = ctl_row(arena);

	ctl_row_text(row, "backup",
	    arena_printf(arena, "%s/%s", backup->path, backup->name));
	ctl_row_number(row, "artifacts", backup->verify.artifacts);
	ctl_row_size(row, "bytes", backup->bytes);
	ctl_row_number(row, "deleted", deleted);
	ctl_print_facts(backup->local->ctl, row);
}

/*
 * keep 0: all. This one stays, also where others have names of a later time:
 * the clock was wrong then, or is now.
 */
static int
delete_older(
    const struct ctl_backup *backup, uint64_t keep, uint64_t *ret_deleted)
{
	const char **names;
	uint64_t kept = 1;
	size_t count = 0, i;

	if (keep != 0)
		count = ctl_copies_list(
		    backup->directory, backup->local->ctl->arena, &names);
	for (i = 0; i < count; i++) {
		if (strcmp(names[i], backup->name) == 0 || kept++ < keep)
			continue;
		if (!ctl_copies_delete(backup->directory, names[i]))
			return ctl_fail("%s/%s cannot be deleted: %s",
			    backup->path, names[i], strerror(errno));
		++*ret_deleted;
	}
	return CTL_OK;
}

static void
print_act(struct ctl_output *output, const char *act, const char *path,
    const char *name)
{
	struct arena *arena = arena_open();
	struct ctl_row *row = ctl_row(arena);

	ctl_row_text(row, "would", span_str(act));
	ctl_row_text(row, "backup", arena_printf(arena, "%s/%s", path, name));
	ctl_output_row(output, row);
	arena_close(arena);
}

static int
dry_run(const struct ctl_backup *backup, uint64_t keep)
{
	struct ctl_output *output = ctl_output_open(backup->local->ctl);
	const char **names;
	char name[COPIES_NAME];
	size_t count, i;

	ctl_copies_name(name);
	print_act(output, "make", backup->path, name);
	count = ctl_copies_list(
	    backup->directory, backup->local->ctl->arena, &names);
	for (i = keep - 1; keep != 0 && i < count; i++)
		print_act(output, "delete", backup->path, names[i]);
	ctl_output_close(output);
	return CTL_WOULD_CHANGE;
}

static int
back_up(struct ctl_backup *backup, uint64_t keep)
{
	uint64_t count = 0;
	int deleted = CTL_OK;
	int exit_code;

	ctl_local_hold();
	exit_code = ctl_backup_make(backup);
	if (backup->is_made) {
		deleted = delete_older(backup, keep, &count);
		print_backup(backup, count);
	}
	ctl_local_let_go();
	return exit_code == CTL_OK ? deleted : exit_code;
}

static int
run(struct ctl *ctl)
{
	struct ctl_backup backup = { .directory = -1 };
	struct ctl_local local;
	uint64_t keep = 0;
	int exit_code;

	exit_code = ctl_number(ctl, "keep", 1, KEEP_MOST, &keep);
	if (exit_code == CTL_OK)
		exit_code = ctl_local_load(ctl, &local);
	if (exit_code == CTL_OK && !ctl_local_has_store(&local))
		exit_code = ctl_local_no_store(&local);
	if (exit_code == CTL_OK)
		exit_code = ctl_backup_open(&local, ctl->operands[0], &backup);
	if (exit_code == CTL_OK)
		exit_code = ctl_has(ctl, "dry-run") ? dry_run(&backup, keep)
						    : back_up(&backup, keep);
	ctl_backup_close(&backup);
	return exit_code;
}

static const struct ctl_option options[] = {
	{ "keep", 0, "N",
	    "then delete older backups, so that N are left with this one" },
	{ "dry-run", 0, NULL, "only say what would be made and deleted" },
	{ NULL, 0, NULL, NULL },
};

const struct ctl_command ctl_command_backup = {
	.name = "backup",
	.summary = "Copy the store, beside a service that runs, and verify it",
	.operands = "DIR",
	.least = 1,
	.most = 1,
	.where = CTL_LOCAL,
	.options = options,
	.details =
	    "The backup is a directory in DIR, artifactd-<time>, that has its\n"
	    "name only when it is whole, on disk and verified. While the copy "
	    "is\n"
	    "made data.mdb grows by what the service writes meanwhile. The\n"
	    "result is kept in state_dir/last-backup, for status and "
	    "/metrics.\n",
	.run = run,
};
