/* SPDX-License-Identifier: ISC */
/*
 * nginx_conf.c - words, directives and blocks of an nginx's configuration,
 * with the files that are included put in their places.
 */

#include "nginx_conf.h"

#include <fnmatch.h>

#define INCLUDES 16 /* one in the other */
#define BLOCKS 128  /* likewise */

struct reading {
	struct arena *arena;
	struct span dump;
	struct span directory; /* of the main file: what includes begin at */
	const char *file;
	struct span rest;
	unsigned line;
	unsigned depth;	  /* of includes */
	unsigned nesting; /* of blocks */
	size_t *left;	  /* directives that may come */
};

static void read_block(struct reading *reading, struct nginx *block);

/* ---- files ---- */

#define MARK "# configuration file "

/* Where the next file's mark begins; text.size: nowhere. */
static size_t
find_mark(struct span text)
{
	size_t i = 0;

	while (i < text.size) {
		if (span_starts_with(span_from(text, i), MARK))
			return i;
		i += span_find(span_from(text, i), '\n') + 1;
	}
	return text.size;
}

bool
ctl_nginx_next_file(struct arena *arena, struct span *rest,
    const char **ret_path, struct span *ret_text)
{
	size_t at = rest->data == NULL ? 0 : find_mark(*rest);
	struct span line, text;

	if (rest->data == NULL || at == rest->size)
		return false;
	text = span_from(*rest, at + strlen(MARK));
	line = span_split(&text, '\n');
	if (line.size > 0 && line.data[line.size - 1] == ':')
		line.size--;
	*ret_path = arena_string(arena, line);
	at = text.data == NULL ? 0 : find_mark(text);
	*ret_text = span_of(text.data == NULL ? "" : text.data, at);
	*rest = text.data == NULL ? SPAN_NONE : span_from(text, at);
	return true;
}

/* ---- words ---- */

static char
take(struct reading *reading)
{
	char byte = reading->rest.data[0];

	reading->rest = span_from(reading->rest, 1);
	if (byte == '\n')
		reading->line++;
	return byte;
}

static bool
is_next(const struct reading *reading, const char *bytes)
{
	return reading->rest.size > 0 && reading->rest.data[0] != '\0' &&
	       strchr(bytes, reading->rest.data[0]) != NULL;
}

static void
skip_blanks(struct reading *reading)
{
	while (is_next(reading, " \t\r\n#"))
		if (take(reading) == '\n')
			continue;
		else if (reading->rest.data[-1] == '#')
			while (
			    reading->rest.size > 0 && !is_next(reading, "\n"))
				(void)take(reading); /* a comment */
}

static struct span
take_word(struct reading *reading)
{
	char quote = is_next(reading, "'\"") ? take(reading) : '\0';
	struct buffer word;
	char byte;

	buffer_init(&word, reading->arena);
	while (reading->rest.size > 0) {
		if (quote == '\0' && is_next(reading, " \t\r\n;{"))
			if (!is_next(reading, "{") || word.size == 0 ||
			    word.data[word.size - 1] != '$')
				break;
		byte = take(reading);
		if (quote != '\0' && byte == quote)
			break;
		if (byte == '\\' && is_next(reading, "'\"\\"))
			byte = take(reading);
		buffer_append_byte(&word, byte);
	}
	buffer_append_byte(&word, '\0');
	return span_of(word.data, word.size - 1);
}

/* ---- directives ---- */

static struct nginx *
add(struct reading *reading, struct nginx *block)
{
	struct nginx *directive =
	    arena_alloc(reading->arena, sizeof(*directive));

	directive->file = reading->file;
	directive->line = reading->line;
	directive->parent = block;
	return directive;
}

static void
append(struct nginx *block, struct nginx *directive)
{
	if (block->last == NULL)
		block->first = directive;
	else
		block->last->next = directive;
	block->last = directive;
}

static void
read_file(struct reading *reading, const char *path, struct span text,
    struct nginx *block)
{
	struct reading inner = *reading;

	inner.file = path;
	inner.rest = text;
	inner.line = 1;
	inner.depth++;
	read_block(&inner, block);
}

/* Put what it names in its place. */
static void
include(struct reading *reading, struct span pattern, struct nginx *block)
{
	struct span rest = reading->dump, text;
	const char *path, *wanted;

	if (reading->depth >= INCLUDES)
		return;
	wanted =
	    span_starts_with(pattern, "/")
		? pattern.data
		: arena_printf(reading->arena, "%.*s%.*s",
		      (int)reading->directory.size, reading->directory.data,
		      (int)pattern.size, pattern.data)
		      .data;
	while (ctl_nginx_next_file(reading->arena, &rest, &path, &text))
		if (fnmatch(wanted, path, FNM_PATHNAME) == 0)
			read_file(reading, path, text, block);
}

/* false: the text ended. */
static bool
read_words(struct reading *reading, struct nginx *directive)
{
	struct span words[NGINX_WORDS];
	size_t count = 0;

	for (;;) {
		skip_blanks(reading);
		if (reading->rest.size == 0)
			return false;
		if (is_next(reading, ";{"))
			break;
		if (count == NGINX_WORDS)
			count--; /* nobody asks for these */
		words[count++] = take_word(reading);
	}
	directive->words = arena_alloc(reading->arena, count * sizeof(*words));
	directive->count = count;
	memcpy(directive->words, words, count * sizeof(*words));
	return true;
}

/* Up to its end, which is taken; false: that was the last. */
static bool
read_directive(struct reading *reading, struct nginx *block)
{
	struct nginx *directive;

	if (*reading->left == 0 || reading->nesting == BLOCKS)
		return false;
	--*reading->left;
	directive = add(reading, block);
	if (!read_words(reading, directive))
		return false;
	if (take(reading) == '{') {
		append(block, directive);
		reading->nesting++;
		read_block(reading, directive);
		reading->nesting--;
	} else if (ctl_nginx_is(directive, "include"))
		include(reading, ctl_nginx_word(directive, 1), block);
	else
		append(block, directive);
	return true;
}

static void
read_block(struct reading *reading, struct nginx *block)
{
	for (;;) {
		skip_blanks(reading);
		if (reading->rest.size == 0)
			return;
		if (is_next(reading, "}")) {
			(void)take(reading); /* the end of the block */
			return;
		}
		if (!read_directive(reading, block))
			return;
	}
}

struct nginx *
ctl_nginx_read(struct arena *arena, struct span dump)
{
	size_t left = NGINX_DIRECTIVES;
	struct reading reading = {
		.arena = arena, .dump = dump, .left = &left
	};
	struct nginx *whole = arena_alloc(arena, sizeof(*whole));
	struct span rest = dump, text;
	const char *path;

	if (!ctl_nginx_next_file(arena, &rest, &path, &text))
		return whole;
	reading.directory = span_of(path, strlen(path));
	while (reading.directory.size > 0 &&
	       reading.directory.data[reading.directory.size - 1] != '/')
		reading.directory.size--;
	read_file(&reading, path, text, whole);
	return whole;
}

/* ---- looking ---- */

bool
ctl_nginx_is(const struct nginx *directive, const char *name)
{
	return directive->count > 0 && span_is(directive->words[0], name);
}

struct span
ctl_nginx_word(const struct nginx *directive, size_t i)
{
	return i < directive->count ? directive->words[i] : SPAN("");
}

static const struct nginx *
first_named(const struct nginx *directive, const char *name)
{
	while (directive != NULL && !ctl_nginx_is(directive, name))
		directive = directive->next;
	return directive;
}

const struct nginx *
ctl_nginx_child(const struct nginx *block, const char *name)
{
	return first_named(block->first, name);
}

const struct nginx *
ctl_nginx_again(const struct nginx *directive)
{
	return first_named(directive->next, directive->words[0].data);
}

const struct nginx *
ctl_nginx_find(const struct nginx *block, const char *name)
{
	const struct nginx *found = NULL;

	while (block != NULL && found == NULL) {
		found = ctl_nginx_child(block, name);
		block = block->parent;
	}
	return found;
}

const struct nginx *
ctl_nginx_walk(
    const struct nginx *whole, const struct nginx *block, const char *name)
{
	const struct nginx *at = block == NULL ? whole : block;

	for (;;) {
		if (at->first != NULL)
			at = at->first;
		else {
			while (at != whole && at->next == NULL)
				at = at->parent;
			if (at == whole)
				return NULL;
			at = at->next;
		}
		if (ctl_nginx_child(at, name) != NULL)
			return at;
	}
}

/* ---- values ---- */

/* Take a number and the letters behind it off the text. */
static bool
take_number(struct span *text, uint64_t *ret_number, struct span *ret_unit)
{
	uint64_t number = 0;
	size_t i = 0, begin;

	while (i < text->size && i < 15 && ascii_is_digit(text->data[i]))
		number = number * 10 + (uint64_t)(text->data[i++] - '0');
	if (i == 0 || (i < text->size && ascii_is_digit(text->data[i])))
		return false;
	begin = i;
	while (i < text->size && ascii_is_alpha(text->data[i]))
		i++;
	*ret_unit = span_of(text->data + begin, i - begin);
	*ret_number = number;
	*text = span_trim(span_from(*text, i));
	return true;
}

struct unit {
	const char *name;
	uint64_t factor;
};

static bool
factor_of(const struct unit *units, struct span unit, uint64_t *ret_factor)
{
	for (; units->name != NULL; units++)
		if (span_is(unit, units->name)) {
			*ret_factor = units->factor;
			return true;
		}
	return false;
}

bool
ctl_nginx_size(struct span text, uint64_t *ret_bytes)
{
	static const struct unit units[] = { { "", 1 }, { "k", 1024 },
		{ "K", 1024 }, { "m", 1 << 20 }, { "M", 1 << 20 },
		{ "g", 1 << 30 }, { "G", 1 << 30 }, { NULL, 0 } };
	uint64_t number, factor;
	struct span unit;

	if (!take_number(&text, &number, &unit) || text.size > 0 ||
	    !factor_of(units, unit, &factor) || number > UINT64_MAX / factor)
		return false;
	*ret_bytes = number * factor;
	return true;
}

bool
ctl_nginx_time(struct span text, uint64_t *ret_milliseconds)
{
	static const struct unit units[] = { { "", 1000 }, { "s", 1000 },
		{ "ms", 1 }, { "m", 60000 }, { "h", 3600000 }, { "min", 60000 },
		{ "d", 86400000 }, { NULL, 0 } };
	uint64_t number, factor, sum = 0;
	struct span unit;

	if (text.size == 0)
		return false;
	while (text.size > 0) {
		if (!take_number(&text, &number, &unit) ||
		    !factor_of(units, unit, &factor) ||
		    number > UINT64_MAX / 2 / factor)
			return false;
		sum += number * factor;
	}
	*ret_milliseconds = sum;
	return true;
}
