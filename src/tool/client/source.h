/* SPDX-License-Identifier: ISC */
/*
 * source.h - the file that put sends, or standard input. Its size and digest
 * are known before the first byte is sent. If somebody writes to the file
 * meanwhile, either the bytes that were hashed are sent, or there is an error.
 */
#ifndef CTL_SOURCE_H
#define CTL_SOURCE_H

#include "tool/progress.h"
#include "base/digest.h"

#include <sys/types.h>

struct ctl_source {
	const char *name; /* for sentences */
	int fd;
	bool is_copy;  /* of a pipe and the like: nobody else writes to it */
	uint64_t size; /* as it was opened: what is hashed, and sent */
	uint8_t hash[DIGEST_SHA256_SIZE];
};

/*
 * Open and hash a file; "-" is stdin. What is no regular file, or tells no
 * size, is first copied to a file without a name, in $TMPDIR or /var/tmp.
 * is_found: a walk through a directory has found it, so it has to be a regular
 * file still, and no link. Anything but CTL_OK has been said, and there is
 * nothing to close.
 */
MUST_USE int ctl_source_open(const struct ctl *ctl, const char *path,
    bool is_found, struct ctl_source *ret_source);
void ctl_source_close(struct ctl_source *source);

/*
 * Hash the first bytes of a file, so many or as many as there are: *ret_size.
 * progress may be NULL. false: errno says why they cannot be read.
 */
MUST_USE bool
ctl_source_hash(int fd, uint64_t most, struct ctl_progress *progress,
    uint64_t *ret_size, uint8_t ret_hash[DIGEST_SHA256_SIZE]);

/* A guess at its media type, in the arena. */
MUST_USE int ctl_source_type(const struct ctl_source *source, const char *path,
    struct arena *arena, const char **ret_type);

/*
 * The next bytes from there on, never more than were hashed; 0: that is all;
 * -1: it has become shorter or cannot be read, which has been said.
 */
ssize_t ctl_source_read(void *source, char *room, size_t size, uint64_t offset);

/* Say so where the file has become longer than what was sent. */
void ctl_source_tell_growth(const struct ctl_source *source);

#endif
