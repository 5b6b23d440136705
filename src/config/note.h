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
 * Lines of key=digits in any order, but "finished" is the last, so that half a
 * note is none. Unknown keys are ignored; a key that is missing has the value
 * 0. "succeeded" is the time of the last check or backup that ended well, which
 * may be an earlier one, and "place" is where that one is: a note of a failure
 * takes both over from the note before.
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
	uint64_t bytes;	    /* that were checked, or that the backup has */
	bool is_deep;	    /* a check: it read all content too */
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
 * Replace the note of this name, whole and durably. RESULT_IO: the one before
 * stays, errno says why. note->succeeded is not read: the new note has
 * note->finished for it if is_ok, or else what the one before has, of which it
 * takes place over too. Safe in a handler of signals.
 */
MUST_USE enum result
note_write(const char *directory, const char *name, const struct note *note);

#endif
