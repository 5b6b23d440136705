/* SPDX-License-Identifier: ISC */
/* mount.c - what fstab says, and what is so. */

#include "mount.h"
#include "tool/ctl.h"

#include <limits.h>
#include <mntent.h>
#include <stdlib.h>
#include <sys/stat.h>

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
		parent = arena_printf(
		    arena, "%.*s", (int)(slash - path), path)
			     .data;
		whole = arena_printf(
		    arena, "%s%s", whole_path(arena, parent), slash)
			    .data;
	}
	free(found);
	return whole;
}

/* Is path this directory, or in it? */
static bool
is_below(const char *path, const char *directory)
{
	size_t size = strlen(directory);

	while (size > 0 && directory[size - 1] == '/')
		size--;
	return strncmp(path, directory, size) == 0 &&
	       (path[size] == '/' || path[size] == '\0');
}

/*
 * By the device, which is another one than above it: in its own view of the
 * file system systemd mounts what a service may write to onto itself, so that
 * it is in the list of what is mounted, with or without its disk. Only where
 * a directory is bound to another place that list is all there is.
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

const char *
ctl_mount_missing(struct arena *arena, const char *path)
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
		if (!is_below(whole, point) ||
		    (nearest != NULL && !is_below(point, nearest)))
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
	const char *point = ctl_mount_missing(arena, path);

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
