/* SPDX-License-Identifier: ISC */
/*
 * tar.h - tar files, member by member: the door to libarchive.
 *
 * Written is what any tar reads (pax, and its records only where a member
 * needs them), the same bytes for the same members. Read is any tar, but
 * uncompressed, and of its members only plain files; a name in it is never
 * used as one of this host. Functions that give an int give an exit code,
 * and when it is not CTL_OK they have said why.
 */
#ifndef CTL_TAR_H
#define CTL_TAR_H

#include "tool/ctl.h"

/* ---- writing ---- */

struct ctl_tar_writer;

/*
 * path "-" is standard output. Another one gets its name when all of it is
 * on disk (tool/client/file.h).
 */
MUST_USE int ctl_tar_create(
    const struct ctl *ctl, const char *path, struct ctl_tar_writer **ret_tar);
/* Begin a member of exactly so many bytes. */
MUST_USE int ctl_tar_add(struct ctl_tar_writer *tar, const char *name,
    uint64_t size, uint64_t modified);
MUST_USE int ctl_tar_write(struct ctl_tar_writer *tar, struct span bytes);
/* Write what is left. */
MUST_USE int ctl_tar_finish(struct ctl_tar_writer *tar);
/* Sync it and give it its name; or take it away again. */
MUST_USE int ctl_tar_keep(struct ctl_tar_writer *tar);
void ctl_tar_discard(struct ctl_tar_writer *tar);
/* Take it away, and no more. Safe in a handler of signals. */
void ctl_tar_drop(struct ctl_tar_writer *tar);

/* ---- reading ---- */

struct ctl_tar_reader;

struct ctl_tar_member {
	struct span name; /* untrusted bytes */
	uint64_t size;
};

/* path "-" is standard input. */
MUST_USE int ctl_tar_open(
    const struct ctl *ctl, const char *path, struct ctl_tar_reader **ret_tar);
/* Of the whole file; 0: nobody knows. */
uint64_t ctl_tar_size(const struct ctl_tar_reader *tar);
/* How much of it was read. */
uint64_t ctl_tar_position(const struct ctl_tar_reader *tar);
/* The next member; *ret_is_end: there is none. */
MUST_USE int ctl_tar_next(struct ctl_tar_reader *tar, struct arena *arena,
    struct ctl_tar_member *ret_member, bool *ret_is_end);
/* The next piece of it, valid until the next call; size 0: its end. */
MUST_USE int ctl_tar_read(struct ctl_tar_reader *tar, struct span *ret_piece);
void ctl_tar_close(struct ctl_tar_reader *tar);

#endif
