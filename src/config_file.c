/* SPDX-License-Identifier: ISC */
/*
 * config_file.c - the text of a configuration file, its comments blanked.
 *
 * libconfuse 3.3 counts lines wrong behind each comment and takes none
 * inside a list. So it gets spaces for them, and its line numbers are right.
 */

#include "config_table.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define SIZE_LIMIT (1024 * 1024) /* a configuration is never near it */

/* ---- comments ---- */

/* The index behind the string that opens at text[i]. */
static size_t
skip_string(const char *text, size_t i)
{
	char quote = text[i++];

	while (text[i] != '\0' && text[i] != quote)
		i += text[i] == '\\' && text[i + 1] != '\0' ? 2 : 1;
	return text[i] == '\0' ? i : i + 1;
}

/* The size of the comment that text opens with, or 0. */
static size_t
comment_size(const char *text, bool is_in_word)
{
	const char *end;

	if (text[0] == '#' || (!is_in_word && memcmp(text, "//", 2) == 0))
		return strcspn(text, "\n");
	if (is_in_word || memcmp(text, "/*", 2) != 0)
		return 0;
	end = strstr(text + 2, "*/");
	return end == NULL ? 0 : (size_t)(end + 2 - text);
}

static void
blank(char *text, size_t size)
{
	size_t i;

	for (i = 0; i < size; i++)
		if (text[i] != '\n')
			text[i] = ' ';
}

static void
blank_comments(char *text)
{
	bool is_in_word = false;
	size_t size;
	size_t i = 0;

	while (text[i] != '\0') {
		size = comment_size(text + i, is_in_word);
		if (size > 0) {
			blank(text + i, size);
			i += size;
		} else if (text[i] == '\'' || text[i] == '"') {
			i = skip_string(text, i);
			is_in_word = false;
		} else {
			is_in_word = strchr(" \t\r\n={},()", text[i]) == NULL;
			i++;
		}
	}
}

/* ---- reading ---- */

static char *
read_text(struct arena *arena, FILE *file, const char **ret_reason)
{
	char *text = arena_room(arena, SIZE_LIMIT + 2);
	size_t size = fread(text, 1, SIZE_LIMIT + 1, file);

	if (ferror(file)) {
		*ret_reason = strerror(errno);
		return NULL;
	}
	if (size > SIZE_LIMIT || memchr(text, '\0', size) != NULL) {
		*ret_reason = "is no configuration";
		return NULL;
	}
	text[size] = '\0';
	return text;
}

bool
config_file_read(struct arena *arena, const char *path, bool may_be_missing,
    char **ret_text, const char **ret_error)
{
	const char *reason = NULL;
	char *text = NULL;
	FILE *file;

	file = fopen(path, "re");
	if (file != NULL) {
		text = read_text(arena, file, &reason);
		(void)fclose(file); /* nothing was written */
	} else if (errno == ENOENT && may_be_missing) {
		text = arena_string(arena, SPAN(""));
	} else {
		reason = strerror(errno);
	}
	if (text == NULL) {
		*ret_error = arena_printf(arena, "%s: %s", path, reason).data;
		return false;
	}
	blank_comments(text);
	*ret_text = text;
	return true;
}
