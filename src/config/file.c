/* SPDX-License-Identifier: ISC */
/*
 * file.c - the text of a configuration file, its comments blanked; and
 * the secret, from a file that nginx reads too.
 *
 * libconfuse 3.3 counts lines wrong behind each comment and takes none
 * inside a list. So it gets spaces for them, and its line numbers are right.
 */

#include "table.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define SIZE_LIMIT (1024 * 1024) /* a configuration is never near it */

#define SECRET_MOST 4096 /* of its file, comments included */
#define SECRET_HEX 64	 /* 32 bytes of a random source */
#define MAKE_SECRET NGINX_DIR "/make-secret.sh"

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

/* ---- the secret ---- */

/* The next word of a line, between blanks. */
static struct span
next_word(struct span *line)
{
	size_t size = 0;
	struct span word;

	*line = span_trim(*line);
	while (size < line->size && strchr(" \t", line->data[size]) == NULL)
		size++;
	word = span_of(line->data, size);
	*line = span_from(*line, size);
	return word;
}

static bool
is_hex(struct span text)
{
	size_t i;

	for (i = 0; i < text.size; i++)
		if (memchr("0123456789abcdef", text.data[i], 16) == NULL)
			return false;
	return true;
}

/* fastcgi_param ARTIFACTD_PARAMS <64 hex digits>; */
static bool
is_secret(struct span line, struct span *ret_secret)
{
	struct span secret;

	if (!span_is(next_word(&line), "fastcgi_param") ||
	    !span_is(next_word(&line), "ARTIFACTD_PARAMS"))
		return false;
	line = span_trim(line);
	secret = span_split(&line, ';');
	if (line.data == NULL || line.size > 0 || secret.size != SECRET_HEX ||
	    !is_hex(secret))
		return false;
	*ret_secret = secret;
	return true;
}

/* Nothing but comments beside it: nginx would read more than we do. */
static bool
find_secret(struct span text, struct span *ret_secret)
{
	bool is_found = false;
	struct span line;

	while (text.data != NULL) {
		line = span_trim(span_split(&text, '\n'));
		if (line.size == 0 || line.data[0] == '#')
			continue;
		if (is_found || !is_secret(line, ret_secret))
			return false;
		is_found = true;
	}
	return is_found;
}

static const char *
no_secret(struct arena *arena, const char *path, int error)
{
	if (error == ENOENT)
		return arena_printf(arena,
		    "there is no %s, the secret by which artifactd knows "
		    "nginx: make it as root with \"%s %s\", and reload nginx",
		    path, MAKE_SECRET, path)
		    .data;
	return arena_printf(arena,
	    "%s, the secret by which artifactd knows nginx, cannot be read "
	    "(%s): it belongs to root and the group of the service, mode 0640",
	    path, strerror(error))
	    .data;
}

bool
config_read_secret(
    struct arena *arena, struct config *config, const char **ret_error)
{
	const char *path = config->secret_file;
	char text[SECRET_MOST];
	struct span secret;
	size_t size;
	FILE *file;

	file = fopen(path, "re");
	if (file == NULL) {
		*ret_error = no_secret(arena, path, errno);
		return false;
	}
	size = fread(text, 1, sizeof(text), file);
	if (ferror(file)) {
		*ret_error = no_secret(arena, path, errno);
		(void)fclose(file); /* nothing was written */
		return false;
	}
	(void)fclose(file); /* nothing was written */
	if (size == sizeof(text) ||
	    !find_secret(span_of(text, size), &secret)) {
		*ret_error = arena_printf(arena,
		    "%s is not as make-secret.sh makes it (fastcgi_param "
		    "ARTIFACTD_PARAMS and 64 hex digits): remove it, make it "
		    "anew as root with \"%s %s\", and reload nginx",
		    path, MAKE_SECRET, path)
				 .data;
		return false;
	}
	config->secret = arena_string(arena, secret);
	return true;
}
