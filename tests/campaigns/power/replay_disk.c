/* SPDX-License-Identifier: ISC */
/*
 * replay_disk.c - what a disk holds after a power cut.
 *
 * A sync that returned covers the bytes and the size of its file, or the names
 * in its directory. Each other call may have reached the disk or not, in any
 * combination, and of a write any of its sectors.
 */
#include "replay.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define SECTOR 512
#define MOST ((size_t)64 << 20)

struct image {
	char *bytes;
	size_t size;
};

/* The files: 1 is data.mdb, 0 is format. */
struct disk {
	struct image files[2];
	bool has_directory, has_data;
	bool has_new, has_format; /* the names of one file */
};

static uint64_t state;

void
disk_seed(uint64_t seed)
{
	state = seed;
}

/* splitmix64 */
uint64_t
disk_random(uint64_t bound)
{
	uint64_t number = state += 0x9e3779b97f4a7c15;

	number = (number ^ number >> 30) * 0xbf58476d1ce4e5b9;
	number = (number ^ number >> 27) * 0x94d049bb133111eb;
	return (number ^ number >> 31) % bound;
}

static void
put(struct image *image, size_t offset, const char *bytes, size_t size)
{
	if (offset + size > MOST) {
		fprintf(stderr, "replay: a write at %zu\n", offset);
		exit(2);
	}
	if (image->bytes == NULL)
		image->bytes = calloc(1, MOST);
	memcpy(image->bytes + offset, bytes, size);
	if (image->size < offset + size)
		image->size = offset + size;
}

static void
apply(struct disk *disk, const struct call *call, bool is_torn)
{
	const struct record *record = &call->record;
	struct image *image = &disk->files[record->file & 1];
	size_t at, size;

	switch (record->op) {
	case RECORD_WRITE:
	case RECORD_WRITE_SYNC:
		for (at = 0; at < record->size; at += size) {
			size = record->size - at;
			if (is_torn && size > SECTOR)
				size = SECTOR;
			if (!is_torn || disk_random(2) == 0)
				put(image, record->offset + at,
				    call->bytes + at, size);
		}
		break;
	case RECORD_TRUNCATE:
		put(image, record->offset, "", 0);
		image->size = record->offset;
		break;
	case RECORD_NAME:
		if (record->file == RECORD_DATA)
			disk->has_data = true;
		else if (record->file == RECORD_FORMAT)
			disk->has_new = true;
		else if (record->file == RECORD_DIRECTORY)
			disk->has_directory = true;
		break;
	case RECORD_RENAME:
		disk->has_format = true;
		disk->has_new = false;
		break;
	default:
		break;
	}
}

/* Does a sync of this file make the call last? */
static bool
covers(enum record_file file, const struct call *call)
{
	bool is_name =
	    call->record.op == RECORD_NAME || call->record.op == RECORD_RENAME;

	if (file == RECORD_PARENT)
		return is_name && call->record.file == RECORD_DIRECTORY;
	if (file == RECORD_DIRECTORY)
		return is_name && call->record.file != RECORD_DIRECTORY;
	return !is_name && call->record.file == file;
}

static bool
changes_disk(const struct call *call)
{
	return call->record.op <= RECORD_TRUNCATE ||
	       call->record.op == RECORD_NAME ||
	       call->record.op == RECORD_RENAME;
}

/*
 * Split the calls before cut into those that last, applied to *disk, and
 * the others, in order. A write that is its own sync lasts when it is done;
 * the one that the cut interrupts may have reached the disk in part.
 */
static size_t
settle(struct disk *disk, size_t cut, const struct call **open)
{
	size_t count = 0, kept, i, j;

	for (i = 0; i < cut; i++) {
		if (calls[i].record.op == RECORD_WRITE_SYNC) {
			apply(disk, &calls[i], false);
		} else if (changes_disk(&calls[i])) {
			open[count++] = &calls[i];
		} else if (calls[i].record.op == RECORD_SYNC) {
			for (j = 0, kept = 0; j < count; j++)
				if (covers(calls[i].record.file, open[j]))
					apply(disk, open[j], false);
				else
					open[kept++] = open[j];
			count = kept;
		}
	}
	if (cut < call_count && changes_disk(&calls[cut]))
		open[count++] = &calls[cut];
	return count;
}

static bool
reached(enum disk_kind kind, bool is_chosen)
{
	switch (kind) {
	case DISK_ALL:
		return true;
	case DISK_NONE:
		return false;
	case DISK_ALL_BUT_ONE:
		return !is_chosen;
	case DISK_ONLY_ONE:
		return is_chosen;
	default:
		return disk_random(2) == 0;
	}
}

static void
save(const char *directory, const char *name, const struct image *image)
{
	char path[512];
	int fd;

	(void)snprintf(path, sizeof(path), "%s/%s", directory, name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	if (fd < 0 ||
	    (image->size > 0 &&
		write(fd, image->bytes, image->size) != (ssize_t)image->size) ||
	    close(fd) != 0) {
		perror(path);
		exit(2);
	}
}

static void
clear(const char *directory)
{
	static const char *const names[] = { "data.mdb", "lock.mdb", "format",
		"format.new" };
	char path[512];
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		(void)snprintf(
		    path, sizeof(path), "%s/%s", directory, names[i]);
		(void)unlink(path); /* it may not be there */
	}
	(void)mkdir(directory, 0700);
}

void
disk_make(const char *directory, size_t cut, enum disk_kind kind)
{
	const struct call **open = calloc(cut + 2, sizeof(*open));
	size_t count, chosen, i;
	struct disk disk = { .has_directory = false };

	count = settle(&disk, cut, open);
	chosen = count > 0 ? disk_random(count) : 0;
	for (i = 0; i < count; i++)
		if (reached(kind, i == chosen))
			apply(&disk, open[i],
			    kind == DISK_SOME_TORN && disk_random(3) == 0);
	clear(directory);
	if (disk.has_directory && disk.has_data)
		save(directory, "data.mdb", &disk.files[RECORD_DATA & 1]);
	if (disk.has_directory && disk.has_format)
		save(directory, "format", &disk.files[RECORD_FORMAT & 1]);
	if (disk.has_directory && disk.has_new)
		save(directory, "format.new", &disk.files[RECORD_FORMAT & 1]);
	for (i = 0; i < 2; i++)
		free(disk.files[i].bytes);
	free(open);
}
