/* SPDX-License-Identifier: ISC */
/*
 * result.h - the one enum of outcomes.
 *
 * Every function that can fail because the world failed, or because the
 * state of the store does not allow what was asked, returns one of these.
 * Faults of a request's shape are not results: protocol/fault.h has them.
 * Outputs of a function are untouched unless it returns RESULT_OK.
 */
#ifndef RESULT_H
#define RESULT_H

#define MUST_USE __attribute__((warn_unused_result))

enum result {
	RESULT_OK,
	RESULT_END,	     /* nothing more to read */
	RESULT_NOT_FOUND,    /* no such artifact */
	RESULT_EXISTS,	     /* the id is taken */
	RESULT_PRECONDITION, /* the state is not the one asked for */
	RESULT_MISMATCH,     /* the key, or the id, stands for something else */
	RESULT_NO_SPACE,     /* the disk is at its reserve, or full */
	RESULT_QUOTA,	     /* max_bytes would be passed */
	RESULT_CLOCK,	     /* the last moment is far ahead of the clock */
	RESULT_STALE,	     /* the blob is another upload's: begin again */
	RESULT_GONE,	     /* the content went while it was being read */
	RESULT_MALFORMED,    /* not in the form that was agreed */
	RESULT_TOO_LARGE,    /* over a limit */
	RESULT_UNAVAILABLE,  /* nothing happened; later it may */
	RESULT_UNKNOWN,	     /* it happened or not: repeat it to know */
	RESULT_DAMAGED,	     /* stored bytes do not match their check */
	RESULT_IO,	     /* the operating system refused */
	RESULT_STALLED,	     /* the rest of the request did not come */
	RESULT_COUNT
};

/* A few words for a log line, e.g. "no such artifact". Never NULL. */
const char *result_text(enum result result);

#endif
