/* SPDX-License-Identifier: ISC */
/*
 * choose.c - from ids, or a filter and a pattern, to artifacts. Each id
 * is looked up, many at once: it may be the start of one, and its title is
 * wanted. Of each only id, size and title are held.
 */

#include "choose.h"

#include "http_text.h"
#include "tool/set.h"
#include "name.h"
#include "protocol/header.h"

#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>

#define ROOM_FIRST 256

/* ---- ids ---- */

static bool
is_between(char byte)
{
	return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}

/*
 * The first word of the next line that has one: list prints ids first, and
 * behind them a tab or, on a terminal, spaces.
 */
static bool
read_word(struct arena *arena, const char **ret_word)
{
	struct span word = SPAN_NONE;
	char *line = NULL;
	size_t room = 0, end;
	ssize_t size;

	while (word.size == 0 && (size = getline(&line, &room, stdin)) > 0) {
		word = span_of(line, (size_t)size);
		while (word.size > 0 && is_between(word.data[0]))
			word = span_from(word, 1);
		for (end = 0; end < word.size && !is_between(word.data[end]);
		     end++)
			;
		word.size = end;
	}
	if (word.size > 0)
		*ret_word = arena_string(arena, word);
	free(line);
	return word.size > 0;
}

bool
ctl_names_next(
    struct ctl_names *names, struct arena *arena, const char **ret_name)
{
	for (;;) {
		if (names->is_reading && read_word(arena, ret_name))
			return true;
		names->is_reading = false;
		if (names->next == names->ctl->operand_count)
			return false;
		*ret_name = names->ctl->operands[names->next++];
		if (strcmp(*ret_name, "-") != 0)
			return true;
		names->is_reading = true;
	}
}

int
ctl_ids_alone(
    const struct ctl *ctl, const struct ctl_option *filters, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (ctl_has(ctl, filters[i].name))
			return ctl_usage(ctl, "ids and --%s exclude each other",
			    filters[i].name);
	return CTL_OK;
}

void
ctl_say_missing(struct arena *arena, const struct ctl_http_answer *answer)
{
	struct json_document document;
	struct span detail = SPAN_NONE;
	struct faults faults;

	faults_init(&faults, arena);
	if (json_read(arena, answer->body, &faults, &document) == JSON_VALID &&
	    faults.count == 0)
		detail =
		    json_text_of(arena, json_get_source(&document, "detail"));
	if (detail.data == NULL)
		detail = SPAN("Artifact not found");
	detail = ctl_visible(arena, detail);
	(void)ctl_error(CTL_NOT_FOUND, "%.*s", (int)detail.size, detail.data);
}

/* ---- looking ids up ---- */

struct lookup {
	struct ctl_http *http;
	struct ctl_choice *choice;
	const char **names; /* in the order of the items */
	size_t count;
	size_t next;
	bool *is_there; /* of each item */
	bool is_over;
};

/* Read all names. Not CTL_OK: one is no id, which has been said. */
static int
read_names(const struct ctl *ctl, struct lookup *lookup)
{
	struct arena *arena = lookup->choice->arena;
	struct ctl_names names = { .ctl = ctl };
	size_t room = 0, more;
	const char *name;
	int exit_code;

	while (ctl_names_next(&names, arena, &name)) {
		exit_code = ctl_remote_check_id(ctl, name);
		if (exit_code != CTL_OK)
			return exit_code;
		if (lookup->count == room) {
			more = room == 0 ? ROOM_FIRST : room * 2;
			lookup->names = arena_resize(arena, lookup->names,
			    room * sizeof(name), more * sizeof(name));
			room = more;
		}
		lookup->names[lookup->count++] = name;
	}
	return CTL_OK;
}

static bool
next_lookup(void *context, struct arena *arena, void **ret_item,
    struct ctl_http_request *ret_request)
{
	struct lookup *lookup = context;

	if (lookup->is_over || lookup->next == lookup->count)
		return false;
	*ret_item = &lookup->choice->items[lookup->next];
	ret_request->method = "GET";
	ret_request->path = ctl_remote_path(
	    arena, lookup->names[lookup->next++], "?include_content=false");
	ret_request->may_be_missing = true;
	return true;
}

static void
lose(struct ctl_choice *choice, int exit_code)
{
	choice->worst = ctl_worse(choice->worst, exit_code);
	choice->lost++;
}

static int
fill_in(struct ctl_choice *choice, struct ctl_http *http,
    const struct ctl_artifact *artifact, struct ctl_chosen *ret_chosen)
{
	if (!id_parse(artifact->id, &ret_chosen->id))
		return ctl_remote_strange(http);
	ret_chosen->size = artifact->size;
	ret_chosen->title = arena_string(choice->arena,
	    artifact->title.data == NULL ? SPAN("") : artifact->title);
	return CTL_OK;
}

static int
note_lookup(void *context, void *item, struct arena *arena,
    const struct ctl_http_answer *answer, struct ctl_http_request *ret_more)
{
	struct lookup *lookup = context;
	struct ctl_chosen *chosen = item;
	struct ctl_artifact artifact;
	int exit_code;

	(void)ret_more;
	if (answer->status == 404) {
		ctl_say_missing(arena, answer);
		lose(lookup->choice, CTL_NOT_FOUND);
		return CTL_OK;
	}
	exit_code =
	    ctl_remote_read_detail(lookup->http, arena, answer, &artifact);
	if (exit_code == CTL_OK)
		exit_code =
		    fill_in(lookup->choice, lookup->http, &artifact, chosen);
	lookup->is_there[chosen - lookup->choice->items] = exit_code == CTL_OK;
	return exit_code;
}

static int
note_no_lookup(void *context, void *item, int exit_code, bool is_hopeless)
{
	struct lookup *lookup = context;

	(void)item;
	lose(lookup->choice, exit_code);
	return is_hopeless ? exit_code : CTL_OK;
}

/* Keep each artifact once, where it was named first: an id and the start of
 * that id name the same one. */
static void
keep_found(struct lookup *lookup)
{
	struct ctl_choice *choice = lookup->choice;
	struct ctl_chosen *chosen;
	struct ctl_set seen;
	size_t i;

	ctl_set_init(&seen, choice->arena);
	for (i = 0; i < lookup->count; i++) {
		chosen = &choice->items[i];
		if (!lookup->is_there[i] ||
		    !ctl_set_add(
			&seen, span_of(&chosen->id, sizeof(chosen->id)), NULL))
			continue;
		choice->bytes += chosen->size;
		choice->items[choice->count++] = *chosen;
	}
}

static int
look_up(const struct ctl *ctl, struct ctl_http *http, struct ctl_choice *choice)
{
	struct lookup lookup = { .http = http, .choice = choice };
	const struct ctl_http_many many = { .context = &lookup,
		.next = next_lookup,
		.done = note_lookup,
		.failed = note_no_lookup };
	int exit_code;

	exit_code = read_names(ctl, &lookup);
	if (exit_code != CTL_OK)
		return exit_code;
	choice->items =
	    arena_alloc(choice->arena, lookup.count * sizeof(choice->items[0]));
	lookup.is_there = arena_alloc(
	    choice->arena, lookup.count * sizeof(lookup.is_there[0]));
	exit_code = ctl_http_many(http, &many);
	if (exit_code == CTL_OK)
		keep_found(&lookup);
	return exit_code;
}

/* ---- a filter ---- */

struct filtering {
	struct ctl_http *http;
	struct ctl_choice *choice;
	const char *pattern; /* of titles; NULL: any */
	size_t room;
};

static int
take_listed(
    void *context, struct arena *arena, const struct ctl_artifact *artifact)
{
	struct filtering *filtering = context;
	struct ctl_choice *choice = filtering->choice;
	size_t size = sizeof(choice->items[0]);
	size_t room;
	int exit_code;

	if (filtering->pattern != NULL &&
	    (artifact->title.data == NULL ||
		fnmatch(filtering->pattern,
		    arena_string(arena, artifact->title), 0) != 0))
		return CTL_OK;
	if (choice->count == filtering->room) {
		room = filtering->room == 0 ? ROOM_FIRST : filtering->room * 2;
		choice->items = arena_resize(choice->arena, choice->items,
		    filtering->room * size, room * size);
		filtering->room = room;
	}
	exit_code = fill_in(
	    choice, filtering->http, artifact, &choice->items[choice->count]);
	if (exit_code == CTL_OK)
		choice->bytes += choice->items[choice->count++].size;
	return exit_code;
}

static int
filter(const struct ctl *ctl, struct ctl_http *http, struct ctl_choice *choice)
{
	struct filtering filtering = { .http = http,
		.choice = choice,
		.pattern = ctl_value(ctl, "name") };
	struct ctl_filter members;
	bool is_narrow, has_more;
	int exit_code;

	exit_code = ctl_filter_read(ctl, &members);
	if (exit_code != CTL_OK)
		return exit_code;
	is_narrow = ctl_filter_is_narrow(&members) || filtering.pattern != NULL;
	if (!is_narrow && !ctl_has(ctl, "all"))
		return ctl_usage(ctl,
		    "which artifacts? It needs an ID, or a filter such as "
		    "-w; --all has to be said if it is all of them");
	if (is_narrow && ctl_has(ctl, "all"))
		return ctl_usage(
		    ctl, "--all and what narrows it exclude each other");
	return ctl_remote_list(
	    http, &members, 0, take_listed, &filtering, &has_more);
}

int
ctl_choose(
    const struct ctl *ctl, struct ctl_http *http, struct ctl_choice *choice)
{
	static const struct ctl_option options[] = { CTL_CHOICE };
	int exit_code;

	if (ctl->operand_count == 0)
		return filter(ctl, http, choice);
	exit_code =
	    ctl_ids_alone(ctl, options, sizeof(options) / sizeof(options[0]));
	return exit_code == CTL_OK ? look_up(ctl, http, choice) : exit_code;
}

/* ---- names ---- */

struct naming {
	struct ctl_choice *choice;
	size_t next;
	struct span *filenames; /* of each item; data NULL: none */
	bool *is_there;
};

static bool
next_head(void *context, struct arena *arena, void **ret_item,
    struct ctl_http_request *ret_request)
{
	struct naming *naming = context;
	char text[ID_TEXT + 1];

	if (naming->next == naming->choice->count)
		return false;
	*ret_item = &naming->choice->items[naming->next];
	id_format(&naming->choice->items[naming->next++].id, text);
	ret_request->method = "HEAD";
	ret_request->path = ctl_remote_path(arena, text, "/raw");
	ret_request->may_be_missing = true; /* deleted meanwhile */
	ret_request->is_any_type = true;
	return true;
}

static int
note_head(void *context, void *item, struct arena *arena,
    const struct ctl_http_answer *answer, struct ctl_http_request *ret_more)
{
	struct naming *naming = context;
	struct ctl_choice *choice = naming->choice;
	struct ctl_chosen *chosen = item;
	size_t number = (size_t)(chosen - choice->items);
	char text[ID_TEXT + 1];

	(void)ret_more;
	id_format(&chosen->id, text);
	if (answer->status == 404) {
		lose(choice, CTL_NOT_FOUND);
		(void)ctl_error(
		    CTL_NOT_FOUND, "%s was deleted meanwhile", text);
		return CTL_OK;
	}
	if (header_digest(ctl_http_header(answer, "Repr-Digest"),
		chosen->hash) != RESULT_OK) {
		lose(choice, CTL_INTEGRITY);
		(void)ctl_error(CTL_INTEGRITY,
		    "the server tells no SHA-256 of %s in Repr-Digest", text);
		return CTL_OK;
	}
	naming->filenames[number] = arena_copy(
	    choice->arena, ctl_http_filename(arena,
			       ctl_http_header(answer, "Content-Disposition")));
	naming->is_there[number] = true;
	return CTL_OK;
}

static int
note_no_head(void *context, void *item, int exit_code, bool is_hopeless)
{
	struct naming *naming = context;

	(void)item;
	lose(naming->choice, exit_code);
	return is_hopeless ? exit_code : CTL_OK;
}

int
ctl_choose_names(struct ctl_http *http, struct ctl_choice *choice)
{
	struct naming naming = { .choice = choice };
	const struct ctl_http_many many = { .context = &naming,
		.next = next_head,
		.done = note_head,
		.failed = note_no_head };
	struct ctl_chosen *chosen;
	struct ctl_used *used;
	size_t count, i;
	int exit_code;

	naming.filenames = arena_alloc(
	    choice->arena, choice->count * sizeof(naming.filenames[0]));
	naming.is_there = arena_alloc(
	    choice->arena, choice->count * sizeof(naming.is_there[0]));
	exit_code = ctl_http_many(http, &many);
	if (exit_code != CTL_OK)
		return exit_code;
	used = ctl_used_open(choice->arena);
	count = choice->count;
	choice->count = 0;
	choice->bytes = 0;
	for (i = 0; i < count; i++) {
		if (!naming.is_there[i])
			continue;
		chosen = &choice->items[choice->count++];
		*chosen = choice->items[i];
		choice->bytes += chosen->size;
		chosen->path = ctl_used_name(
		    used, chosen->title, naming.filenames[i], &chosen->id);
	}
	return CTL_OK;
}
