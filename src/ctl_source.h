/* SPDX-License-Identifier: ISC */
/*
 * ctl_source.h - what put sends: a file, or standard input, whose size and
 * digest are known before the first byte goes out.
 */
#ifndef CTL_SOURCE_H
#define CTL_SOURCE_H

#include "ctl.h"
#include "digest.h"

struct ctl_source {
	const char *name; /* for sentences */
	int fd;
	uint64_t size;
	uint8_t hash[DIGEST_SHA256_SIZE];
	const char *type; /* a guess at its media type */
};

/*
 * Open and hash it, "-" being stdin. What is no regular file is copied to
 * one without a name first, in $TMPDIR or /var/tmp. Not CTL_OK: it has been
 * said, and there is nothing to close.
 */
MUST_USE int ctl_source_open(
    const struct ctl *ctl, const char *path, struct ctl_source *ret_source);
void ctl_source_close(struct ctl_source *source);

#endif
