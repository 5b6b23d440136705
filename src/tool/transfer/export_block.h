/* SPDX-License-Identifier: ISC */
/*
 * export_block.h - a block of an export in the making.
 */
#ifndef CTL_EXPORT_BLOCK_H
#define CTL_EXPORT_BLOCK_H

#include "export.h"
#include "tool/progress.h"
#include "tar.h"
#include "store/store.h"

#define EXPORT_PIECE LIMIT_CHUNK

/* What the export came to, so far. */
struct export_counts {
	uint64_t artifacts;
	uint64_t bytes;
	uint64_t damaged; /* left out, and said */
};

struct export_entry {
	struct id id;
	uint64_t size;
	uint64_t stored;
};

struct export_block {
	/* The caller's. */
	const struct ctl *ctl;
	struct store *store;
	const char *directory; /* where it is */
	struct ctl_tar_writer *tar;
	struct export_counts *counts;
	struct ctl_progress *progress;
	/* Its own. */
	struct arena *arena;   /* of the block */
	struct arena *scratch; /* of the artifact at hand */
	unsigned number;       /* of the last that was written */
	struct export_entry entries[EXPORT_LINES];
	size_t count;
	uint64_t newest; /* moment */
	struct buffer lines;
	int spool; /* content, one after the other */
	uint64_t spooled;
	char piece[EXPORT_PIECE];
};

/* path is the export's, which says where there is room for temporary files. */
MUST_USE int export_block_open(struct export_block *block, const char *path);
/*
 * Add an artifact, and write the block if that fills it. One that was deleted
 * meanwhile is left out, one that is damaged too, which is said; new content
 * is read instead of what was replaced.
 */
MUST_USE int
export_block_add(struct export_block *block, struct artifact *artifact);
/* Write what there is, if there is something. */
MUST_USE int export_block_write(struct export_block *block);
void export_block_close(struct export_block *block);

/* A member of its own. */
MUST_USE int export_write_text(struct export_block *block, const char *name,
    struct span text, uint64_t modified);

#endif
