/* SPDX-License-Identifier: ISC */
/* file.c - a file that has its name only when all of it is there. */

#include "file.h"

#include "base/digest.h"
#include "base/limits.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

/* A random name, which no other file has. */
static void
draw_name(char ret_name[40])
{
	char digits[17];
	uint8_t bytes[8];

	digest_random(bytes, sizeof(bytes));
	digest_hex(bytes, sizeof(bytes), digits);
	(void)snprintf(ret_name, 40, ".artifactctl-%s.part", digits);
}

int
ctl_file_open_in(
    const char *directory, int directory_fd, struct ctl_file *ret_file)
{
	struct ctl_file file = { .directory = directory,
		.directory_fd = directory_fd };

	file.fd = openat(
	    file.directory_fd, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0666);
	if (file.fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR ||
			       errno == EINVAL || errno == ENOENT)) {
		draw_name(file.part);
		file.fd = openat(file.directory_fd, file.part,
		    O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0666);
	}
	if (file.fd < 0)
		return ctl_fail("cannot make a file in the directory %.200s: "
				"%m",
		    directory);
	*ret_file = file;
	return CTL_OK;
}

int
ctl_file_open(struct arena *arena, const char *path, struct ctl_file *ret_file,
    const char **ret_name)
{
	const char *slash = path == NULL ? NULL : strrchr(path, '/');
	const char *directory = ".";
	int fd;

	if (slash != NULL && slash == path)
		directory = "/";
	else if (slash != NULL)
		directory =
		    arena_string(arena, span_of(path, (size_t)(slash - path)));
	fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return ctl_fail(
		    "cannot open the directory %.200s: %m", directory);
	if (ctl_file_open_in(directory, fd, ret_file) != CTL_OK) {
		close(fd);
		return CTL_FAILED;
	}
	ret_file->owns_directory = true;
	*ret_name = slash == NULL ? path : slash + 1;
	return CTL_OK;
}

bool
ctl_file_write_all(int fd, struct span bytes)
{
	ssize_t count;

	while (bytes.size > 0) {
		count = write(fd, bytes.data, bytes.size);
		if (count < 0 && errno == EINTR)
			continue;
		if (count <= 0)
			return false;
		bytes = span_from(bytes, (size_t)count);
	}
	return true;
}

bool
ctl_file_write(struct ctl_file *file, struct span piece)
{
	if (ctl_file_write_all(file->fd, piece))
		return true;
	(void)ctl_fail("cannot write into the directory %.200s: %m; nothing "
		       "was kept",
	    file->directory);
	return false;
}

/* A file without a name gets one by linkat, which replaces nothing. To replace
 * another file it first gets a name of its own, and then is renamed. */
static int
give_name(
    struct ctl_file *file, int directory, const char *name, bool may_replace)
{
	char own[64], fresh[40];

	if (file->part[0] != '\0')
		return renameat2(file->directory_fd, file->part, directory,
		    name, may_replace ? 0 : RENAME_NOREPLACE);
	(void)snprintf(own, sizeof(own), "/proc/self/fd/%d", file->fd);
	if (!may_replace)
		return linkat(
		    AT_FDCWD, own, directory, name, AT_SYMLINK_FOLLOW);
	draw_name(fresh);
	if (linkat(AT_FDCWD, own, file->directory_fd, fresh,
		AT_SYMLINK_FOLLOW) != 0)
		return -1;
	memcpy(file->part, fresh, sizeof(fresh));
	return renameat(file->directory_fd, fresh, directory, name);
}

/* path is what sentences call the file. */
static int
name_file(struct ctl_file *file, int directory, const char *name,
    const char *path, bool may_replace)
{
	if (give_name(file, directory, name, may_replace) == 0) {
		file->part[0] = '\0';
		return CTL_OK;
	}
	if (errno == EEXIST)
		return ctl_fail("%.300s exists and stays as it is; --force "
				"replaces it",
		    path);
	return ctl_fail("cannot name the file %.300s: %m", path);
}

int
ctl_file_keep(struct ctl_file *file, const char *name, bool may_replace)
{
	int exit_code;

	if (fsync(file->fd) != 0)
		exit_code = ctl_fail(
		    "cannot bring %.200s to the disk: %m; nothing was kept",
		    name);
	else
		exit_code = name_file(
		    file, file->directory_fd, name, name, may_replace);
	if (exit_code == CTL_OK && fsync(file->directory_fd) != 0)
		exit_code = ctl_fail(
		    "%.200s is there, but the directory %.200s cannot be "
		    "brought to the disk: %m",
		    name, file->directory);
	ctl_file_drop(file);
	return exit_code;
}

void
ctl_file_drop(struct ctl_file *file)
{
	if (file->fd < 0)
		return;
	if (file->part[0] != '\0')
		(void)unlinkat(file->directory_fd, file->part, 0);
	(void)close(file->fd); /* a file that is kept was synced */
	if (file->owns_directory)
		(void)close(file->directory_fd);
	file->fd = -1;
}

/* ---- many files ---- */

int
ctl_file_sync(const char *directory, int directory_fd)
{
	if (syncfs(directory_fd) == 0)
		return CTL_OK;
	return ctl_fail(
	    "cannot bring what is in %.200s to the disk: %m", directory);
}

/* Open a directory in from, which is then closed unless it is first. */
static int
go_down(int from, int first, const char *name, bool make)
{
	int fd, error;

	if (make && mkdirat(from, name, 0777) != 0 && errno != EEXIST)
		fd = -1;
	else
		fd = openat(from, name,
		    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	error = errno;
	if (from != first)
		(void)close(from);
	errno = error;
	return fd;
}

bool
ctl_file_directory(int directory_fd, const char *path, bool make, int *ret_fd,
    const char **ret_name)
{
	char name[LIMIT_FILENAME + 1];
	int fd = directory_fd;
	const char *slash;

	while (fd >= 0 && (slash = strchr(path, '/')) != NULL) {
		assert(slash - path <= LIMIT_FILENAME); /* name.c cuts */
		memcpy(name, path, (size_t)(slash - path));
		name[slash - path] = '\0';
		fd = go_down(fd, directory_fd, name, make);
		path = slash + 1;
	}
	if (fd == directory_fd)
		fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	if (fd < 0)
		return false;
	*ret_fd = fd;
	*ret_name = path;
	return true;
}

int
ctl_file_place(struct ctl_file *file, const char *path, bool may_replace)
{
	const char *name;
	int exit_code, fd;

	if (ctl_file_directory(file->directory_fd, path, true, &fd, &name)) {
		exit_code = name_file(file, fd, name, path, may_replace);
		(void)close(fd);
	} else {
		exit_code = ctl_fail("cannot make the directory of %.300s in "
				     "%.200s: %m",
		    path, file->directory);
	}
	ctl_file_drop(file);
	return exit_code;
}
