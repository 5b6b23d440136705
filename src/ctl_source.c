/* SPDX-License-Identifier: ISC */
/* ctl_source.c - files on their way out: opened, copied aside, hashed. */

#include "ctl_source.h"

#include "ctl_progress.h"
#include "ctl_type.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define PIECE 262144

/* ---- standard input, and what else cannot be read twice ---- */

/* A file without a name; -1: errno says why. */
static int
open_aside(const char *directory)
{
	char path[4096];
	int fd = open(directory, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	if (fd >= 0 ||
	    (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL))
		return fd;
	(void)snprintf(path, sizeof(path), "%s/artifactctl-XXXXXX", directory);
	fd = mkostemp(path, O_CLOEXEC);
	if (fd >= 0)
		(void)unlink(path);
	return fd;
}

static bool
write_all(int fd, struct span bytes)
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

/* Copy all of it; false: it has been said. */
static bool
copy(const struct ctl_source *source, int from, int to, const char *directory,
    char *piece)
{
	ssize_t count;

	while ((count = read(from, piece, PIECE)) != 0) {
		if (count < 0 && errno == EINTR)
			continue;
		if (count < 0) {
			(void)ctl_fail("cannot read %s: %m", source->name);
			return false;
		}
		if (!write_all(to, span_of(piece, (size_t)count))) {
			(void)ctl_fail("cannot copy %s to %.200s: %m; $TMPDIR "
				       "may name another directory",
			    source->name, directory);
			return false;
		}
	}
	return true;
}

/* Put a copy that can be read twice in place of the descriptor. */
static int
set_aside(const struct ctl *ctl, struct ctl_source *source)
{
	const char *directory = getenv("TMPDIR");
	char *piece = arena_room(ctl->arena, PIECE);
	int from = source->fd;

	if (directory == NULL || *directory == '\0')
		directory = "/var/tmp";
	source->fd = open_aside(directory);
	if (source->fd < 0) {
		source->fd = from;
		return ctl_fail(
		    "cannot make a temporary file in %.200s: %m; $TMPDIR may "
		    "name another directory",
		    directory);
	}
	if (!copy(source, from, source->fd, directory, piece)) {
		close(from);
		return CTL_FAILED;
	}
	close(from);
	return CTL_OK;
}

/* ---- opening ---- */

static int
open_path(const char *path, struct ctl_source *source)
{
	struct stat status;

	source->name = path;
	if (strcmp(path, "-") == 0) {
		source->name = "standard input";
		source->fd = dup(STDIN_FILENO);
	} else {
		source->fd = open(path, O_RDONLY | O_CLOEXEC);
	}
	if (source->fd < 0 || fstat(source->fd, &status) != 0)
		return ctl_fail("cannot open %.200s: %m", source->name);
	if (S_ISDIR(status.st_mode))
		return ctl_fail("%.200s is a directory", source->name);
	return CTL_OK;
}

/* Its size and hash, as it is now; what follows goes by them. */
static int
hash(const struct ctl *ctl, struct ctl_source *source, char *piece)
{
	struct ctl_progress progress;
	struct digest digest;
	struct stat status;
	ssize_t count = 0;

	if (fstat(source->fd, &status) != 0)
		return ctl_fail("cannot read %.200s: %m", source->name);
	ctl_progress_begin(
	    &progress, ctl, source->name, (uint64_t)status.st_size);
	digest_begin(&digest);
	source->size = 0;
	while ((count = pread(source->fd, piece, PIECE, (off_t)source->size)) >
	       0) {
		digest_add(&digest, span_of(piece, (size_t)count));
		source->size += (uint64_t)count;
		ctl_progress_at(&progress, source->size);
	}
	ctl_progress_end(&progress);
	digest_end(&digest, source->hash);
	if (count < 0)
		return ctl_fail("cannot read %.200s: %m", source->name);
	return CTL_OK;
}

static int
guess_type(const struct ctl *ctl, const char *path, struct ctl_source *source,
    char *piece)
{
	ssize_t count = pread(source->fd, piece, CTL_TYPE_START, 0);

	if (count < 0)
		return ctl_fail("cannot read %.200s: %m", source->name);
	source->type =
	    ctl_type_guess(ctl->arena, path, span_of(piece, (size_t)count));
	return CTL_OK;
}

int
ctl_source_open(
    const struct ctl *ctl, const char *path, struct ctl_source *ret_source)
{
	struct ctl_source source = { .fd = -1 };
	struct arena *arena = arena_open();
	char *piece = arena_room(arena, PIECE);
	struct stat status;
	int exit_code;

	exit_code = open_path(path, &source);
	/* stdin may be a file that is read already, up to somewhere. */
	if (exit_code == CTL_OK &&
	    (strcmp(path, "-") == 0 || fstat(source.fd, &status) != 0 ||
		!S_ISREG(status.st_mode)))
		exit_code = set_aside(ctl, &source);
	if (exit_code == CTL_OK)
		exit_code = hash(ctl, &source, piece);
	if (exit_code == CTL_OK)
		exit_code = guess_type(ctl, path, &source, piece);
	arena_close(arena);
	if (exit_code != CTL_OK) {
		ctl_source_close(&source);
		return exit_code;
	}
	*ret_source = source;
	return CTL_OK;
}

void
ctl_source_close(struct ctl_source *source)
{
	if (source->fd >= 0)
		(void)close(source->fd);
	source->fd = -1;
}
