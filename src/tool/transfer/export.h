/* SPDX-License-Identifier: ISC */
/*
 * export.h - what stands where in an export, and a block of it in the making.
 *
 *	artifactd.json        {"format":"artifactd-export","version":1}
 *	records/000001.jsonl  a line for each artifact of a block
 *	content/<id>          its bytes, in the order of the lines, each there
 *	content/<id>          even if it is empty
 *	records/000002.jsonl  the next block, and so on
 *	…
 *	end.json              {"artifacts":N,"bytes":N}
 *
 * A line is what record.h says. The records of a block come before its content,
 * so that a reader knows, in one pass, what comes and whether it is wanted.
 * Blocks are small, so that a reader holds little in memory. The end shows that
 * nothing was cut off. Artifacts come newest first. The same store gives the
 * same bytes.
 */
#ifndef CTL_EXPORT_H
#define CTL_EXPORT_H

#include "tar.h"
#include "store/store.h"
#include "tool/progress.h"

#define EXPORT_HEAD "artifactd.json"
#define EXPORT_END "end.json"
#define EXPORT_FORMAT "artifactd-export"
#define EXPORT_VERSION 1
#define EXPORT_CONTENT "content/"

/* A block has at most so many lines, and the text of them so many bytes. */
#define EXPORT_LINES 256
#define EXPORT_TEXT (4 * 1024 * 1024)

/* "records/000001.jsonl", and "content/<id>", each with a NUL. */
#define EXPORT_NAME 64
void export_records_name(unsigned block, char ret_name[EXPORT_NAME]);
void export_content_name(const struct id *id, char ret_name[EXPORT_NAME]);

/* ---- writing: a block of an export in the making ---- */

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

#endif
