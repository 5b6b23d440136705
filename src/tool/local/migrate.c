/* SPDX-License-Identifier: ISC */
/*
 * migrate.c - artifactctl migrate: a store of an older format becomes one
 * of this version's, behind a backup.
 */

#include "backup.h"
#include "tool/output.h"

/* Shared with the process that does it. */
struct migrating {
	bool is_current; /* there is nothing to do */
	uint32_t format;
	struct ctl_verify verify;
};

struct migration {
	struct ctl_local *local;
	struct migrating *shared;
};

/* What is there? */
static int
look(void *object)
{
	struct migration *migration = object;
	const char *directory = migration->local->directory;
	struct store *store;
	char error[256] = "";
	enum result result;

	result = store_lmdb_open_reader(directory, error, &store);
	migration->shared->is_current = result == RESULT_OK;
	/* Of another format: one that is known, which opens so? */
	if (result == RESULT_MALFORMED)
		result = store_lmdb_open_source(directory, error, &store);
	if (result != RESULT_OK)
		return ctl_local_refusal(result, error);
	migration->shared->format = store_lmdb_format(store);
	store_close(store);
	return CTL_OK;
}

static int
migrate_store(struct migration *migration)
{
	const struct store_lmdb_options options = {
		.directory = migration->local->directory,
	};
	struct store *store;
	char error[256] = "";
	enum result result;

	result = store_lmdb_open_old(&options, error, &store);
	if (result == RESULT_UNAVAILABLE)
		return ctl_local_in_use();
	if (result != RESULT_OK)
		return ctl_local_refusal(result, error);
	result = store_lmdb_migrate(store, error);
	store_close(store);
	return result == RESULT_OK ? CTL_OK : ctl_local_refusal(result, error);
}

static int
migrate(void *object)
{
	struct migration *migration = object;
	struct store *store;
	int exit_code = migrate_store(migration);

	if (exit_code == CTL_OK)
		exit_code = ctl_local_open_reader(migration->local, &store);
	if (exit_code != CTL_OK)
		return exit_code;
	exit_code = ctl_verify(store, &migration->shared->verify);
	store_close(store);
	return exit_code;
}

static void
print_result(const struct ctl *ctl, const struct migrating *shared,
    const struct ctl_backup *backup)
{
	struct ctl_row *row = ctl_row(ctl->arena);

	ctl_row_number(row, "from", shared->format);
	ctl_row_number(row, "to", store_lmdb_newest());
	ctl_row_number(row, "artifacts", shared->verify.artifacts);
	ctl_row_text(row, "backup",
	    arena_printf(ctl->arena, "%s/%s", backup->path, backup->name));
	ctl_print_facts(ctl, row);
}

/* Before the backup, which may take long. */
static int
judge(struct migration *migration)
{
	int exit_code = ctl_local_run(migration->local, look, migration, NULL);

	if (exit_code != CTL_OK || migration->shared->is_current)
		return exit_code;
	return ctl_local_is_running(migration->local) ? ctl_local_in_use()
						      : CTL_OK;
}

static int
run(struct ctl *ctl)
{
	const char *path = ctl_value(ctl, "backup");
	struct ctl_backup backup = { .directory = -1 };
	struct ctl_local local;
	struct migration migration = { .local = &local };
	int exit_code;

	if (path == NULL)
		return ctl_usage(ctl, "migrate needs --backup DIR");
	exit_code = ctl_local_load(ctl, &local);
	if (exit_code != CTL_OK)
		return exit_code;
	migration.shared = ctl_shared(sizeof(*migration.shared));
	migration.shared->verify =
	    (struct ctl_verify){ .ctl = ctl, .what = "verification" };
	exit_code = judge(&migration);
	if (exit_code == CTL_OK && migration.shared->is_current) {
		fprintf(stderr, "artifactctl: %s is of format %u already\n",
		    local.directory, store_lmdb_newest());
		return CTL_OK;
	}
	if (exit_code == CTL_OK)
		exit_code = ctl_backup_open(&local, path, &backup);
	if (exit_code == CTL_OK)
		exit_code = ctl_backup_make(&backup);
	if (exit_code == CTL_OK)
		exit_code = ctl_local_run(&local, migrate, &migration, NULL);
	if (exit_code == CTL_OK)
		print_result(ctl, migration.shared, &backup);
	ctl_backup_close(&backup);
	return exit_code;
}

static const struct ctl_option options[] = {
	{ "backup", 0, "DIR", "make a backup there first; it is required" },
	{ NULL, 0, NULL, NULL },
};

const struct ctl_command ctl_command_migrate = {
	.name = "migrate",
	.summary = "Bring a store of an older format to this version's",
	.operands = "",
	.where = CTL_LOCAL,
	.options = options,
	.details = "The service has to be stopped. A backup of the store as it "
		   "is comes\n"
		   "first. A migration that was killed can be repeated.\n",
	.run = run,
};
