/* SPDX-License-Identifier: ISC */
/*
 * source.h - what put sends: a file, or standard input, whose size and
 * digest are known before the first byte goes out. Who writes to the file
 * meanwhile changes nothing of what is sent: it is the bytes that were
 * hashed, or there is an error.
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
 * Open and hash it, "-" being stdin. What is no regular file, or tells no
 * size, is copied to one without a name first, in $TMPDIR or /var/tmp; what
 * a walk through a directory has found has to be a regular file still, and
 * no link. Not CTL_OK: it has been said, and there is nothing to close.
 */
MUST_USE int ctl_source_open(const struct ctl *ctl, const char *path,
    bool is_found, struct ctl_source *ret_source);
void ctl_source_close(struct ctl_source *source);

/*
 * Hash the first bytes of a file, so many or as many as there are: *ret_size.
 * progress may be NULL. false: errno says why they cannot be read.
 */
MUST_USE bool ctl_source_hash(int fd, uint64_t most,
    struct ctl_progress *progress, uint64_t *ret_size,
    uint8_t ret_hash[DIGEST_SHA256_SIZE]);

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
