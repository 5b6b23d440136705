/* SPDX-License-Identifier: ISC */
/*
 * rm_select.c - which artifacts a filter means, and deleting them.
 *
 * Lists come newest first, so the newest that are kept are the first that
 * a filter names. Of each only id and size are held: 24 bytes.
 */

#include "rm.h"

#define ROOM_FIRST 1024

/* ---- the filter ---- */

/* Nothing narrows it. A 0 was meant to: then that is what is wrong. */
static int
ask_which(const struct ctl *ctl)
{
	static const char *const names[] = { "older-than", "keep-newest" };
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (ctl_has(ctl, names[i]))
			return ctl_usage(ctl,
			    "--%s of \"%s\" leaves none out; give it more, or "
			    "add a filter such as -w, or say --all alone if "
			    "it is all of them",
			    names[i], ctl_value(ctl, names[i]));
	return ctl_usage(
	    ctl, "which artifacts? --all has to be said if it is all of them");
}

int
ctl_rm_filter(const struct ctl *ctl, struct ctl_rm_filter *ret_filter)
{
	struct ctl_rm_filter filter = { 0 };
	bool is_narrow;
	int exit_code;

	exit_code = ctl_filter_read(ctl, &filter.members);
	if (exit_code == CTL_OK)
		exit_code = ctl_seconds(ctl, "older-than", &filter.older_than);
	if (exit_code == CTL_OK)
		exit_code = ctl_number(
		    ctl, "keep-newest", 0, UINT64_MAX, &filter.keep_newest);
	if (exit_code != CTL_OK)
		return exit_code;
	is_narrow =
	    filter.members.workflow != NULL || filter.members.phase != NULL ||
	    filter.members.type != NULL || filter.members.session != NULL ||
	    filter.older_than > 0 || filter.keep_newest > 0;
	if (!is_narrow && !ctl_has(ctl, "all"))
		return ask_which(ctl);
	if (is_narrow && ctl_has(ctl, "all"))
		return ctl_usage(
		    ctl, "--all and what narrows it exclude each other");
	*ret_filter = filter;
	return CTL_OK;
}

/* Take a word off the line, its quotes taken away; false: no end quote. */
static bool
take_word(struct span *line, struct buffer *word)
{
	char quote = '\0';
	size_t i;

	for (i = 0; i < line->size; i++) {
		if (quote != '\0' && line->data[i] == quote)
			quote = '\0';
		else if (quote == '\0' &&
			 (line->data[i] == '"' || line->data[i] == '\''))
			quote = line->data[i];
		else if (quote == '\0' &&
			 (line->data[i] == ' ' || line->data[i] == '\t'))
			break;
		else
			buffer_append_byte(word, line->data[i]);
	}
	*line = span_trim(span_from(*line, i));
	return quote == '\0';
}

#define WORDS 64

static int
split_words(
    struct arena *arena, const char *line, char **ret_words, int *ret_count)
{
	struct span rest = span_trim(span_str(line));
	struct buffer word;
	int count = 0;

	ret_words[count++] = arena_string(arena, SPAN("artifactctl"));
	ret_words[count++] = arena_string(arena, SPAN("rm"));
	while (rest.size > 0) {
		buffer_init(&word, arena);
		if (count == WORDS || !take_word(&rest, &word))
			return ctl_error(CTL_USAGE,
			    "\"%.200s\" has a quote without its end, or too "
			    "many words",
			    line);
		ret_words[count++] = arena_string(arena, buffer_span(&word));
	}
	ret_words[count] = NULL;
	*ret_count = count;
	return CTL_OK;
}

/* The first that is not of CTL_RM_FILTERS, or NULL. */
static const char *
other_option(const struct ctl *line)
{
	static const struct ctl_option filters[] = { CTL_RM_FILTERS };
	const size_t count = sizeof(filters) / sizeof(filters[0]);
	size_t i, j;

	for (i = 0; i < line->given_count; i++) {
		for (j = 0; j < count; j++)
			if (strcmp(line->given[i].option->name,
				filters[j].name) == 0)
				break;
		if (j == count)
			return line->given[i].option->name;
	}
	return NULL;
}

/* Read as the command line of an rm; only what says which is taken. */
static int
read_line(const struct ctl *ctl, const char *line, struct ctl *ret_line)
{
	char **words = arena_alloc(ctl->arena, (WORDS + 1) * sizeof(words[0]));
	const char *other;
	bool is_help = false;
	int count, exit_code;

	exit_code = split_words(ctl->arena, line, words, &count);
	if (exit_code != CTL_OK)
		return exit_code;
	*ret_line = (struct ctl){ .arena = ctl->arena };
	exit_code = ctl_read(count, words, ret_line, &is_help);
	if (exit_code != CTL_OK)
		return exit_code;
	if (ret_line->command == NULL || is_help || ret_line->operand_count > 0)
		return ctl_error(CTL_USAGE,
		    "\"%.200s\" has to be options of rm that say which", line);
	other = other_option(ret_line);
	if (other != NULL)
		return ctl_error(CTL_USAGE,
		    "--%s does not say which; it does not belong into "
		    "\"%.200s\"",
		    other, line);
	return CTL_OK;
}

int
ctl_rm_parse(
    const struct ctl *ctl, const char *line, struct ctl_rm_filter *ret_filter)
{
	struct ctl read;
	int exit_code;

	exit_code = read_line(ctl, line, &read);
	return exit_code == CTL_OK ? ctl_rm_filter(&read, ret_filter)
				   : exit_code;
}

/* ---- what it selects ---- */

void
ctl_rm_init(struct ctl_rm_selection *selection)
{
	*selection = (struct ctl_rm_selection){ .arena = arena_open() };
}

void
ctl_rm_release(struct ctl_rm_selection *selection)
{
	arena_close(selection->arena);
}

int
ctl_rm_add(struct ctl_http *http, struct ctl_rm_selection *selection,
    const struct ctl_artifact *artifact)
{
	size_t size = sizeof(selection->items[0]);
	struct ctl_rm_item item = { .size = artifact->size };
	size_t room;

	if (!id_parse(artifact->id, &item.id))
		return ctl_remote_strange(http);
	if (selection->count == selection->room) {
		room = selection->room == 0 ? ROOM_FIRST : selection->room * 2;
		selection->items = arena_resize(selection->arena,
		    selection->items, size * selection->room, size * room);
		selection->room = room;
	}
	selection->items[selection->count++] = item;
	selection->bytes += item.size;
	return CTL_OK;
}

struct sieve {
	struct ctl_http *http;
	const struct ctl_rm_filter *filter;
	struct ctl_output *output;
	struct ctl_rm_selection *selection;
	uint64_t seen;
};

/* created_at has one form, which sorts as time does. */
static bool
is_old(const struct sieve *sieve, struct span created)
{
	uint64_t now = (uint64_t)ctl_http_time(sieve->http);
	char limit[MOMENT_TEXT + 1];

	if (sieve->filter->older_than == 0)
		return true;
	if (sieve->filter->older_than > now)
		return false;
	moment_format((now - sieve->filter->older_than) * 1000000, limit);
	return memcmp(created.data, limit, MOMENT_TEXT) < 0;
}

static int
sift(void *context, struct arena *arena, const struct ctl_artifact *artifact)
{
	struct sieve *sieve = context;

	if (artifact->created.size != MOMENT_TEXT)
		return ctl_remote_strange(sieve->http);
	if (sieve->seen++ < sieve->filter->keep_newest ||
	    !is_old(sieve, artifact->created))
		return CTL_OK;
	if (sieve->output != NULL)
		ctl_remote_row(sieve->http, arena, sieve->output,
		    &sieve->filter->members, artifact);
	return ctl_rm_add(sieve->http, sieve->selection, artifact);
}

int
ctl_rm_select(struct ctl_http *http, const struct ctl_rm_filter *filter,
    struct ctl_output *output, struct ctl_rm_selection *selection)
{
	struct sieve sieve = { .http = http,
		.filter = filter,
		.output = output,
		.selection = selection };
	bool has_more;

	return ctl_remote_list(
	    http, &filter->members, 0, sift, &sieve, &has_more);
}

struct span
ctl_rm_sum(struct arena *arena, const struct ctl_rm_selection *selection)
{
	struct span bytes = ctl_size_text(arena, selection->bytes);

	return arena_printf(arena, "%s, %.*s",
	    ctl_count_text(arena, selection->count, "artifact").data,
	    (int)bytes.size, bytes.data);
}

/* ---- deleting ---- */

struct sweep {
	struct ctl_rm_selection *selection;
	struct ctl_progress progress;
	size_t left; /* the oldest go first: an end in between keeps the new */
	uint64_t bytes;
	uint64_t count;
};

static bool
next_delete(void *context, struct arena *arena, void **ret_item,
    struct ctl_http_request *ret_request)
{
	struct sweep *sweep = context;
	struct ctl_rm_item *item;
	char text[ID_TEXT + 1];

	if (sweep->left == 0)
		return false;
	item = &sweep->selection->items[--sweep->left];
	*ret_item = item;
	id_format(&item->id, text);
	ret_request->method = "DELETE";
	ret_request->path = ctl_remote_path(arena, text, "");
	ret_request->is_repeatable = true;
	ret_request->may_be_missing = true;
	return true;
}

static int
note_delete(void *context, void *object, struct arena *arena,
    const struct ctl_http_answer *answer, struct ctl_http_request *ret_more)
{
	struct sweep *sweep = context;
	const struct ctl_rm_item *item = object;

	(void)arena;
	(void)ret_more;
	if (answer->status != 404)
		sweep->count++;
	sweep->bytes += item->size;
	ctl_progress_at(&sweep->progress, sweep->bytes);
	return CTL_OK;
}

int
ctl_rm_delete(struct ctl_http *http, struct ctl_rm_selection *selection,
    uint64_t *ret_count)
{
	struct sweep sweep = { .selection = selection,
		.left = selection->count };
	const struct ctl_http_many many = {
		.context = &sweep, .next = next_delete, .done = note_delete
	};
	int exit_code;

	ctl_progress_begin(
	    &sweep.progress, ctl_http_ctl(http), "deleted", selection->bytes);
	exit_code = ctl_http_many(http, &many);
	ctl_progress_end(&sweep.progress);
	*ret_count = sweep.count;
	if (exit_code != CTL_OK)
		(void)ctl_error(exit_code,
		    "%llu of %zu artifacts were deleted; the same command "
		    "goes on with the others",
		    (unsigned long long)sweep.count, selection->count);
	return exit_code;
}
