/* SPDX-License-Identifier: ISC */
/*
 * note.h - what became of the last check and the last backup: a small file
 * each in state_dir, which artifactctl writes and the master reads into
 * metrics.
 *
 *	problems=0
 *	is_ok=1
 *	duration=3
 *	bytes=4096
 *	deep=0
 *	place=2
 *	succeeded=1764090000
 *	finished=1764090000
 *
 * Lines of key=digits in any order, but finished is the last, so that half a
 * note is none. Keys that nobody knows are passed over, what is missing is 0.
 * succeeded is when the last one ended well, which may be one before this, and
 * place is of that one too: who writes a note of a failure takes both over from
 * the note that lies there.
 */
#ifndef NOTE_H
#define NOTE_H

#include "base/result.h"

#include <stdbool.h>
#include <stdint.h>

#define NOTE_CHECK "last-check"
#define NOTE_BACKUP "last-backup"

/* On which file system the last backup that ended well was made. */
enum note_place {
	NOTE_PLACE_UNKNOWN, /* an older version's, or of a check */
	NOTE_PLACE_SHARED,  /* the store's: both are lost with one disk */
	NOTE_PLACE_OTHER,
};

struct note {
	uint64_t finished;  /* seconds since 1970; at the end, well or not */
	bool is_ok;	    /* a check: it found no problem */
	uint64_t problems;  /* a check's */
	uint64_t duration;  /* seconds */
	uint64_t bytes;	    /* looked at, or in the backup */
	bool is_deep;	    /* a check: of all content too */
	uint64_t succeeded; /* when one last ended well; 0: nobody knows */
	enum note_place place;
};

/*
 * Read the note of this name in directory. RESULT_NOT_FOUND: there is none.
 * RESULT_MALFORMED: there is something else, or half of one. RESULT_IO: errno
 * says why it cannot be read.
 */
MUST_USE enum result
note_read(const char *directory, const char *name, struct note *ret_note);

/*
 * Put a note in the place of the one before, whole and durably, or leave that
 * one: RESULT_IO, errno says why. note->succeeded is not asked: it is finished,
 * if is_ok, or else what the one before has, as is place then.
 */
MUST_USE enum result
note_write(const char *directory, const char *name, const struct note *note);

#endif
