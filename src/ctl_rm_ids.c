/* SPDX-License-Identifier: ISC */
/*
 * ctl_rm_ids.c - artifacts named by their ids: operands, and lines of stdin.
 * Each is looked at first, many at once: it tells its size, and its whole
 * id, which a delete wants.
 */

#include "ctl_rm.h"

#include <stdlib.h>

struct naming {
	const struct ctl *ctl;
	struct ctl_http *http;
	struct ctl_output *output;
	struct ctl_rm_selection *selection;
	size_t next;	 /* operand */
	bool is_reading; /* lines */
	bool is_wrong;	 /* one is no id */
	int missing;
};

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

static bool
next_name(struct naming *naming, struct arena *arena, const char **ret_name)
{
	for (;;) {
		if (naming->is_reading && read_word(arena, ret_name))
			return true;
		naming->is_reading = false;
		if (naming->next == naming->ctl->operand_count)
			return false;
		*ret_name = naming->ctl->operands[naming->next++];
		if (strcmp(*ret_name, "-") != 0)
			return true;
		naming->is_reading = true;
	}
}

static bool
next_detail(void *context, struct arena *arena, size_t *ret_number,
    struct ctl_http_request *ret_request)
{
	struct naming *naming = context;
	const char *name;

	if (!next_name(naming, arena, &name))
		return false;
	if (ctl_remote_check_id(naming->ctl, name) != CTL_OK) {
		naming->is_wrong = true;
		return false;
	}
	*ret_number = 0;
	ret_request->method = "GET";
	ret_request->path =
	    ctl_remote_path(arena, name, "?include_content=false");
	ret_request->may_be_missing = true;
	return true;
}

/* "Artifact not found: …", as the server says it. */
static void
say_missing(struct arena *arena, const struct ctl_http_answer *answer)
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

static int
note_detail(void *context, size_t number, struct arena *arena,
    const struct ctl_http_answer *answer)
{
	struct naming *naming = context;
	struct ctl_artifact artifact;
	int exit_code;

	(void)number;
	if (answer->status == 404) {
		say_missing(arena, answer);
		naming->missing = CTL_NOT_FOUND;
		return CTL_OK;
	}
	exit_code =
	    ctl_remote_read_detail(naming->http, arena, answer, &artifact);
	if (exit_code != CTL_OK)
		return exit_code;
	if (naming->output != NULL)
		ctl_remote_row(
		    naming->http, arena, naming->output, NULL, &artifact);
	return ctl_rm_add(naming->http, naming->selection, &artifact);
}

static int
compare_items(const void *one, const void *other)
{
	return memcmp(one, other, sizeof(struct id)); /* its first member */
}

/* A prefix and an id can mean the same one. */
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

int
ctl_rm_name(const struct ctl *ctl, struct ctl_http *http,
    struct ctl_output *output, struct ctl_rm_selection *selection,
    int *ret_missing)
{
	struct naming naming = { .ctl = ctl,
		.http = http,
		.output = output,
		.selection = selection,
		.missing = CTL_OK };
	const struct ctl_http_many many = {
		.context = &naming, .next = next_detail, .done = note_detail
	};
	int exit_code;

	exit_code = ctl_http_many(http, &many);
	if (naming.is_wrong)
		return CTL_USAGE;
	if (exit_code != CTL_OK)
		return exit_code;
	make_unique(selection);
	*ret_missing = naming.missing;
	return CTL_OK;
}
