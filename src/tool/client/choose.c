/* SPDX-License-Identifier: ISC */
/*
 * choose.c - from ids, or a filter, to artifacts. Each id is looked up, many at
 * once: it may be the start of one, and its title is wanted.
 */

#include "choose.h"

#include "http_text.h"
#include "name.h"
#include "tool/set.h"
#include "protocol/header.h"

#include <fnmatch.h>
#include <stdlib.h>

#define ROOM_FIRST 1024
#define BETWEEN " \t\r\n"

/* ---- what is chosen ---- */

static void
lose(struct ctl_choice *choice, int exit_code)
{
	choice->worst = ctl_worse(choice->worst, exit_code);
	choice->lost++;
}

/* Make room for so many items, the new ones all zero. */
static void
reserve(struct ctl_choice *choice, size_t count)
{
	size_t size = sizeof(choice->items[0]);
	size_t room = choice->room == 0 ? ROOM_FIRST : choice->room;

	if (count <= choice->room)
		return;
	while (room < count)
		room *= 2;
	choice->items = arena_resize(
	    choice->arena, choice->items, choice->room * size, room * size);
	memset(choice->items + choice->room, 0, (room - choice->room) * size);
	choice->room = room;
}

static int
fill_in(struct ctl_choice *choice, struct ctl_http *http, struct arena *arena,
    const struct filter *filter, const struct ctl_artifact *artifact,
    struct ctl_chosen *ret_chosen)
{
	if (!id_parse(artifact->id, &ret_chosen->id))
		return ctl_remote_strange(http);
	ret_chosen->size = artifact->size;
	if (!choice->is_to_go)
		ret_chosen->title = arena_string(choice->arena,
		    artifact->title.data == NULL ? SPAN("") : artifact->title);
	if (choice->output != NULL)
		ctl_remote_row(http, arena, choice->output, filter, artifact);
	return CTL_OK;
}

void
ctl_choose_row(struct ctl_output *output, const struct ctl_chosen *chosen,
    struct span path)
{
	struct arena *arena = arena_open();
	struct ctl_row *row = ctl_row(arena);

	ctl_row_text(row, "id", span_str(ctl_remote_id(arena, &chosen->id)));
	ctl_row_text(row, "file", path);
	ctl_row_size(row, "size_bytes", chosen->size);
	ctl_row_hash(row, "content_hash", chosen->hash);
	ctl_output_row(output, row);
	arena_close(arena);
}

/* ---- ids ---- */

int
ctl_choose_ids_alone(const struct ctl *ctl, const struct ctl_option *filters)
{
	for (; filters->name != NULL; filters++)
		if (ctl_has(ctl, filters->name))
			return ctl_usage(ctl, "ids and --%s exclude each other",
			    filters->name);
	return CTL_OK;
}

struct lookup {
	struct ctl_http *http;
	struct ctl_choice *choice;
	struct buffer names; /* const char * */
	size_t count;
	size_t next;
	bool *is_there; /* of each item of the choice, which are as many */
};

static int
add_name(struct lookup *lookup, const char *name)
{
	buffer_append(&lookup->names, span_of(&name, sizeof(name)));
	lookup->count++;
	return ctl_remote_check_id(ctl_http_ctl(lookup->http), name);
}

/*
 * The first word of each line that has one: list prints ids first, and behind
 * them a tab or, on a terminal, spaces.
 */
static int
add_lines(struct lookup *lookup)
{
	int exit_code = CTL_OK;
	char *line = NULL, *word;
	size_t room = 0;

	while (exit_code == CTL_OK && getline(&line, &room, stdin) > 0) {
		word = line + strspn(line, BETWEEN);
		word[strcspn(word, BETWEEN)] = '\0';
		if (*word != '\0')
			exit_code =
			    add_name(lookup, arena_string(lookup->choice->arena,
						 span_str(word)));
	}
	free(line);
	return exit_code;
}

static int
read_names(struct lookup *lookup)
{
	const struct ctl *ctl = ctl_http_ctl(lookup->http);
	int exit_code = CTL_OK;
	size_t i;

	for (i = 0; i < ctl->operand_count && exit_code == CTL_OK; i++)
		exit_code = strcmp(ctl->operands[i], "-") == 0
				? add_lines(lookup)
				: add_name(lookup, ctl->operands[i]);
	return exit_code;
}

static bool
next_lookup(void *context, struct arena *arena, void **ret_item,
    struct ctl_http_request *ret_request)
{
	struct lookup *lookup = context;
	const char **names = (void *)lookup->names.data;

	if (lookup->next == lookup->count)
		return false;
	*ret_item = &lookup->choice->items[lookup->next];
	*ret_request = ctl_remote_request(arena, names[lookup->next++], false);
	ret_request->may_be_missing = true;
	return true;
}

static int
end_lookup(void *context, void *item, const struct ctl_http_end *end)
{
	struct lookup *lookup = context;
	struct ctl_choice *choice = lookup->choice;
	struct ctl_chosen *chosen = item;
	struct ctl_artifact artifact;
	struct span detail;
	int exit_code;

	if (end->answer == NULL) {
		lose(choice, end->exit_code);
		return end->is_hopeless || choice->is_to_go ? end->exit_code
							    : CTL_OK;
	}
	if (end->answer->status == 404) {
		detail = ctl_remote_text(end->arena, end->answer, "detail");
		if (detail.data == NULL)
			detail = SPAN("Artifact not found");
		lose(choice, ctl_error(CTL_NOT_FOUND, "%s",
				 ctl_visible(end->arena, detail).data));
		return CTL_OK;
	}
	exit_code = ctl_remote_read_detail(
	    lookup->http, end->arena, end->answer, &artifact);
	if (exit_code == CTL_OK)
		exit_code = fill_in(
		    choice, lookup->http, end->arena, NULL, &artifact, chosen);
	lookup->is_there[chosen - choice->items] = exit_code == CTL_OK;
	return exit_code;
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

int
ctl_choose_ids(struct ctl_http *http, struct ctl_choice *choice)
{
	struct lookup lookup = { .http = http, .choice = choice };
	const struct ctl_http_many many = {
		.context = &lookup, .next = next_lookup, .ended = end_lookup
	};
	int exit_code;

	buffer_init(&lookup.names, choice->arena);
	exit_code = read_names(&lookup);
	if (exit_code != CTL_OK)
		return exit_code;
	reserve(choice, lookup.count);
	lookup.is_there = arena_alloc(
	    choice->arena, lookup.count * sizeof(lookup.is_there[0]));
	exit_code = ctl_http_many(http, &many);
	if (exit_code == CTL_OK)
		keep_found(&lookup);
	return exit_code;
}

/* ---- a filter ---- */

struct listing {
	struct ctl_http *http;
	const struct ctl_which *which;
	struct ctl_choice *choice;
	uint64_t seen;
};

/* Times are compared as texts: created_at has one form, which sorts by time. */
static bool
is_old(const struct listing *listing, struct span created)
{
	uint64_t now = (uint64_t)ctl_http_time(listing->http);
	char limit[MOMENT_TEXT + 1];

	if (listing->which->older_than == 0)
		return true;
	if (listing->which->older_than > now)
		return false;
	moment_format((now - listing->which->older_than) * 1000000, limit);
	return memcmp(created.data, limit, MOMENT_TEXT) < 0;
}

/* Lists come newest first, so the newest that are kept are the first. */
static int
add_listed(
    void *context, struct arena *arena, const struct ctl_artifact *artifact)
{
	struct listing *listing = context;
	const struct ctl_which *which = listing->which;
	struct ctl_choice *choice = listing->choice;
	int exit_code;

	if (choice->is_to_go && artifact->created.size != MOMENT_TEXT)
		return ctl_remote_strange(listing->http);
	if (listing->seen++ < which->keep_newest ||
	    !is_old(listing, artifact->created))
		return CTL_OK;
	if (which->title != NULL &&
	    (artifact->title.data == NULL ||
		fnmatch(which->title, arena_string(arena, artifact->title),
		    0) != 0))
		return CTL_OK;
	reserve(choice, choice->count + 1);
	exit_code = fill_in(choice, listing->http, arena, &which->members,
	    artifact, &choice->items[choice->count]);
	if (exit_code == CTL_OK)
		choice->bytes += choice->items[choice->count++].size;
	return exit_code;
}

int
ctl_choose_listed(struct ctl_http *http, const struct ctl_which *which,
    struct ctl_choice *choice)
{
	struct listing listing = {
		.http = http, .which = which, .choice = choice
	};
	bool has_more;

	return ctl_remote_list(
	    http, &which->members, 0, add_listed, &listing, &has_more);
}

int
ctl_choose(struct ctl_http *http, struct ctl_choice *choice)
{
	static const struct ctl_option options[] = { CTL_CHOICE, { 0 } };
	const struct ctl *ctl = ctl_http_ctl(http);
	struct ctl_which which = { .title = ctl_value(ctl, "name") };
	bool is_narrow;
	int exit_code;

	if (ctl->operand_count > 0) {
		exit_code = ctl_choose_ids_alone(ctl, options);
		return exit_code == CTL_OK ? ctl_choose_ids(http, choice)
					   : exit_code;
	}
	exit_code = ctl_filter_read(ctl, &which.members);
	if (exit_code != CTL_OK)
		return exit_code;
	is_narrow = filter_is_narrow(&which.members) || which.title != NULL;
	if (!is_narrow && !ctl_has(ctl, "all"))
		return ctl_usage(ctl,
		    "which artifacts? It needs an ID, or a filter such as "
		    "-w; --all has to be said if it is all of them");
	if (is_narrow && ctl_has(ctl, "all"))
		return ctl_usage(
		    ctl, "--all and what narrows it exclude each other");
	return ctl_choose_listed(http, &which, choice);
}

/* ---- names ---- */

struct naming {
	struct ctl_choice *choice;
	size_t next;
	struct span *filenames; /* of each item; data NULL: none */
};

static bool
next_head(void *context, struct arena *arena, void **ret_item,
    struct ctl_http_request *ret_request)
{
	struct naming *naming = context;
	struct ctl_chosen *chosen;

	if (naming->next == naming->choice->count)
		return false;
	chosen = &naming->choice->items[naming->next++];
	*ret_item = chosen;
	*ret_request = (struct ctl_http_request){ .method = "HEAD",
		.path = ctl_remote_path(
		    arena, ctl_remote_id(arena, &chosen->id), "/raw"),
		.may_be_missing = true, /* deleted meanwhile */
		.is_any_type = true };
	return true;
}

static int
end_head(void *context, void *item, const struct ctl_http_end *end)
{
	struct naming *naming = context;
	struct ctl_choice *choice = naming->choice;
	struct ctl_chosen *chosen = item;
	const char *id = ctl_remote_id(end->arena, &chosen->id);
	uint8_t hash[DIGEST_SHA256_SIZE];

	if (end->answer == NULL) {
		lose(choice, end->exit_code);
		return end->is_hopeless ? end->exit_code : CTL_OK;
	}
	if (end->answer->status == 404) {
		lose(choice,
		    ctl_error(CTL_NOT_FOUND, "%s was deleted meanwhile", id));
		return CTL_OK;
	}
	if (header_digest(ctl_http_header(end->answer, "Repr-Digest"), hash) !=
	    RESULT_OK) {
		lose(choice,
		    ctl_error(CTL_INTEGRITY,
			"the server tells no SHA-256 of %s in Repr-Digest",
			id));
		return CTL_OK;
	}
	chosen->hash = arena_alloc(choice->arena, sizeof(hash));
	memcpy(chosen->hash, hash, sizeof(hash));
	naming->filenames[chosen - choice->items] = arena_copy(choice->arena,
	    ctl_http_filename(end->arena,
		ctl_http_header(end->answer, "Content-Disposition")));
	return CTL_OK;
}

int
ctl_choose_names(struct ctl_http *http, struct ctl_choice *choice)
{
	struct naming naming = { .choice = choice };
	const struct ctl_http_many many = {
		.context = &naming, .next = next_head, .ended = end_head
	};
	struct ctl_used *used = ctl_used_open(choice->arena);
	struct ctl_chosen *chosen;
	size_t count = choice->count, i;
	int exit_code;

	naming.filenames =
	    arena_alloc(choice->arena, count * sizeof(naming.filenames[0]));
	exit_code = ctl_http_many(http, &many);
	if (exit_code != CTL_OK)
		return exit_code;
	choice->count = 0;
	choice->bytes = 0;
	for (i = 0; i < count; i++) {
		if (choice->items[i].hash == NULL)
			continue;
		chosen = &choice->items[choice->count++];
		*chosen = choice->items[i];
		choice->bytes += chosen->size;
		chosen->path = ctl_used_name(
		    used, chosen->title, naming.filenames[i], &chosen->id);
	}
	return CTL_OK;
}
