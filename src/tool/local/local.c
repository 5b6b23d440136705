/* SPDX-License-Identifier: ISC */
/* local.c - the store of this host: configuration, user, opening, disks. */

#include "local.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <mntent.h>
#include <pwd.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* ---- configuration ---- */

struct config *
ctl_local_config(const struct ctl *ctl, const char **ret_error)
{
	char **settings =
	    arena_alloc(ctl->arena, ctl->given_count * sizeof(*settings));
	const char *value;
	size_t i = 0, count = 0;

	while ((value = ctl_next_value(ctl, "set", &i)) != NULL)
		settings[count++] = arena_string(ctl->arena, span_str(value));
	return config_load(
	    ctl->arena, ctl_value(ctl, "config"), settings, count, ret_error);
}

/* ---- whom it belongs to ---- */

/*
 * The store belongs to the owner of state_dir. The owner of data.mdb counts only
 * where state_dir is root's: elsewhere the owner of the directory could have put
 * somebody else's file there.
 */
static bool
find_owner(const struct ctl_local *local, struct stat *ret_stat)
{
	struct span data =
	    arena_printf(local->ctl->arena, "%s/data.mdb", local->directory);
	struct stat file;

	if (stat(local->directory, ret_stat) != 0)
		return false;
	if (ret_stat->st_uid == 0 && lstat(data.data, &file) == 0 &&
	    S_ISREG(file.st_mode))
		*ret_stat = file;
	return true;
}

static const char *
name_of(struct arena *arena, uid_t uid)
{
	const struct passwd *user = getpwuid(uid);

	if (user != NULL)
		return arena_string(arena, span_str(user->pw_name));
	return arena_printf(arena, "%lld", (long long)uid).data;
}

static int
no_directory(const struct ctl_local *local)
{
	int error = errno;

	if (error == EACCES)
		return ctl_fail("%s is closed to you: run artifactctl as root, "
				"or as the user of artifactd",
		    local->directory);
	if (error != ENOENT)
		return ctl_fail("%s: %s", local->directory, strerror(error));
	return ctl_fail(
	    "there is no directory %s, which the setting "
	    "state_dir names: is its disk mounted? On a new host "
	    "systemd-tmpfiles --create makes it, or artifactctl init, with a "
	    "new store in it; --config or --set state_dir= name another",
	    local->directory);
}

int
ctl_local_load(const struct ctl *ctl, struct ctl_local *ret_local)
{
	struct ctl_local local = { .ctl = ctl };
	const char *error = NULL;
	uid_t me = geteuid();
	struct stat file;

	local.config = ctl_local_config(ctl, &error);
	if (local.config == NULL)
		return ctl_fail("%s", error);
	local.directory = local.config->state_dir;
	if (!find_owner(&local, &file))
		return no_directory(&local);
	local.uid = file.st_uid;
	local.gid = file.st_gid;
	local.user = name_of(ctl->arena, local.uid);
	local.must_become = me == 0 && local.uid != 0;
	if (me != 0 && me != local.uid)
		return ctl_fail("%s belongs to %s: run artifactctl as root, "
				"or as that user (a file made by another would "
				"lock the service out)",
		    local.directory, local.user);
	*ret_local = local;
	return CTL_OK;
}

/* may_return: only the effective user changes. The real and the saved one stay
 * root's, for ctl_local_as_root. */
static int
become(struct ctl_local *local, bool may_return)
{
	const struct passwd *user;
	bool is_done;

	if (!local->must_become)
		return CTL_OK;
	user = getpwuid(local->uid);
	is_done = user != NULL ? initgroups(user->pw_name, local->gid) == 0
			       : setgroups(0, NULL) == 0;
	is_done = is_done && setgid(local->gid) == 0 &&
		  (may_return ? seteuid(local->uid) : setuid(local->uid)) == 0;
	if (!is_done)
		return ctl_fail("cannot become %s, whom %s belongs to: %s",
		    local->user, local->directory, strerror(errno));
	local->must_become = false;
	local->may_return = may_return;
	return CTL_OK;
}

int
ctl_local_become(struct ctl_local *local)
{
	return become(local, false);
}

int
ctl_local_become_for_now(struct ctl_local *local)
{
	return become(local, true);
}

/* Not by seteuid of libc, which a handler of signals may not call. */
static void
switch_to(const struct ctl_local *local, uid_t uid)
{
	if (local->may_return && syscall(SYS_setresuid, -1, uid, -1) != 0)
		_exit(CTL_FAILED); /* rather than go on as somebody else */
}

void
ctl_local_as_root(const struct ctl_local *local)
{
	switch_to(local, 0);
}

void
ctl_local_as_user(const struct ctl_local *local)
{
	switch_to(local, local->uid);
}

bool
ctl_local_is_theirs(const struct ctl_local *local, int directory)
{
	struct stat file;

	return local->must_become && fstat(directory, &file) == 0 &&
	       file.st_uid == local->uid;
}

/* ---- opening ---- */

int
ctl_local_cannot(const char *path, const char *what)
{
	return ctl_fail("%s: %s: %s", path, what, strerror(errno));
}

int
ctl_local_refusal(enum result result, const char *sentence)
{
	return ctl_error(result == RESULT_DAMAGED ? CTL_INTEGRITY : CTL_FAILED,
	    "%s", sentence);
}

int
ctl_local_in_use(void)
{
	return ctl_fail(
	    "the service is running, or another artifactctl is at work: "
	    "systemctl stop artifactd.socket artifactd.service");
}

int
ctl_local_open_reader(struct ctl_local *local, struct store **ret_store)
{
	char error[256] = "";
	enum result result;
	int exit_code = ctl_local_become(local);

	if (exit_code != CTL_OK)
		return exit_code;
	result = store_lmdb_open_reader(local->directory, error, ret_store);
	return result == RESULT_OK ? CTL_OK : ctl_local_refusal(result, error);
}

bool
ctl_local_has_store(const struct ctl_local *local)
{
	struct arena *arena = local->ctl->arena;
	struct stat file;

	return stat(arena_printf(arena, "%s/format", local->directory).data,
		   &file) == 0 ||
	       stat(arena_printf(arena, "%s/data.mdb", local->directory).data,
		   &file) == 0;
}

int
ctl_local_no_store(const struct ctl_local *local)
{
	return ctl_fail("%s holds no store: is its disk mounted? Where a new, "
			"empty one is to be, artifactctl init makes it",
	    local->directory);
}

int
ctl_local_open_writer(
    struct ctl_local *local, bool may_create, struct store **ret_store)
{
	const struct store_lmdb_options options = {
		.directory = local->directory,
		.max_bytes = local->config->max_bytes,
		.reserve = local->config->reserve,
		.may_create = may_create,
	};
	char error[256] = "";
	enum result result;
	int exit_code = ctl_local_become(local);

	if (exit_code != CTL_OK)
		return exit_code;
	result = store_lmdb_open_writer(&options, error, ret_store);
	if (result == RESULT_OK)
		return CTL_OK;
	return result == RESULT_UNAVAILABLE ? ctl_local_in_use()
					    : ctl_local_refusal(result, error);
}

int
ctl_local_sweep(struct store *store)
{
	struct scoreboard *scoreboard = scoreboard_open();
	enum result result = RESULT_OK;
	bool has_more = true;

	if (scoreboard == NULL)
		return ctl_fail("no memory: %s", strerror(errno));
	while (has_more && result == RESULT_OK)
		result = store_lmdb_sweep(store, scoreboard, &has_more);
	scoreboard_close(scoreboard);
	if (result == RESULT_OK)
		return CTL_OK;
	return ctl_local_refusal(result, store_reason(store));
}

bool
ctl_local_is_running(const struct ctl_local *local)
{
	int fd = open(local->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool is_running;

	if (fd < 0)
		return false;
	/* Shared, so that two who ask are not each other's service. */
	is_running = flock(fd, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
	(void)close(fd); /* lets go of it */
	return is_running;
}

/* ---- disks: what fstab says, and what is so ---- */

/* Without links and dots. Of a path that is not there, its directory's. */
static const char *
whole_path(struct arena *arena, const char *path)
{
	char *found = realpath(path, NULL);
	const char *slash = strrchr(path, '/');
	const char *whole = path;
	const char *parent;

	if (found != NULL) {
		whole = arena_string(arena, span_str(found));
	} else if (slash != NULL && slash != path) {
		parent =
		    arena_printf(arena, "%.*s", (int)(slash - path), path).data;
		whole = arena_printf(
		    arena, "%s%s", whole_path(arena, parent), slash)
			    .data;
	}
	free(found);
	return whole;
}

size_t
ctl_local_lies_in(const char *path, struct span directory)
{
	size_t size = directory.size;

	while (size > 0 && directory.data[size - 1] == '/')
		size--;
	if (directory.size == 0 || strlen(path) < size ||
	    memcmp(path, directory.data, size) != 0 ||
	    (path[size] != '\0' && path[size] != '/'))
		return 0;
	return size == 0 ? 1 : size;
}

/*
 * A mount point has another device than the directory above it. The list of what
 * is mounted proves nothing by itself: systemd mounts what a service may write
 * to onto itself, so that it is in the list without its disk too. But a bind
 * mount may have the same device, and there the list decides.
 */
static bool
is_mounted(struct arena *arena, const char *point, bool is_bound)
{
	const char *above = arena_printf(arena, "%s/..", point).data;
	struct stat here, there;
	struct mntent *entry;
	bool is_found = false;
	FILE *mounts;

	if (!is_bound)
		return stat(point, &here) == 0 && stat(above, &there) == 0 &&
		       (here.st_dev != there.st_dev ||
			   here.st_ino == there.st_ino); /* the root */
	mounts = setmntent("/proc/self/mounts", "re");
	if (mounts == NULL)
		return true;
	while (!is_found && (entry = getmntent(mounts)) != NULL)
		is_found = strcmp(entry->mnt_dir, point) == 0;
	(void)endmntent(mounts); /* it was only read */
	return is_found;
}

/*
 * The mount point at or above path that fstab names, if nothing is mounted
 * there; NULL: all is well, or nobody can say.
 */
static const char *
missing_mount(struct arena *arena, const char *path)
{
	const char *fstab = getenv("LIBMOUNT_FSTAB");
	const char *whole = whole_path(arena, path);
	const char *nearest = NULL, *point;
	bool is_bound = false;
	struct mntent *entry;
	FILE *file;

	file = setmntent(fstab != NULL ? fstab : "/etc/fstab", "re");
	if (file == NULL)
		return NULL;
	while ((entry = getmntent(file)) != NULL) {
		if (entry->mnt_dir[0] != '/')
			continue; /* swap */
		point = whole_path(arena, entry->mnt_dir);
		if (ctl_local_lies_in(whole, span_str(point)) == 0 ||
		    (nearest != NULL &&
			ctl_local_lies_in(point, span_str(nearest)) == 0))
			continue;
		nearest = point;
		is_bound = hasmntopt(entry, "bind") != NULL ||
			   hasmntopt(entry, "rbind") != NULL;
	}
	(void)endmntent(file); /* it was only read */
	return nearest != NULL && !is_mounted(arena, nearest, is_bound)
		   ? nearest
		   : NULL;
}

int
ctl_mount_judge(struct arena *arena, const char *path, const char *what)
{
	const char *point = missing_mount(arena, path);

	if (point == NULL)
		return CTL_OK;
	return ctl_fail("nothing is mounted on %s, as fstab says that there "
			"should be, so %s would go onto the disk below it: "
			"mount %s",
	    point, what, point);
}

bool
ctl_mount_is_shared(const char *one, const char *other)
{
	struct stat first, second;

	return stat(one, &first) == 0 && stat(other, &second) == 0 &&
	       first.st_dev == second.st_dev;
}
