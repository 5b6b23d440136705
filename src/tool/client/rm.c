/* SPDX-License-Identifier: ISC */
/*
 * rm.c - rm: what goes is selected and said first, by a filter or by ids, then
 * asked for, then done.
 *
 * Lists come newest first, so the newest that are kept are the first that a
 * filter names. Of each artifact only id and size are held: 24 bytes.
 */

#include "rm.h"

#include "choose.h"

#include <stdlib.h>

#define ROOM_FIRST 1024

/* ---- the filter ---- */

/* Refuse a filter that names everything. If --older-than or --keep-newest is 0,
 * that is what is wrong. */
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

/* A filter that would select everything is refused, unless --all was given. */
static int
read_filter(const struct ctl *ctl, struct ctl_rm_filter *ret_filter)
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
	is_narrow = ctl_filter_is_narrow(&filter.members) ||
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

/* Read the line as the command line of rm. Options that do not say which
 * artifacts are refused. */
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
	return exit_code == CTL_OK ? read_filter(&read, ret_filter) : exit_code;
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

static int
add_item(struct ctl_http *http, struct ctl_rm_selection *selection,
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

struct selecting {
	struct ctl_http *http;
	const struct ctl_rm_filter *filter;
	struct ctl_output *output;
	struct ctl_rm_selection *selection;
	uint64_t seen;
};

/* Times are compared as texts: created_at has one form, which sorts by time. */
static bool
is_old(const struct selecting *selecting, struct span created)
{
	uint64_t now = (uint64_t)ctl_http_time(selecting->http);
	char limit[MOMENT_TEXT + 1];

	if (selecting->filter->older_than == 0)
		return true;
	if (selecting->filter->older_than > now)
		return false;
	moment_format((now - selecting->filter->older_than) * 1000000, limit);
	return memcmp(created.data, limit, MOMENT_TEXT) < 0;
}

static int
select_listed(
    void *context, struct arena *arena, const struct ctl_artifact *artifact)
{
	struct selecting *selecting = context;

	if (artifact->created.size != MOMENT_TEXT)
		return ctl_remote_strange(selecting->http);
	if (selecting->seen++ < selecting->filter->keep_newest ||
	    !is_old(selecting, artifact->created))
		return CTL_OK;
	if (selecting->output != NULL)
		ctl_remote_row(selecting->http, arena, selecting->output,
		    &selecting->filter->members, artifact);
	return add_item(selecting->http, selecting->selection, artifact);
}

int
ctl_rm_select(struct ctl_http *http, const struct ctl_rm_filter *filter,
    struct ctl_output *output, struct ctl_rm_selection *selection)
{
	struct selecting selecting = { .http = http,
		.filter = filter,
		.output = output,
		.selection = selection };
	bool has_more;

	return ctl_remote_list(
	    http, &filter->members, 0, select_listed, &selecting, &has_more);
}

/* ---- ids: each is asked for its size and its whole id, many at once ---- */

struct lookup {
	const struct ctl *ctl;
	struct ctl_http *http;
	struct ctl_output *output;
	struct ctl_rm_selection *selection;
	struct ctl_names names;
	bool is_wrong; /* one is no id */
	int missing;
};

static bool
next_detail(void *context, struct arena *arena, void **ret_item,
    struct ctl_http_request *ret_request)
{
	struct lookup *lookup = context;
	const char *name;

	(void)ret_item;
	if (lookup->is_wrong || !ctl_names_next(&lookup->names, arena, &name))
		return false;
	if (ctl_remote_check_id(lookup->ctl, name) != CTL_OK) {
		lookup->is_wrong = true;
		return false;
	}
	ret_request->method = "GET";
	ret_request->path =
	    ctl_remote_path(arena, name, "?include_content=false");
	ret_request->may_be_missing = true;
	return true;
}

static int
note_detail(void *context, void *item, struct arena *arena,
    const struct ctl_http_answer *answer, struct ctl_http_request *ret_more)
{
	struct lookup *lookup = context;
	struct ctl_artifact artifact;
	int exit_code;

	(void)item;
	(void)ret_more;
	if (answer->status == 404) {
		ctl_say_missing(arena, answer);
		lookup->missing = CTL_NOT_FOUND;
		return CTL_OK;
	}
	exit_code =
	    ctl_remote_read_detail(lookup->http, arena, answer, &artifact);
	if (exit_code != CTL_OK)
		return exit_code;
	if (lookup->output != NULL)
		ctl_remote_row(
		    lookup->http, arena, lookup->output, NULL, &artifact);
	return add_item(lookup->http, lookup->selection, &artifact);
}

static int
compare_items(const void *one, const void *other)
{
	return memcmp(one, other, sizeof(struct id)); /* its first member */
}

/* Keep each artifact once: an id and the start of it name the same one. */
static void
make_unique(struct ctl_rm_selection *selection)
{
	struct ctl_rm_item *items = selection->items;
	size_t count = 0;
	size_t i;

	if (selection->count == 0)
		return;
	qsort(items, selection->count, sizeof(items[0]), compare_items);
	selection->bytes = 0;
	for (i = 0; i < selection->count; i++) {
		if (count > 0 &&
		    compare_items(&items[count - 1], &items[i]) == 0)
			continue;
		selection->bytes += items[i].size;
		items[count++] = items[i];
	}
	selection->count = count;
}

static int
name_items(const struct ctl *ctl, struct ctl_http *http,
    struct ctl_output *output, struct ctl_rm_selection *selection,
    int *ret_missing)
{
	struct lookup lookup = { .ctl = ctl,
		.http = http,
		.output = output,
		.selection = selection,
		.names = { .ctl = ctl },
		.missing = CTL_OK };
	const struct ctl_http_many many = {
		.context = &lookup, .next = next_detail, .done = note_detail
	};
	int exit_code;

	exit_code = ctl_http_many(http, &many);
	if (lookup.is_wrong)
		return CTL_USAGE;
	if (exit_code != CTL_OK)
		return exit_code;
	make_unique(selection);
	*ret_missing = lookup.missing;
	return CTL_OK;
}

/* "3 artifacts, 1.4 MiB", in the arena. */
static struct span
sum_text(struct arena *arena, const struct ctl_rm_selection *selection)
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
	size_t
	    left; /* the oldest go first, so that an error leaves the newest */
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

/* ---- the command ---- */

struct removal {
	const struct ctl *ctl;
	struct ctl_http *http;
	struct ctl_rm_filter filter; /* where no ids are named */
	struct ctl_rm_selection selection;
	bool is_dry;
	FILE *terminal; /* to ask on; NULL: --yes, or a dry run */
	int missing;	/* an id was not there: CTL_NOT_FOUND */
};

/* Read the filter, unless ids are named; both together are refused. */
static int
read_which(const struct ctl *ctl, struct ctl_rm_filter *ret_filter)
{
	static const struct ctl_option filters[] = { CTL_RM_FILTERS };

	if (ctl->operand_count == 0)
		return read_filter(ctl, ret_filter);
	return ctl_ids_alone(
	    ctl, filters, sizeof(filters) / sizeof(filters[0]));
}

/* Without a terminal nobody can be asked: say so before reading anything. */
static int
open_terminal(struct removal *removal)
{
	if (removal->is_dry || ctl_has(removal->ctl, "yes"))
		return CTL_OK;
	removal->terminal = fopen("/dev/tty", "r+e");
	if (removal->terminal != NULL)
		return CTL_OK;
	return ctl_usage(removal->ctl,
	    "there is no terminal to ask on; --yes deletes without asking, "
	    "--dry-run only shows");
}

static int
ask(const struct removal *removal)
{
	struct span sum = sum_text(removal->ctl->arena, &removal->selection);
	char answer[16] = "";

	if (removal->terminal == NULL)
		return CTL_OK;
	(void)fflush(stdout);
	fprintf(
	    removal->terminal, "Delete %.*s? [y/N] ", (int)sum.size, sum.data);
	(void)fflush(removal->terminal);
	if (fgets(answer, sizeof(answer), removal->terminal) != NULL &&
	    (answer[0] == 'y' || answer[0] == 'Y'))
		return CTL_OK;
	return ctl_fail("nothing was deleted");
}

static int
select_all(struct removal *removal)
{
	struct ctl_output *output = NULL;
	int exit_code;

	if (removal->is_dry)
		output = ctl_output_open(removal->ctl);
	if (removal->ctl->operand_count > 0)
		exit_code = name_items(removal->ctl, removal->http, output,
		    &removal->selection, &removal->missing);
	else
		exit_code = ctl_rm_select(removal->http, &removal->filter,
		    output, &removal->selection);
	if (output != NULL)
		ctl_output_close(output);
	return exit_code;
}

static int
end_dry(const struct removal *removal)
{
	struct span sum = sum_text(removal->ctl->arena, &removal->selection);

	(void)ctl_error(
	    CTL_OK, "%.*s would be deleted", (int)sum.size, sum.data);
	if (removal->missing != CTL_OK)
		return removal->missing;
	return removal->selection.count > 0 ? CTL_WOULD_CHANGE : CTL_OK;
}

static int
delete_all(struct removal *removal)
{
	const struct ctl *ctl = removal->ctl;
	struct ctl_row *row = ctl_row(ctl->arena);
	uint64_t count = 0;
	int exit_code = CTL_OK;

	if (removal->selection.count > 0)
		exit_code = ask(removal);
	if (exit_code == CTL_OK)
		exit_code =
		    ctl_rm_delete(removal->http, &removal->selection, &count);
	if (exit_code != CTL_OK)
		return exit_code;
	ctl_row_number(row, "deleted", count);
	ctl_row_size(row, "size_bytes", removal->selection.bytes);
	ctl_print_facts(ctl, row);
	return removal->missing;
}

static int
run_rm(struct ctl *ctl)
{
	struct removal removal = {
		.ctl = ctl, .is_dry = ctl_has(ctl, "dry-run"), .missing = CTL_OK
	};
	int exit_code;

	exit_code = read_which(ctl, &removal.filter);
	if (exit_code == CTL_OK)
		exit_code = open_terminal(&removal);
	if (exit_code == CTL_OK)
		exit_code = ctl_http_open(ctl, NULL, &removal.http);
	if (exit_code == CTL_OK) {
		ctl_rm_init(&removal.selection);
		exit_code = select_all(&removal);
		if (exit_code == CTL_OK)
			exit_code = removal.is_dry ? end_dry(&removal)
						   : delete_all(&removal);
		ctl_rm_release(&removal.selection);
	}
	if (removal.terminal != NULL)
		(void)fclose(removal.terminal);
	return exit_code;
}

static const struct ctl_option options[] = {
	CTL_RM_FILTERS,
	{ "dry-run", 'n', NULL, "only show what would go; exit code 5" },
	{ "yes", 'y', NULL, "do not ask" },
	{ NULL, 0, NULL, NULL },
};

const struct ctl_command ctl_command_rm = {
	.name = "rm",
	.summary = "Delete artifacts, by ids or by a filter",
	.operands = "[ID...]",
	.most = CTL_MANY,
	.where = CTL_REMOTE,
	.options = options,
	.details =
	    "Says how many there are, and how large, and asks. ID is - for "
	    "lines of standard\ninput that begin with one. Filters are "
	    "combined: -w a --older-than 90d\n--keep-newest 10 deletes what "
	    "is older than 90 days, but never one of the 10\nnewest of a.\n",
	.run = run_rm,
};
