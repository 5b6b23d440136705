/* SPDX-License-Identifier: ISC */
/*
 * type.c - the media type of a file. libmagic knows formats with
 * a signature; of text it sees no more than that it is text, so the end of
 * the name decides there.
 */

#include "type.h"

#include <magic.h>

#define UNKNOWN "application/octet-stream"

/* What text of these names is. */
static const char *const text_types[][2] = {
	{ ".md", "text/markdown" },
	{ ".markdown", "text/markdown" },
	{ ".csv", "text/csv" },
	{ ".css", "text/css" },
	{ ".html", "text/html" },
	{ ".js", "text/javascript" },
	{ ".json", "application/json" },
	{ ".jsonl", "application/x-ndjson" },
	{ ".yaml", "application/yaml" },
	{ ".yml", "application/yaml" },
	{ ".toml", "application/toml" },
	{ ".xml", "application/xml" },
};

static const char *
type_of_text(const char *name, const char *guess)
{
	const char *dot = strrchr(name, '.');
	size_t i;

	if (dot == NULL)
		return guess;
	for (i = 0; i < sizeof(text_types) / sizeof(text_types[0]); i++)
		if (span_is_nocase(span_str(dot), text_types[i][0]))
			return text_types[i][1];
	return guess;
}

/*
 * Its database takes longer to load than a small file to send, so that it is
 * loaded once, and stays until the end; NULL: it cannot be had.
 */
static magic_t
database(void)
{
	static magic_t magic;
	static bool was_tried;

	if (!was_tried) {
		was_tried = true;
		magic = magic_open(MAGIC_MIME_TYPE);
		if (magic != NULL && magic_load(magic, NULL) != 0) {
			magic_close(magic);
			magic = NULL;
		}
	}
	return magic;
}

const char *
ctl_type_guess(struct arena *arena, const char *name, struct span start)
{
	const char *guess = NULL;

	if (start.size == 0)
		guess = type_of_text(name, UNKNOWN);
	else if (database() != NULL)
		guess = magic_buffer(database(), start.data, start.size);
	guess = guess == NULL ? UNKNOWN : guess;
	if (strncmp(guess, "text/", 5) == 0)
		guess = type_of_text(name, guess);
	return arena_string(arena, span_str(guess));
}
