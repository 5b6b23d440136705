/* SPDX-License-Identifier: ISC */
/* ctl_file.c - a file that has its name only when all of it is there. */

#include "ctl_file.h"

#include "digest.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

/* A name that nobody has. */
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
ctl_file_open(const char *directory, struct ctl_file *ret_file)
{
	struct ctl_file file = { .directory = directory };

	file.directory_fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (file.directory_fd < 0)
		return ctl_fail(
		    "cannot open the directory %.200s: %m", directory);
	file.fd = openat(
	    file.directory_fd, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0666);
	if (file.fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR ||
			       errno == EINVAL || errno == ENOENT)) {
		draw_name(file.part);
		file.fd = openat(file.directory_fd, file.part,
		    O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0666);
	}
	if (file.fd < 0) {
		(void)ctl_fail("cannot make a file in the directory %.200s: %m",
		    directory);
		close(file.directory_fd);
		return CTL_FAILED;
	}
	*ret_file = file;
	return CTL_OK;
}

bool
ctl_file_write(struct ctl_file *file, struct span piece)
{
	ssize_t count;

	while (piece.size > 0) {
		count = write(file->fd, piece.data, piece.size);
		if (count < 0 && errno == EINTR)
			continue;
		if (count <= 0) {
			(void)ctl_fail("cannot write into the directory "
				       "%.200s: %m; nothing was kept",
			    file->directory);
			return false;
		}
		piece = span_from(piece, (size_t)count);
	}
	return true;
}

/* Only a file that had no name can be linked; it needs one to replace. */
static int
give_name(struct ctl_file *file, const char *name, bool may_replace)
{
	int directory = file->directory_fd;
	char own[64], fresh[40];

	if (file->part[0] != '\0')
		return renameat2(directory, file->part, directory, name,
		    may_replace ? 0 : RENAME_NOREPLACE);
	(void)snprintf(own, sizeof(own), "/proc/self/fd/%d", file->fd);
	if (!may_replace)
		return linkat(
		    AT_FDCWD, own, directory, name, AT_SYMLINK_FOLLOW);
	draw_name(fresh);
	if (linkat(AT_FDCWD, own, directory, fresh, AT_SYMLINK_FOLLOW) != 0)
		return -1;
	memcpy(file->part, fresh, sizeof(fresh));
	return renameat(directory, fresh, directory, name);
}

int
ctl_file_keep(struct ctl_file *file, const char *name, bool may_replace)
{
	int exit_code = CTL_OK;

	if (fsync(file->fd) != 0)
		exit_code = ctl_fail(
		    "cannot bring %.200s to the disk: %m; nothing was kept",
		    name);
	else if (give_name(file, name, may_replace) == 0)
		file->part[0] = '\0';
	else if (errno == EEXIST)
		exit_code =
		    ctl_fail("%.200s exists and stays as it is; --force "
			     "replaces it",
			name);
	else
		exit_code = ctl_fail("cannot name the file %.200s: %m", name);
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
	(void)close(file->fd); /* what counts was synced */
	(void)close(file->directory_fd);
	file->fd = -1;
}
