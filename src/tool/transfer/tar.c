/* SPDX-License-Identifier: ISC */
/*
 * tar.c - writing and reading tar files with libarchive. Files are opened here,
 * and libarchive gets the descriptor. Knows nothing of what members mean.
 */

#include "tar.h"

#include "tool/client/file.h"
#include "tool/output.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define BLOCK 10240 /* tar's own: 20 records of 512 */
#define PIECE 65536
#define MICROSECONDS 1000000

struct ctl_tar_writer {
	const char *path;
	const char *name; /* that it gets; NULL: written where it stays */
	struct ctl_file file;
	int fd;
	struct archive *archive;
	bool is_open; /* the archive has bytes that it keeps back */
};

struct ctl_tar_reader {
	const char *path;
	int fd;
	uint64_t size;
	uint64_t read;
	uint64_t offset; /* in the member at hand */
	struct archive *archive;
	char piece[PIECE];
};

/* What to call it in a sentence. */
static const char *
shown(const char *path, const char *dash)
{
	return strcmp(path, "-") == 0 ? dash : path;
}

/* ---- writing ---- */

static int
write_failed(const struct ctl_tar_writer *tar)
{
	const char *cause = archive_error_string(tar->archive);
	int code = archive_errno(tar->archive);

	/* For a failed system call libarchive says only "Write error". */
	if (code > 0)
		cause = strerror(code);
	return ctl_fail("%s cannot be written: %s",
	    shown(tar->path, "standard output"),
	    cause != NULL ? cause : "libarchive does not say why");
}

/* The file is readable by its owner only, since the store is, too. */
static int
open_file(struct arena *arena, struct ctl_tar_writer *tar)
{
	int exit_code;

	exit_code = ctl_file_open(arena, tar->path, &tar->file, &tar->name);
	if (exit_code != CTL_OK)
		return exit_code;
	tar->fd = tar->file.fd;
	if (fchmod(tar->fd, 0600) == 0)
		return CTL_OK;
	(void)ctl_fail("%s cannot be written: %m", tar->path);
	ctl_file_drop(&tar->file);
	return CTL_FAILED;
}

static int
open_output(struct arena *arena, struct ctl_tar_writer *tar)
{
	struct stat file;

	if (strcmp(tar->path, "-") == 0) {
		tar->fd = STDOUT_FILENO;
		return CTL_OK;
	}
	if (stat(tar->path, &file) != 0 || S_ISREG(file.st_mode))
		return open_file(arena, tar);
	/* A device or a pipe is written to, not replaced. */
	tar->fd = open(tar->path, O_WRONLY | O_CLOEXEC);
	if (tar->fd < 0)
		return ctl_fail(
		    "%s cannot be written: %s", tar->path, strerror(errno));
	return CTL_OK;
}

static bool
open_archive(struct ctl_tar_writer *tar)
{
	struct archive *archive = tar->archive;

	tar->is_open =
	    archive_write_set_format_pax_restricted(archive) == ARCHIVE_OK &&
	    archive_write_set_bytes_per_block(archive, BLOCK) == ARCHIVE_OK &&
	    archive_write_set_bytes_in_last_block(archive, BLOCK) ==
		ARCHIVE_OK &&
	    archive_write_open_fd(archive, tar->fd) == ARCHIVE_OK;
	return tar->is_open;
}

int
ctl_tar_create(
    const struct ctl *ctl, const char *path, struct ctl_tar_writer **ret_tar)
{
	struct ctl_tar_writer *tar = arena_alloc(ctl->arena, sizeof(*tar));
	int exit_code;

	tar->path = path;
	exit_code = open_output(ctl->arena, tar);
	if (exit_code != CTL_OK)
		return exit_code;
	tar->archive = archive_write_new();
	if (tar->archive == NULL)
		abort();
	if (!open_archive(tar)) {
		exit_code = write_failed(tar);
		ctl_tar_discard(tar);
		return exit_code;
	}
	*ret_tar = tar;
	return CTL_OK;
}

int
ctl_tar_add(struct ctl_tar_writer *tar, const char *name, uint64_t size,
    uint64_t modified)
{
	struct archive_entry *entry;
	int code;

	entry = archive_entry_new();
	if (entry == NULL)
		abort();
	archive_entry_set_pathname(entry, name);
	archive_entry_set_filetype(entry, AE_IFREG);
	archive_entry_set_perm(entry, 0644);
	archive_entry_set_size(entry, (la_int64_t)size);
	archive_entry_set_mtime(entry, (time_t)(modified / MICROSECONDS), 0);
	code = archive_write_header(tar->archive, entry);
	archive_entry_free(entry);
	return code == ARCHIVE_OK ? CTL_OK : write_failed(tar);
}

int
ctl_tar_write(struct ctl_tar_writer *tar, struct span bytes)
{
	la_ssize_t written;

	if (bytes.size == 0)
		return CTL_OK;
	written = archive_write_data(tar->archive, bytes.data, bytes.size);
	return written == (la_ssize_t)bytes.size ? CTL_OK : write_failed(tar);
}

int
ctl_tar_finish(struct ctl_tar_writer *tar)
{
	if (archive_write_close(tar->archive) != ARCHIVE_OK)
		return write_failed(tar);
	tar->is_open = false;
	return CTL_OK;
}

int
ctl_tar_keep(struct ctl_tar_writer *tar)
{
	const char *name = tar->name;

	if (name == NULL)
		return CTL_OK;
	tar->name = NULL; /* ctl_file_keep closes the file in any case */
	tar->fd = STDOUT_FILENO;
	return ctl_file_keep(&tar->file, name, true);
}

void
ctl_tar_drop(struct ctl_tar_writer *tar)
{
	if (tar->name != NULL)
		ctl_file_drop(&tar->file);
}

void
ctl_tar_discard(struct ctl_tar_writer *tar)
{
	/* Do not write the bytes that libarchive keeps back. */
	if (tar->is_open)
		(void)archive_write_fail(tar->archive);
	(void)archive_write_free(tar->archive);
	ctl_tar_drop(tar);
	if (tar->name == NULL && tar->fd != STDOUT_FILENO)
		(void)close(tar->fd);
}

/* ---- reading ---- */

/* Also where libarchive only warns: a header that it could read only in part
 * is an error here. */
static int
read_failed(const struct ctl_tar_reader *tar)
{
	const char *cause = archive_error_string(tar->archive);

	return ctl_error(CTL_INTEGRITY,
	    "%s is no whole tar file: %s; if it is compressed, decompress it "
	    "into artifactctl import -",
	    shown(tar->path, "standard input"),
	    cause != NULL ? cause : "a damaged header");
}

static la_ssize_t
read_piece(struct archive *archive, void *context, const void **ret_piece)
{
	struct ctl_tar_reader *tar = context;
	ssize_t size;

	do
		size = read(tar->fd, tar->piece, sizeof(tar->piece));
	while (size < 0 && errno == EINTR);
	if (size < 0)
		archive_set_error(archive, errno, "%s", strerror(errno));
	else
		tar->read += (uint64_t)size;
	*ret_piece = tar->piece;
	return size;
}

static int
open_input(struct ctl_tar_reader *tar)
{
	struct stat file;

	tar->fd = strcmp(tar->path, "-") == 0
		      ? STDIN_FILENO
		      : open(tar->path, O_RDONLY | O_CLOEXEC);
	if (tar->fd < 0 || fstat(tar->fd, &file) != 0)
		return ctl_fail(
		    "%s cannot be read: %s", tar->path, strerror(errno));
	if (S_ISREG(file.st_mode))
		tar->size = (uint64_t)file.st_size;
	return CTL_OK;
}

int
ctl_tar_open(
    const struct ctl *ctl, const char *path, struct ctl_tar_reader **ret_tar)
{
	struct ctl_tar_reader *tar = arena_alloc(ctl->arena, sizeof(*tar));
	int exit_code;

	tar->path = path;
	tar->archive = archive_read_new();
	if (tar->archive == NULL)
		abort();
	exit_code = open_input(tar);
	if (exit_code == CTL_OK &&
	    (archive_read_support_format_tar(tar->archive) != ARCHIVE_OK ||
		archive_read_open(tar->archive, tar, NULL, read_piece, NULL) !=
		    ARCHIVE_OK))
		exit_code = read_failed(tar);
	if (exit_code == CTL_OK)
		*ret_tar = tar;
	else
		ctl_tar_close(tar);
	return exit_code;
}

uint64_t
ctl_tar_size(const struct ctl_tar_reader *tar)
{
	return tar->size;
}

uint64_t
ctl_tar_position(const struct ctl_tar_reader *tar)
{
	return tar->read;
}

static int
not_plain(
    const struct ctl_tar_reader *tar, struct arena *arena, const char *name)
{
	return ctl_error(CTL_INTEGRITY,
	    "%s: its member \"%s\" is no plain file, so that this is no "
	    "export of artifactctl",
	    shown(tar->path, "standard input"),
	    ctl_visible(arena, span_str(name)).data);
}

int
ctl_tar_next(struct ctl_tar_reader *tar, struct arena *arena,
    struct ctl_tar_member *ret_member, bool *ret_is_end)
{
	struct archive_entry *entry;
	const char *name;
	int code;

	code = archive_read_next_header(tar->archive, &entry);
	*ret_is_end = code == ARCHIVE_EOF;
	if (code == ARCHIVE_EOF)
		return CTL_OK;
	if (code != ARCHIVE_OK)
		return read_failed(tar);
	name = archive_entry_pathname(entry);
	if (name == NULL)
		name = "";
	if (archive_entry_filetype(entry) != AE_IFREG ||
	    archive_entry_hardlink(entry) != NULL ||
	    !archive_entry_size_is_set(entry) || archive_entry_size(entry) < 0)
		return not_plain(tar, arena, name);
	tar->offset = 0;
	*ret_member = (struct ctl_tar_member){
		.name = arena_copy(arena, span_str(name)),
		.size = (uint64_t)archive_entry_size(entry),
	};
	return CTL_OK;
}

int
ctl_tar_read(struct ctl_tar_reader *tar, struct span *ret_piece)
{
	const void *bytes;
	la_int64_t offset;
	size_t size;
	int code;

	code = archive_read_data_block(tar->archive, &bytes, &size, &offset);
	if (code == ARCHIVE_EOF)
		*ret_piece = SPAN("");
	else if (code == ARCHIVE_OK && (uint64_t)offset == tar->offset)
		*ret_piece = span_of(bytes, size);
	else if (code == ARCHIVE_OK)
		return ctl_error(CTL_INTEGRITY,
		    "%s has a member with holes, which no export of "
		    "artifactctl has",
		    shown(tar->path, "standard input"));
	else
		return read_failed(tar);
	tar->offset += ret_piece->size;
	return CTL_OK;
}

void
ctl_tar_close(struct ctl_tar_reader *tar)
{
	(void)archive_read_free(tar->archive); /* nothing can be lost */
	if (tar->fd > STDIN_FILENO)
		(void)close(tar->fd);
}
