/* SPDX-License-Identifier: ISC */
/* name.c - file names that others wrote, made harmless and told apart. */

#include "name.h"

#include "http_text.h"
#include "tool/set.h"
#include "base/limits.h"
#include "protocol/utf8.h"

#define SHORT_ID 12

/* ---- paths ---- */

const char *
ctl_name_place(struct arena *arena, struct span path)
{
	struct buffer place;
	struct span part;

	buffer_init(&place, arena);
	if (span_starts_with(path, "/"))
		return NULL;
	while (path.data != NULL) {
		part = span_split(&path, '/');
		if (part.size == 0 || span_is(part, "."))
			continue;
		if (span_is(part, ".."))
			return NULL;
		if (place.size > 0)
			buffer_append_byte(&place, '/');
		buffer_append(&place, part);
	}
	if (place.size == 0)
		return NULL;
	return arena_string(arena, utf8_repair(arena, buffer_span(&place)));
}

/* Is this part of a path harmless as it stands? */
static bool
is_harmless(struct arena *arena, struct span part)
{
	struct span harmless = ctl_http_harmless(arena, part);

	return part.size > 0 && part.size <= LIMIT_FILENAME &&
	       span_find(part, '\\') == part.size && span_equal(part, harmless);
}

static bool
is_harmless_path(struct arena *arena, struct span path)
{
	while (path.data != NULL)
		if (!is_harmless(arena, span_split(&path, '/')))
			return false;
	return true;
}

/* What follows the last '/'. */
static struct span
last_part(struct span path)
{
	struct span part = path;

	while (path.data != NULL)
		part = span_split(&path, '/');
	return part;
}

/* Make one file name of a path, with '_' for '/'. */
static struct span
flatten(struct arena *arena, struct span text)
{
	char *bytes = arena_string(arena, text);
	size_t i;

	for (i = 0; i < text.size; i++)
		if (bytes[i] == '/' || bytes[i] == '\\')
			bytes[i] = '_';
	return ctl_http_harmless(arena, span_of(bytes, text.size));
}

/* ---- telling apart ---- */

struct ctl_used {
	struct arena *arena;
	struct arena *work; /* emptied after each name */
	struct ctl_set names;
};

static void
release(void *object)
{
	struct ctl_used *used = object;

	arena_close(used->work);
}

struct ctl_used *
ctl_used_open(struct arena *arena)
{
	struct ctl_used *used = arena_alloc(arena, sizeof(*used));

	used->arena = arena;
	used->work = arena_open();
	ctl_set_init(&used->names, arena);
	arena_defer(arena, release, used);
	return used;
}

static struct span
choose(struct arena *arena, struct span title, struct span filename)
{
	if (title.size > 0 &&
	    (filename.size == 0 || span_equal(last_part(title), filename)) &&
	    is_harmless_path(arena, title))
		return title;
	if (filename.size > 0)
		return filename;
	return flatten(arena, title);
}

/* "dir/name.id.end" of "dir/name.end", the name cut to fit. */
static struct span
with_id(struct arena *arena, struct span path, const char *id, size_t size)
{
	struct span name = last_part(path);
	struct span head = span_of(path.data, path.size - name.size);
	size_t end = name.size, i;

	for (i = name.size; i > 1; i--)
		if (name.data[i - 1] == '.')
			break;
	if (i > 1 && name.size - i < SHORT_ID)
		end = i - 1;
	name = span_of(name.data, end);
	if (end + size + 1 + (path.size - head.size - end) > LIMIT_FILENAME)
		name = utf8_cut(name,
		    LIMIT_FILENAME - size - 1 - (path.size - head.size - end));
	return arena_printf(arena, "%.*s%.*s.%.*s%.*s", (int)head.size,
	    head.data, (int)name.size, name.data, (int)size, id,
	    (int)(path.size - head.size - end), path.data + head.size + end);
}

const char *
ctl_used_name(struct ctl_used *used, const char *title, struct span filename,
    const struct id *id)
{
	char text[ID_TEXT + 1];
	struct span name, other;
	const char *result;

	id_format(id, text);
	name = choose(used->work, span_str(title), filename);
	if (name.size == 0)
		name = span_of(text, ID_TEXT);
	other = name;
	if (!ctl_set_add(&used->names, other, NULL)) {
		other = with_id(used->work, name, text, SHORT_ID);
		if (!ctl_set_add(&used->names, other, NULL)) {
			other = with_id(used->work, name, text, ID_TEXT);
			(void)ctl_set_add(&used->names, other, NULL);
		}
	}
	result = arena_string(used->arena, other);
	arena_reset(used->work);
	return result;
}
