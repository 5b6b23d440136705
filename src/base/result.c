/* SPDX-License-Identifier: ISC */
/* result.c - outcomes in words. */

#include "result.h"

#include <stddef.h>

static const char *const texts[RESULT_COUNT] = {
	[RESULT_OK] = "ok",
	[RESULT_END] = "nothing more to read",
	[RESULT_NOT_FOUND] = "no such artifact",
	[RESULT_EXISTS] = "the id is taken",
	[RESULT_PRECONDITION] = "precondition failed",
	[RESULT_MISMATCH] = "idempotency key used for something else",
	[RESULT_NO_SPACE] = "no space left on the disk",
	[RESULT_QUOTA] = "quota reached",
	[RESULT_CLOCK] = "the store is ahead of the clock",
	[RESULT_STALE] = "the upload has to begin again",
	[RESULT_GONE] = "the content went while it was read",
	[RESULT_MALFORMED] = "malformed",
	[RESULT_TOO_LARGE] = "too large",
	[RESULT_UNAVAILABLE] = "unavailable",
	[RESULT_UNKNOWN] = "outcome not known",
	[RESULT_DAMAGED] = "stored bytes are damaged",
	[RESULT_IO] = "the operating system failed",
	[RESULT_STALLED] = "the rest of the request did not come",
};

const char *
result_text(enum result result)
{
	if (result < 0 || result >= RESULT_COUNT || texts[result] == NULL)
		return "unknown result";
	return texts[result];
}
