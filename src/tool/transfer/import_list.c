/* SPDX-License-Identifier: ISC */
/*
 * import_list.c - lists by number, read until they are whole; lists of a
 * server that ends them at 200, asked for by ever more filters; and ids from a
 * file.
 *
 * A slice is a list with some filters fixed. A full one is split by each
 * value of each filter that it leaves open. A slice that has a complete one
 * above it (with a filter less) has nothing new, and is not asked for.
 */

#include "import_list.h"

#include "model/artifact.h"
#include "tool/output.h"
#include "tool/client/remote.h"

#include <stdlib.h>

#define FILTERS 3
#define ANY UINT32_MAX
#define PASSES 5 /* through a list by number that does not come to it */
#define SENTENCES 20 /* of lists that stay full; then their number */

enum { WORKFLOW, TYPE, PHASE };

static const char *const filter_names[FILTERS] = { "workflow", "type",
	"phase" };

struct slice {
	uint32_t values[FILTERS]; /* numbers in values, or ANY */
	uint32_t tried[FILTERS];  /* so many values were split by */
	bool is_full;
	bool has_full_below; /* of the same workflow */
};

struct listing {
	struct ctl_http *http;
	struct import_list *list;
	struct arena *arena;
	enum import_form form;
	bool is_given;	  /* the workflows are */
	bool is_unsteady; /* one never came to the number that it told */
	size_t capacity;
	struct import_set values[FILTERS];
	struct import_set keys; /* values of each slice, as bytes */
	struct slice *slices;
	size_t slice_capacity;
	uint64_t count; /* of the list at hand */
};

/* ---- what a list brings ---- */

static void
add_found(struct listing *listing, const struct ctl_artifact *artifact)
{
	struct import_list *list = listing->list;
	size_t size = sizeof(list->found[0]);
	size_t capacity = listing->capacity, number;
	uint64_t created = IMPORT_UNTIMED;

	if (!import_set_add(&list->ids, artifact->id, &number))
		return;
	if (artifact->created.data != NULL &&
	    !moment_parse(artifact->created, &created))
		created = IMPORT_UNTIMED; /* the detail says what is wrong */
	if (list->count == capacity) {
		listing->capacity = capacity == 0 ? 1024 : 2 * capacity;
		list->found = arena_resize(listing->arena, list->found,
		    capacity * size, listing->capacity * size);
	}
	list->found[list->count++] =
	    (struct import_found){ (uint32_t)number, created };
}

/* What cannot be a filter splits nothing. */
static void
add_value(struct listing *listing, int filter, struct span value)
{
	if (value.size > 0 && span_find(value, '\0') == value.size)
		import_set_add(&listing->values[filter], value, NULL);
}

static int
visit(void *context, struct arena *arena, const struct ctl_artifact *artifact)
{
	struct listing *listing = context;

	(void)arena; /* what is kept is copied */
	listing->count++;
	add_found(listing, artifact);
	if (!listing->is_given)
		add_value(listing, WORKFLOW, artifact->workflow);
	add_value(listing, TYPE, artifact->type);
	add_value(listing, PHASE, artifact->phase);
	return CTL_OK;
}

/* ---- pages by number ---- */

/* One of them. */
struct numbered {
	struct span *items;
	size_t count;
	uint64_t total; /* of the whole list */
};

static bool
read_numbered(
    struct arena *arena, struct span body, struct numbered *ret_page)
{
	struct json_document document;
	struct numbered page;
	struct faults faults;
	struct span items;

	faults_init(&faults, arena);
	if (json_read(arena, body, &faults, &document) != JSON_VALID ||
	    faults.count > 0)
		return false;
	items = json_get_source(&document, "artifacts");
	if (items.data == NULL ||
	    !json_read_items(arena, items, &page.items, &page.count) ||
	    !json_get_number(&document, "total", &page.total))
		return false;
	*ret_page = page;
	return true;
}

bool
import_list_form(struct arena *arena, const struct ctl_http_answer *answer,
    enum import_form *ret_form)
{
	struct numbered page;
	struct span *items;
	size_t count;

	if (json_read_items(arena, answer->body, &items, &count)) {
		*ret_form = ctl_http_header(answer, "Link").data != NULL
				? IMPORT_LINKED
				: IMPORT_FIRST_ONLY;
		return true;
	}
	*ret_form = IMPORT_NUMBERED;
	return read_numbered(arena, answer->body, &page);
}

/* Once through the pages of a list. */
struct pass {
	struct import_set ids;
	uint64_t total;	 /* as the first page told */
	bool is_changed; /* another page told another one */
};

static int
take_page(struct listing *listing, const struct ctl_filter *filter,
    uint64_t number, struct arena *arena, struct pass *pass)
{
	struct ctl_artifact artifact;
	struct ctl_http_answer answer;
	struct numbered page;
	struct buffer path;
	int exit_code;
	size_t i;

	buffer_init(&path, arena);
	buffer_append(&path, SPAN("/artifacts?"));
	ctl_filter_append(&path, filter);
	buffer_printf(&path, "limit=%d&page=%llu", LIMIT_PAGE,
	    (unsigned long long)number);
	exit_code =
	    ctl_http_get(listing->http, buffer_span(&path), arena, &answer);
	if (exit_code != CTL_OK)
		return exit_code;
	if (!read_numbered(arena, answer.body, &page))
		return ctl_remote_strange(listing->http);
	if (number == 1)
		pass->total = page.total;
	pass->is_changed |= page.total != pass->total;
	for (i = 0; i < page.count; i++) {
		if (!ctl_artifact_read(arena, page.items[i], &artifact))
			return ctl_remote_strange(listing->http);
		(void)visit(listing, arena, &artifact); /* CTL_OK */
		(void)import_set_add(&pass->ids, artifact.id, NULL);
	}
	return CTL_OK;
}

/*
 * To the page that brings nothing new: there is none behind it, whatever the
 * server says, and one that knows no numbers of pages sends the first again.
 */
static int
take_pages(struct listing *listing, const struct ctl_filter *filter,
    struct arena *arena, struct pass *pass)
{
	struct arena *of_page = arena_open();
	uint64_t number = 0;
	int exit_code;
	size_t before;

	*pass = (struct pass){ 0 };
	import_set_init(&pass->ids, arena);
	do {
		before = pass->ids.count;
		exit_code =
		    take_page(listing, filter, ++number, of_page, pass);
		arena_reset(of_page);
	} while (exit_code == CTL_OK && pass->ids.count > before);
	arena_close(of_page);
	return exit_code;
}

/* Until it comes to its number; what an earlier pass found counts too. */
static int
ask_numbered(struct listing *listing, const struct ctl_filter *filter)
{
	struct arena *arena = arena_open();
	struct pass pass = { .is_changed = true };
	int exit_code = CTL_OK, passes;

	for (passes = 0; passes < PASSES && exit_code == CTL_OK; passes++) {
		arena_reset(arena);
		exit_code = take_pages(listing, filter, arena, &pass);
		if (!pass.is_changed && pass.ids.count == pass.total)
			break;
	}
	if (passes == PASSES && exit_code == CTL_OK) {
		(void)ctl_fail("a list of %llu artifacts came to %zu, the last "
			       "of %d times that it was read: repeat the "
			       "import while nobody creates or deletes there",
		    (unsigned long long)pass.total, pass.ids.count,
		    PASSES); /* at the end */
		listing->is_unsteady = true;
	}
	arena_close(arena);
	return exit_code;
}

/* ---- slices ---- */

static struct span
key_of(const struct slice *slice)
{
	return span_of(slice->values, sizeof(slice->values));
}

static const char *
value_text(const struct listing *listing, const struct slice *slice, int filter)
{
	if (slice->values[filter] == ANY)
		return NULL;
	return arena_string(listing->arena,
	    listing->values[filter].texts[slice->values[filter]]);
}

static int
ask(struct listing *listing, struct slice slice)
{
	struct ctl_filter filter = { 0 };
	size_t capacity = listing->slice_capacity, number;
	bool has_more;
	int exit_code;

	filter.workflow = value_text(listing, &slice, WORKFLOW);
	filter.type = value_text(listing, &slice, TYPE);
	filter.phase = value_text(listing, &slice, PHASE);
	listing->count = 0;
	if (listing->form == IMPORT_NUMBERED)
		exit_code = ask_numbered(listing, &filter);
	else
		exit_code = ctl_remote_list(
		    listing->http, &filter, 0, visit, listing, &has_more);
	if (exit_code != CTL_OK)
		return exit_code;
	slice.is_full = listing->form == IMPORT_FIRST_ONLY &&
			listing->count >= LIMIT_PAGE;
	memset(slice.tried, 0, sizeof(slice.tried));
	import_set_add(&listing->keys, key_of(&slice), &number);
	if (number == capacity) {
		listing->slice_capacity = capacity == 0 ? 64 : 2 * capacity;
		listing->slices = arena_resize(listing->arena, listing->slices,
		    capacity * sizeof(slice),
		    listing->slice_capacity * sizeof(slice));
	}
	listing->slices[number] = slice;
	return CTL_OK;
}

static int
level_of(const struct slice *slice)
{
	int level = 0, i;

	for (i = 0; i < FILTERS; i++)
		level += slice->values[i] != ANY;
	return level;
}

/* Is every slice with one filter less full? One that was not asked for has
 * a complete one above it. */
static bool
is_worth_asking(const struct listing *listing, const struct slice *slice)
{
	struct slice above;
	size_t number;
	int i;

	for (i = 0; i < FILTERS; i++) {
		if (slice->values[i] == ANY)
			continue;
		above = *slice;
		above.values[i] = ANY;
		if (listing->is_given && above.values[WORKFLOW] == ANY)
			continue; /* never asked for */
		if (!import_set_find(&listing->keys, key_of(&above), &number) ||
		    !listing->slices[number].is_full)
			return false;
	}
	return true;
}

/* By the values that were known when this round began. */
static int
split(struct listing *listing, size_t number, const uint32_t known[FILTERS])
{
	struct slice child;
	int exit_code = CTL_OK, i;
	uint32_t *tried;
	size_t there;

	for (i = 0; i < FILTERS; i++) {
		if (listing->slices[number].values[i] != ANY)
			continue;
		while (listing->slices[number].tried[i] < known[i]) {
			tried = &listing->slices[number].tried[i];
			child = listing->slices[number];
			child.values[i] = (*tried)++;
			if (import_set_find(
				&listing->keys, key_of(&child), &there) ||
			    !is_worth_asking(listing, &child))
				continue;
			exit_code = ask(listing, child);
			if (exit_code != CTL_OK)
				return exit_code;
		}
	}
	return exit_code;
}

static size_t
values_known(const struct listing *listing)
{
	size_t count = 0;
	int i;

	for (i = 0; i < FILTERS; i++)
		count += listing->values[i].count;
	return count;
}

/* Once through all levels: what stands above is asked for first. */
static int
split_round(struct listing *listing)
{
	uint32_t known[FILTERS];
	int exit_code = CTL_OK, level, i;
	size_t number;

	for (i = 0; i < FILTERS; i++)
		known[i] = (uint32_t)listing->values[i].count;
	for (level = 0; level < FILTERS; level++)
		for (number = 0;
		     number < listing->keys.count && exit_code == CTL_OK;
		     number++)
			if (listing->slices[number].is_full &&
			    level_of(&listing->slices[number]) == level)
				exit_code = split(listing, number, known);
	return exit_code;
}

static int
ask_first(struct listing *listing)
{
	struct slice slice = { .values = { ANY, ANY, ANY } };
	int exit_code = CTL_OK;
	uint32_t i;

	if (!listing->is_given)
		return ask(listing, slice);
	for (i = 0; i < listing->values[WORKFLOW].count && exit_code == CTL_OK;
	     i++) {
		slice.values[WORKFLOW] = i;
		exit_code = ask(listing, slice);
	}
	return exit_code;
}

static int
ask_all(struct listing *listing)
{
	int exit_code = ask_first(listing);
	size_t known;

	do {
		known = values_known(listing);
		if (exit_code == CTL_OK)
			exit_code = split_round(listing);
	} while (exit_code == CTL_OK && values_known(listing) > known);
	return exit_code;
}

/* ---- what may be missing ---- */

/* "workflow "w", type "t"" */
static struct span
describe(struct listing *listing, const struct slice *slice)
{
	struct buffer text;
	struct span value;
	int i;

	buffer_init(&text, listing->arena);
	for (i = 0; i < FILTERS; i++) {
		if (slice->values[i] == ANY)
			continue;
		value = ctl_visible(
		    listing->arena, listing->values[i].texts[slice->values[i]]);
		buffer_printf(&text, "%s%s \"%.*s\"",
		    text.size == 0 ? "" : ", ", filter_names[i],
		    (int)value.size, value.data);
	}
	return buffer_span(&text);
}

static void
mark_above(struct listing *listing, const struct slice *slice)
{
	struct slice above;
	size_t number;
	int i;

	for (i = WORKFLOW + 1; i < FILTERS; i++) {
		if (slice->values[i] == ANY)
			continue;
		above = *slice;
		above.values[i] = ANY;
		if (import_set_find(&listing->keys, key_of(&above), &number))
			listing->slices[number].has_full_below = true;
	}
}

/* Full, and none below it, of the same workflow, that says it better. */
static bool
is_to_be_said(const struct slice *slice)
{
	return slice->is_full && slice->values[WORKFLOW] != ANY &&
	       !slice->has_full_below;
}

static size_t
say_full(struct listing *listing)
{
	size_t number, said = 0;
	struct span text;

	for (number = 0; number < listing->keys.count; number++)
		if (listing->slices[number].is_full)
			mark_above(listing, &listing->slices[number]);
	for (number = 0; number < listing->keys.count; number++) {
		if (!is_to_be_said(&listing->slices[number]) ||
		    ++said > SENTENCES)
			continue;
		text = describe(listing, &listing->slices[number]);
		(void)ctl_fail("the list of %.*s is full with %d: there may be "
			       "more, which the server does not tell",
		    (int)text.size, text.data, LIMIT_PAGE); /* at the end */
	}
	if (said > SENTENCES)
		(void)ctl_fail("%zu more such lists are full",
		    said - SENTENCES); /* at the end */
	return said;
}

static bool
is_complete(struct listing *listing)
{
	bool is_full = !listing->is_given && listing->slices[0].is_full;

	if (listing->is_unsteady)
		return false;
	if (say_full(listing) > 0)
		is_full = true;
	if (!is_full)
		return true;
	if (!listing->is_given)
		(void)ctl_fail("the server ends its lists at %d, and this "
			       "one is full: of workflows that show in none "
			       "of the %zu lists asked for, artifacts may be "
			       "missing",
		    LIMIT_PAGE, listing->keys.count); /* at the end */
	(void)ctl_fail("whether that is all cannot be known; name what there "
		       "is with --ids, for instance from its database: "
		       "SELECT id FROM artifacts"); /* at the end */
	return false;
}

/* ---- the order ---- */

/*
 * Oldest first; of one moment, what the server listed later, which lists the
 * newest first: the store gives them moments that rise.
 */
static int
compare_found(const void *one, const void *other)
{
	const struct import_found *first = one;
	const struct import_found *second = other;

	if (first->created != second->created)
		return first->created < second->created ? -1 : 1;
	return (first->number < second->number) -
	       (first->number > second->number);
}

static void
take_given(const struct ctl *ctl, struct listing *listing)
{
	const char *value;
	size_t index = 0;

	while ((value = ctl_next_value(ctl, "workflow", &index)) != NULL) {
		add_value(listing, WORKFLOW, span_str(value));
		listing->is_given = true;
	}
}

int
import_list_ask(const struct ctl *ctl, struct ctl_http *http,
    enum import_form form, struct arena *arena, struct import_list *ret_list)
{
	struct listing listing = { .http = http,
		.arena = arena,
		.list = ret_list,
		.form = form };
	int exit_code, i;

	*ret_list = (struct import_list){ 0 };
	import_set_init(&ret_list->ids, arena);
	import_set_init(&listing.keys, arena);
	for (i = 0; i < FILTERS; i++)
		import_set_init(&listing.values[i], arena);
	take_given(ctl, &listing);
	exit_code = ask_all(&listing);
	if (exit_code != CTL_OK)
		return exit_code;
	ret_list->is_complete = is_complete(&listing);
	qsort(ret_list->found, ret_list->count, sizeof(ret_list->found[0]),
	    compare_found);
	return CTL_OK;
}

/* ---- ids from a file ---- */

static void
read_lines(FILE *file, struct import_list *list)
{
	char *line = NULL;
	size_t capacity = 0;
	ssize_t size;
	struct span text;

	while ((size = getline(&line, &capacity, file)) > 0) {
		text = span_of(line, (size_t)size);
		while (text.size > 0 &&
		       strchr(" \t\r\n", text.data[text.size - 1]) != NULL)
			text.size--;
		text = span_trim(text);
		if (text.size > 0)
			import_set_add(&list->ids, text, NULL);
	}
	free(line);
}

int
import_list_read(FILE *file, struct arena *arena, struct import_list *ret_list)
{
	size_t i;

	*ret_list = (struct import_list){ .is_complete = true };
	import_set_init(&ret_list->ids, arena);
	read_lines(file, ret_list);
	if (ferror(file))
		return ctl_fail("the ids cannot be read to their end");
	ret_list->count = ret_list->ids.count;
	ret_list->found =
	    arena_alloc(arena, ret_list->count * sizeof(ret_list->found[0]));
	for (i = 0; i < ret_list->count; i++)
		ret_list->found[i] =
		    (struct import_found){ (uint32_t)i, IMPORT_UNTIMED };
	return CTL_OK;
}
