/* SPDX-License-Identifier: ISC */
/*
 * init.c - artifactctl init: a new, empty store, where there is none.
 *
 * Nothing else makes one. A service that did would serve an empty store where
 * the disk of the real one is not mounted, or where a setting names another
 * directory, and take in what is then in neither.
 */

#include "local.h"
#include "tool/output.h"
#include "tool/program.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- the directory, as who we are ---- */

/*
 * As whom systemd starts the service, if it is its store: one that the command
 * line tells of is of whoever made its directory. NULL: nobody can say.
 */
static const struct passwd *
service_user(const struct ctl *ctl)
{
	static const char *const words[] = { "systemctl", "show", "--property",
		"User", "--value", "artifactd.service", NULL };
	struct ctl_program program;
	struct span name;

	if (geteuid() != 0 || ctl_has(ctl, "config") || ctl_has(ctl, "set"))
		return NULL;
	if (!ctl_program_run(ctl->arena, words, &program) ||
	    program.exit_code != 0)
		return NULL;
	name = program.output;
	name.size = strcspn(arena_string(ctl->arena, name), "\n");
	return name.size == 0 ? NULL : getpwnam(arena_string(ctl->arena, name));
}

static bool
sync_parent(int directory)
{
	int parent =
	    openat(directory, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool is_synced;

	if (parent < 0)
		return false;
	is_synced = fsync(parent) == 0;
	(void)close(parent); /* nothing was written */
	return is_synced;
}

/* The root of a disk that was just formatted is root's. */
static int
give_directory(const char *path, int directory, const struct passwd *user)
{
	struct stat file;

	if (fstat(directory, &file) != 0)
		return ctl_local_cannot(path, "cannot be looked at");
	if (user == NULL || file.st_uid != 0 || user->pw_uid == 0)
		return CTL_OK;
	if (fchown(directory, user->pw_uid, user->pw_gid) != 0 ||
	    fchmod(directory, 0700) != 0)
		return ctl_local_cannot(
		    path, "cannot be given to the service's user");
	return CTL_OK;
}

static int
prepare(const struct ctl *ctl, const char *path)
{
	bool is_new = mkdir(path, 0700) == 0;
	int directory, exit_code;

	if (!is_new && errno != EEXIST)
		return ctl_local_cannot(path, "cannot be made");
	directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (directory < 0 && errno == EACCES)
		return CTL_OK; /* whose it is will be said */
	if (directory < 0)
		return ctl_local_cannot(path, "cannot be opened");
	if (is_new)
		(void)fchmod(directory, 0700); /* whatever the umask */
	exit_code = give_directory(path, directory, service_user(ctl));
	/* Its user may not be let in there. */
	if (exit_code == CTL_OK && is_new && !sync_parent(directory))
		exit_code =
		    ctl_local_cannot(path, "its parent cannot be synced");
	(void)close(directory); /* nothing was written */
	return exit_code;
}

/* ---- the store, as its user ---- */

/* What a store that was here left, and what a new disk has. */
static bool
is_harmless(const char *name)
{
	static const char *const names[] = { ".", "..", "lost+found",
		"data.mdb", "lock.mdb", "format", "format.new", NOTE_CHECK,
		NOTE_BACKUP };
	size_t i;

	for (i = 0; i < COUNT_OF(names); i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	return false;
}

/* Something that is not a store's: is it the right directory? */
static int
refuse_others(const struct ctl_local *local)
{
	DIR *directory = opendir(local->directory);
	const struct dirent *entry;
	int exit_code = CTL_OK;

	if (directory == NULL)
		return ctl_local_cannot(local->directory, "cannot be opened");
	while (exit_code == CTL_OK && (entry = readdir(directory)) != NULL)
		if (!is_harmless(entry->d_name))
			exit_code = ctl_fail(
			    "%s is not empty, and %s in it is nothing of a "
			    "store's: is it the right directory? A store is "
			    "made in one of its own",
			    local->directory, entry->d_name);
	(void)closedir(directory);
	return exit_code;
}

static bool
has_whole_store(const struct ctl_local *local)
{
	static const char *const names[] = { "format", "data.mdb" };
	struct stat file;
	size_t i;

	for (i = 0; i < 2; i++)
		if (stat(arena_printf(local->ctl->arena, "%s/%s",
			     local->directory, names[i])
			     .data,
			&file) != 0 ||
		    file.st_size == 0)
			return false;
	return true;
}

static int
make(struct ctl_local *local)
{
	struct store *store;
	int exit_code = refuse_others(local);

	if (exit_code == CTL_OK)
		exit_code = ctl_local_open_writer(local, true, &store);
	if (exit_code == CTL_OK)
		store_close(store);
	return exit_code;
}

static int
make_or_find(struct ctl_local *local)
{
	struct ctl_row *row = ctl_row(local->ctl->arena);
	bool is_there = has_whole_store(local);
	int exit_code = is_there ? CTL_OK : make(local);

	if (exit_code != CTL_OK)
		return exit_code;
	ctl_row_text(row, "store", span_str(local->directory));
	ctl_row_text(row, "user", span_str(local->user));
	ctl_row_bool(row, "made", !is_there);
	ctl_print_facts(local->ctl, row);
	return CTL_OK;
}

static int
run(struct ctl *ctl)
{
	struct ctl_local local;
	const char *error = NULL;
	const struct config *config = ctl_local_config(ctl, &error);
	int exit_code;

	if (config == NULL)
		return ctl_fail("%s", error);
	exit_code = ctl_mount_judge(ctl->arena, config->state_dir, "the store");
	if (exit_code == CTL_OK)
		exit_code = prepare(ctl, config->state_dir);
	if (exit_code == CTL_OK)
		exit_code = ctl_local_load(ctl, &local);
	if (exit_code == CTL_OK)
		exit_code = ctl_local_become(&local);
	if (exit_code != CTL_OK)
		return exit_code;
	ctl_local_guard(&(struct ctl_ending){ .local = &local });
	exit_code = make_or_find(&local);
	ctl_local_let_go();
	return exit_code;
}

static const struct ctl_option options[] = { { NULL, 0, NULL, NULL } };

const struct ctl_command ctl_command_init = {
	.name = "init",
	.summary = "Make a new, empty store where there is none",
	.operands = "",
	.where = CTL_LOCAL,
	.options = options,
	.details =
	    "Once, before the service first starts: it makes none itself, so\n"
	    "that a disk that is not mounted is missed. A store that is there\n"
	    "stays as it is, and that is no failure; one that was half made "
	    "is\n"
	    "made anew.\n",
	.run = run,
};
