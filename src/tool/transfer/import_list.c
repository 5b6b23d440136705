/* SPDX-License-Identifier: ISC */
/*
 * import_list.c - which artifacts a server has: from its lists, read until
 * they are whole where they can be, or from a file of ids.
 */

#include "import_list.h"

#include "model/artifact.h"
#include "tool/output.h"
#include "tool/client/remote.h"

#include <stdlib.h>

#define PASSES 5 /* through a list by number that does not come to it */

struct listing {
	struct ctl_http *http;
	struct import_list *list;
	struct arena *arena;
	enum import_form form;
	bool is_unsteady; /* a list never came to the number that it told */
	bool is_full;	  /* a list ended at the server's limit */
	size_t capacity;  /* of found */
	uint64_t count;	  /* of artifacts in the list at hand */
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

static int
visit(void *context, struct arena *arena, const struct ctl_artifact *artifact)
{
	struct listing *listing = context;

	(void)arena; /* what is kept is copied */
	listing->count++;
	add_found(listing, artifact);
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
read_numbered(struct arena *arena, struct span body, struct numbered *ret_page)
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
		exit_code = take_page(listing, filter, ++number, of_page, pass);
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

/* ---- all lists ---- */

/*
 * A list that ends because the server's limit is reached may be whole or not:
 * nothing in its answer tells.
 */
static void
say_full(const struct listing *listing, const char *workflow)
{
	struct span name;

	if (workflow == NULL) {
		(void)ctl_fail("the server ends its lists at %d, and this one "
			       "is full: there may be more artifacts; name "
			       "each workflow with --workflow",
		    LIMIT_PAGE); /* the command fails at its end */
		return;
	}
	name = ctl_visible(listing->arena, span_str(workflow));
	(void)ctl_fail("the list of workflow \"%.*s\" is full with %d: there "
		       "may be more, which the server does not tell",
	    (int)name.size, name.data,
	    LIMIT_PAGE); /* the command fails at its end */
}

/* The list of a workflow, or of all (NULL). */
static int
ask(struct listing *listing, const char *workflow)
{
	const struct ctl_filter filter = { .workflow = workflow };
	bool has_more;
	int exit_code;

	if (listing->form == IMPORT_NUMBERED)
		return ask_numbered(listing, &filter);
	listing->count = 0;
	exit_code = ctl_remote_list(
	    listing->http, &filter, 0, visit, listing, &has_more);
	if (exit_code == CTL_OK && listing->form == IMPORT_FIRST_ONLY &&
	    listing->count >= LIMIT_PAGE) {
		say_full(listing, workflow);
		listing->is_full = true;
	}
	return exit_code;
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

int
import_list_ask(const struct ctl *ctl, struct ctl_http *http,
    enum import_form form, struct arena *arena, struct import_list *ret_list)
{
	struct listing listing = {
		.http = http, .arena = arena, .list = ret_list, .form = form
	};
	size_t index = 0;
	const char *workflow = ctl_next_value(ctl, "workflow", &index);
	int exit_code;

	*ret_list = (struct import_list){ 0 };
	import_set_init(&ret_list->ids, arena);
	do
		exit_code = ask(&listing, workflow);
	while (exit_code == CTL_OK && workflow != NULL &&
	       (workflow = ctl_next_value(ctl, "workflow", &index)) != NULL);
	if (exit_code != CTL_OK)
		return exit_code;
	if (listing.is_full)
		(void)ctl_fail("whether that is all cannot be known; name what "
			       "there is with --ids, for instance from its "
			       "database: SELECT id FROM artifacts");
	ret_list->is_complete = !listing.is_full && !listing.is_unsteady;
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
