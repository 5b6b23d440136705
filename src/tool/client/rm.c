/* SPDX-License-Identifier: ISC */
/*
 * rm.c - rm deletes artifacts: it chooses them, by ids or by a filter, says how
 * many there are, asks, and only then deletes the first.
 */

#include "rm.h"

#include <stdlib.h>

static const struct ctl_option filters[] = { CTL_RM_FILTERS, { 0 } };

/* ---- the filter ---- */

/* Refuse to delete everything without --all. If --older-than or --keep-newest
 * is 0, say that. */
static int
ask_which(const struct ctl *ctl)
{
	static const char *const names[] = { "older-than", "keep-newest" };
	size_t i;

	for (i = 0; i < COUNT_OF(names); i++)
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
read_filter(const struct ctl *ctl, struct ctl_which *ret_which)
{
	struct ctl_which which = { 0 };
	bool is_narrow;
	int exit_code;

	exit_code = ctl_filter_read(ctl, &which.members);
	if (exit_code == CTL_OK)
		exit_code = ctl_seconds(ctl, "older-than", &which.older_than);
	if (exit_code == CTL_OK)
		exit_code = ctl_number(
		    ctl, "keep-newest", 0, UINT64_MAX, &which.keep_newest);
	if (exit_code != CTL_OK)
		return exit_code;
	is_narrow = filter_is_narrow(&which.members) || which.older_than > 0 ||
		    which.keep_newest > 0;
	if (!is_narrow && !ctl_has(ctl, "all"))
		return ask_which(ctl);
	if (is_narrow && ctl_has(ctl, "all"))
		return ctl_usage(
		    ctl, "--all and what narrows it exclude each other");
	*ret_which = which;
	return CTL_OK;
}

/* Split the first word off a line, without its quotes; false: one has no end.
 */
static bool
split_word(struct span *line, struct buffer *word)
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
		if (count == WORDS || !split_word(&rest, &word))
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

/* The first option that does not say which, or NULL. */
static const char *
other_option(const struct ctl *line)
{
	const struct ctl_option *filter;
	size_t i;

	for (i = 0; i < line->given_count; i++) {
		for (filter = filters; filter->name != NULL; filter++)
			if (strcmp(line->given[i].option->name, filter->name) ==
			    0)
				break;
		if (filter->name == NULL)
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
    const struct ctl *ctl, const char *line, struct ctl_which *ret_which)
{
	struct ctl read;
	int exit_code = read_line(ctl, line, &read);

	return exit_code == CTL_OK ? read_filter(&read, ret_which) : exit_code;
}

/* ---- deleting ---- */

struct sweep {
	const struct ctl_choice *choice;
	struct ctl_progress progress;
	size_t left; /* the oldest go first: an error leaves the newest */
	uint64_t bytes;
	uint64_t count;
};

static bool
next_delete(void *context, struct arena *arena, void **ret_item,
    struct ctl_http_request *ret_request)
{
	struct sweep *sweep = context;
	struct ctl_chosen *chosen;

	if (sweep->left == 0)
		return false;
	chosen = &sweep->choice->items[--sweep->left];
	*ret_item = chosen;
	*ret_request = (struct ctl_http_request){ .method = "DELETE",
		.path = ctl_remote_path(
		    arena, ctl_remote_id(arena, &chosen->id), ""),
		.is_repeatable = true,
		.may_be_missing = true };
	return true;
}

static int
end_delete(void *context, void *item, const struct ctl_http_end *end)
{
	struct sweep *sweep = context;
	const struct ctl_chosen *chosen = item;

	if (end->answer == NULL)
		return end->exit_code;
	if (end->answer->status != 404)
		sweep->count++;
	sweep->bytes += chosen->size;
	ctl_progress_at(&sweep->progress, sweep->bytes);
	return CTL_OK;
}

int
ctl_rm_delete(
    struct ctl_http *http, const struct ctl_choice *choice, uint64_t *ret_count)
{
	struct sweep sweep = { .choice = choice, .left = choice->count };
	const struct ctl_http_many many = {
		.context = &sweep, .next = next_delete, .ended = end_delete
	};
	int exit_code;

	ctl_progress_begin(
	    &sweep.progress, ctl_http_ctl(http), "deleted", choice->bytes);
	exit_code = ctl_http_many(http, &many);
	ctl_progress_end(&sweep.progress);
	*ret_count = sweep.count;
	if (exit_code != CTL_OK)
		(void)ctl_error(exit_code,
		    "%llu of %zu artifacts were deleted; the same command "
		    "goes on with the others",
		    (unsigned long long)sweep.count, choice->count);
	return exit_code;
}

/* ---- the command ---- */

struct removal {
	const struct ctl *ctl;
	struct ctl_http *http;
	struct ctl_which which; /* where no ids are named */
	struct ctl_choice choice;
	FILE *terminal; /* to ask on; NULL: --yes, or a dry run */
};

/* Without a terminal nobody can be asked: say so before reading anything. */
static int
open_terminal(struct removal *removal)
{
	if (ctl_has(removal->ctl, "dry-run") || ctl_has(removal->ctl, "yes"))
		return CTL_OK;
	removal->terminal = fopen("/dev/tty", "r+e");
	if (removal->terminal != NULL)
		return CTL_OK;
	return ctl_usage(removal->ctl,
	    "there is no terminal to ask on; --yes deletes without asking, "
	    "--dry-run only shows");
}

/* "3 artifacts, 1.4 MiB" */
static const char *
sum_text(const struct removal *removal)
{
	struct arena *arena = removal->ctl->arena;
	const struct ctl_choice *choice = &removal->choice;

	return arena_printf(arena, "%s, %s",
	    ctl_count_text(arena, choice->count, "artifact").data,
	    ctl_size_text(arena, choice->bytes).data)
	    .data;
}

static int
ask(const struct removal *removal)
{
	char answer[16] = "";

	if (removal->terminal == NULL || removal->choice.count == 0)
		return CTL_OK;
	(void)fflush(stdout);
	fprintf(removal->terminal, "Delete %s? [y/N] ", sum_text(removal));
	(void)fflush(removal->terminal);
	if (fgets(answer, sizeof(answer), removal->terminal) != NULL &&
	    (answer[0] == 'y' || answer[0] == 'Y'))
		return CTL_OK;
	return ctl_fail("nothing was deleted");
}

static int
choose_all(struct removal *removal)
{
	const struct ctl *ctl = removal->ctl;
	struct ctl_choice *choice = &removal->choice;
	int exit_code;

	if (ctl_has(ctl, "dry-run"))
		choice->output = ctl_output_open(ctl);
	exit_code =
	    ctl->operand_count > 0
		? ctl_choose_ids(removal->http, choice)
		: ctl_choose_listed(removal->http, &removal->which, choice);
	if (choice->output != NULL)
		ctl_output_close(choice->output);
	return exit_code;
}

static int
end_dry(const struct removal *removal)
{
	(void)ctl_error(CTL_OK, "%s would be deleted", sum_text(removal));
	if (removal->choice.worst != CTL_OK)
		return removal->choice.worst;
	return removal->choice.count > 0 ? CTL_WOULD_CHANGE : CTL_OK;
}

static int
delete_all(struct removal *removal)
{
	struct ctl_row *row = ctl_row(removal->ctl->arena);
	uint64_t count = 0;
	int exit_code;

	exit_code = ask(removal);
	if (exit_code == CTL_OK)
		exit_code =
		    ctl_rm_delete(removal->http, &removal->choice, &count);
	if (exit_code != CTL_OK)
		return exit_code;
	ctl_row_number(row, "deleted", count);
	ctl_row_size(row, "size_bytes", removal->choice.bytes);
	ctl_print_facts(removal->ctl, row);
	return removal->choice.worst;
}

static int
run_rm(struct ctl *ctl)
{
	struct removal removal = { .ctl = ctl,
		.choice = { .arena = ctl->arena, .is_to_go = true } };
	int exit_code;

	exit_code = ctl->operand_count == 0
			? read_filter(ctl, &removal.which)
			: ctl_choose_ids_alone(ctl, filters);
	if (exit_code == CTL_OK)
		exit_code = open_terminal(&removal);
	if (exit_code == CTL_OK)
		exit_code = ctl_http_open(ctl, NULL, &removal.http);
	if (exit_code == CTL_OK)
		exit_code = choose_all(&removal);
	if (exit_code == CTL_OK)
		exit_code = ctl_has(ctl, "dry-run") ? end_dry(&removal)
						    : delete_all(&removal);
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
