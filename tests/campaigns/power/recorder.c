/* SPDX-License-Identifier: ISC */
/*
 * recorder.c - a preloaded library that records what artifactctl init and the
 * writer do to their disk, and which messages the writer gets and sends.
 *
 * Environment: POWER_LOG, the file; POWER_WRONG, nothing or one of
 *	nosync, nometasync	flags with which LMDB is opened
 *	nodirsync		fsync of a directory does nothing
 * which are the wrong builds whose faults the replayer must find.
 *
 * After the process has entered the sandbox, this library uses only write(2).
 */
#include "record.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <lmdb.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define FDS 1024
#define NEXT(name) ((__typeof__(&name))next_##name)

static struct {
	uint8_t file;
	bool is_sync; /* O_DSYNC */
} fds[FDS];
static int log_fd = -1;
static bool is_writer;
static const char *wrong = "";

static void *next_open, *next_openat, *next_pwrite, *next_writev, *next_write,
    *next_lseek, *next_ftruncate, *next_fsync, *next_fdatasync, *next_mkdir,
    *next_renameat, *next_recvmsg, *next_send, *next_mdb_env_open,
    *next_mdb_env_get_flags;

__attribute__((constructor)) static void
start(void)
{
	const struct {
		const char *name;
		void **next;
	} names[] = { { "open", &next_open }, { "openat", &next_openat },
		{ "pwrite", &next_pwrite }, { "writev", &next_writev },
		{ "write", &next_write }, { "lseek", &next_lseek },
		{ "ftruncate", &next_ftruncate }, { "fsync", &next_fsync },
		{ "fdatasync", &next_fdatasync }, { "mkdir", &next_mkdir },
		{ "renameat", &next_renameat }, { "recvmsg", &next_recvmsg },
		{ "send", &next_send }, { "mdb_env_open", &next_mdb_env_open },
		{ "mdb_env_get_flags", &next_mdb_env_get_flags } };
	size_t i;
	int fd;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		*names[i].next = dlsym(RTLD_NEXT, names[i].name);
	if (getenv("POWER_WRONG") != NULL)
		wrong = getenv("POWER_WRONG");
	if (getenv("POWER_LOG") == NULL)
		return;
	fd = NEXT(open)(
	    getenv("POWER_LOG"), O_WRONLY | O_CREAT | O_APPEND, 0600);
	log_fd = fcntl(fd, F_DUPFD, FDS); /* out of everyone's way */
	if (log_fd < 0)
		abort();
	(void)close(fd);
}

/* In one call, so that records of two processes do not mix. */
static void
note(enum record_op op, int file, uint64_t offset, const struct iovec *parts,
    int count)
{
	struct record record = {
		.op = (uint8_t)op, .file = (uint8_t)file, .offset = offset
	};
	struct iovec all[1 + 1024];
	ssize_t size = sizeof(record);
	int i;

	if (log_fd < 0 || !is_writer)
		return;
	all[0] = (struct iovec){ &record, sizeof(record) };
	for (i = 0; i < count; i++) {
		all[i + 1] = parts[i];
		record.size += (uint32_t)parts[i].iov_len;
	}
	size += record.size;
	if (NEXT(writev)(log_fd, all, count + 1) != size)
		abort();
}

static int
file_of(int fd)
{
	return fd >= 0 && fd < FDS ? fds[fd].file : RECORD_NONE;
}

static void
opened(int fd, const char *path, int flags)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash != NULL ? slash + 1 : path;
	int file = RECORD_NONE;

	if (fd < 0 || fd >= FDS)
		return;
	if (flags & O_DIRECTORY)
		file =
		    strcmp(path, "..") == 0 ? RECORD_PARENT : RECORD_DIRECTORY;
	else if (strcmp(name, "data.mdb") == 0)
		file = RECORD_DATA;
	else if (strcmp(name, "format.new") == 0)
		file = RECORD_FORMAT;
	fds[fd].file = (uint8_t)file;
	fds[fd].is_sync = (flags & O_DSYNC) != 0;
	/* The first to make or open it to write is the writer. */
	if (file == RECORD_DATA && (flags & O_ACCMODE) != O_RDONLY)
		is_writer = true;
	if (file != RECORD_NONE && (flags & O_CREAT) != 0)
		note(RECORD_NAME, file, 0, NULL, 0);
}

/* ---- what is taken over ---- */

int
open(const char *path, int flags, ...)
{
	va_list arguments;
	mode_t mode;
	int fd;

	va_start(arguments, flags);
	mode = (flags & O_CREAT) ? va_arg(arguments, mode_t) : 0;
	va_end(arguments);
	fd = NEXT(open)(path, flags, mode);
	opened(fd, path, flags);
	return fd;
}

int
openat(int directory, const char *path, int flags, ...)
{
	va_list arguments;
	mode_t mode;
	int fd;

	va_start(arguments, flags);
	mode = (flags & O_CREAT) ? va_arg(arguments, mode_t) : 0;
	va_end(arguments);
	fd = NEXT(openat)(directory, path, flags, mode);
	opened(fd, path, flags);
	return fd;
}

int
mkdir(const char *path, mode_t mode)
{
	int code = NEXT(mkdir)(path, mode);

	if (code == 0) {
		is_writer = true; /* nobody else makes one */
		note(RECORD_NAME, RECORD_DIRECTORY, 0, NULL, 0);
	}
	return code;
}

int
renameat(int from_fd, const char *from, int to_fd, const char *to)
{
	int code = NEXT(renameat)(from_fd, from, to_fd, to);

	if (code == 0)
		note(RECORD_RENAME, RECORD_FORMAT, 0, NULL, 0);
	return code;
}

static void
wrote(int fd, uint64_t offset, const struct iovec *parts, int count)
{
	if (file_of(fd) == RECORD_DATA || file_of(fd) == RECORD_FORMAT)
		note(fds[fd].is_sync ? RECORD_WRITE_SYNC : RECORD_WRITE,
		    file_of(fd), offset, parts, count);
}

/* Before the call: a kernel may have any part of it when power fails. */
ssize_t
pwrite(int fd, const void *bytes, size_t size, off_t offset)
{
	struct iovec part = { (void *)(uintptr_t)bytes, size };

	wrote(fd, (uint64_t)offset, &part, 1);
	return NEXT(pwrite)(fd, bytes, size, offset);
}

ssize_t
write(int fd, const void *bytes, size_t size)
{
	struct iovec part = { (void *)(uintptr_t)bytes, size };

	if (file_of(fd) != RECORD_NONE)
		wrote(fd, (uint64_t)NEXT(lseek)(fd, 0, SEEK_CUR), &part, 1);
	return NEXT(write)(fd, bytes, size);
}

ssize_t
writev(int fd, const struct iovec *parts, int count)
{
	if (file_of(fd) != RECORD_NONE)
		wrote(fd, (uint64_t)NEXT(lseek)(fd, 0, SEEK_CUR), parts, count);
	return NEXT(writev)(fd, parts, count);
}

int
ftruncate(int fd, off_t size)
{
	if (file_of(fd) == RECORD_DATA)
		note(RECORD_TRUNCATE, RECORD_DATA, (uint64_t)size, NULL, 0);
	return NEXT(ftruncate)(fd, size);
}

/* After the call: what it promises is true when it returns. */
int
fsync(int fd)
{
	bool is_directory = file_of(fd) >= RECORD_DIRECTORY;
	int code;

	if (is_directory && strcmp(wrong, "nodirsync") == 0)
		return 0;
	code = NEXT(fsync)(fd);
	if (code == 0 && file_of(fd) != RECORD_NONE)
		note(RECORD_SYNC, file_of(fd), 0, NULL, 0);
	return code;
}

int
fdatasync(int fd)
{
	int code = NEXT(fdatasync)(fd);

	if (code == 0 && file_of(fd) != RECORD_NONE)
		note(RECORD_SYNC, file_of(fd), 0, NULL, 0);
	return code;
}

ssize_t
recvmsg(int fd, struct msghdr *header, int flags)
{
	ssize_t size = NEXT(recvmsg)(fd, header, flags);
	struct iovec part;

	if (size > 0) {
		part = header->msg_iov[0];
		part.iov_len = (size_t)size;
		note(RECORD_RECEIVED, RECORD_NONE, (uint64_t)fd, &part, 1);
	}
	return size;
}

ssize_t
send(int fd, const void *message, size_t size, int flags)
{
	const struct iovec part = { (void *)(uintptr_t)message, size };

	note(RECORD_ANSWERED, RECORD_NONE, (uint64_t)fd, &part, 1);
	return NEXT(send)(fd, message, size, flags);
}

static unsigned
wrong_flags(void)
{
	if (strcmp(wrong, "nosync") == 0)
		return MDB_NOSYNC;
	return strcmp(wrong, "nometasync") == 0 ? MDB_NOMETASYNC : 0;
}

int
mdb_env_open(MDB_env *env, const char *path, unsigned flags, mdb_mode_t mode)
{
	if ((flags & MDB_RDONLY) == 0)
		flags |= wrong_flags();
	return NEXT(mdb_env_open)(env, path, flags, mode);
}

int
mdb_env_get_flags(MDB_env *env, unsigned *flags)
{
	int code = NEXT(mdb_env_get_flags)(env, flags);

	*flags &= ~wrong_flags();
	return code;
}
