/* SPDX-License-Identifier: ISC */
/*
 * export.h - what stands where in an export.
 *
 *	artifactd.json        {"format":"artifactd-export","version":1}
 *	records/000001.jsonl  a line for each artifact of a block
 *	content/<id>          its bytes, in the order of the lines, each there
 *	content/<id>          even if it is empty
 *	records/000002.jsonl  the next block, and so on
 *	…
 *	end.json              {"artifacts":N,"bytes":N}
 *
 * A line is what record.h says. Records come before content, so that
 * who reads knows what comes and whether he wants it, in one pass; blocks
 * are small, so that he holds little; the end says that nothing was cut off.
 * Artifacts come newest first. The same store gives the same bytes.
 */
#ifndef CTL_EXPORT_H
#define CTL_EXPORT_H

#include "model/artifact.h"

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

#endif
