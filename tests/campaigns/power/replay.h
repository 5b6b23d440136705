/* SPDX-License-Identifier: ISC */
/*
 * replay.h - a recorded run: its calls, what was promised when, and the
 * directories that a power cut in the middle of it may leave.
 */
#ifndef REPLAY_H
#define REPLAY_H

#include "record.h"

#include "model/change.h"

struct call {
	struct record record;
	const char *bytes;
};

extern struct call *calls;
extern size_t call_count;

/* ---- replay_model.c ---- */

/* Read a recording and what was asked and answered in it. */
void model_load(const char *path);
/*
 * Does the store in this directory hold what was promised before the call
 * cut, and nothing that was not asked for by then? The sentence, or NULL.
 */
const char *model_check(const char *directory, size_t cut);

/* ---- replay_disk.c ---- */

uint64_t disk_random(uint64_t bound);
void disk_seed(uint64_t seed);
/*
 * Make the directory as it may be after a power cut before call cut: all
 * that was synced, and of the rest what kind says.
 */
enum disk_kind {
	DISK_ALL,
	DISK_NONE,
	DISK_ALL_BUT_ONE,
	DISK_ONLY_ONE,
	DISK_SOME,
	DISK_SOME_TORN,
	DISK_KINDS,
};

void disk_make(const char *directory, size_t cut, enum disk_kind kind);

#endif
