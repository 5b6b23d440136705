/* SPDX-License-Identifier: ISC */
/*
 * lineage.c - lineage shows what an artifact was made from, as a tree.
 *
 * An artifact names its parents; these are read, then their parents, and so on.
 * What was made from the artifact is not shown: the server keeps no list of
 * children. An artifact that was shown already is named, and its parents are
 * not read again, so that a circle ends.
 */

#include "remote.h"

#include "tool/set.h"

/* An artifact that is still to be read. */
struct stop {
	struct id id;
	unsigned depth;
};

struct lineage {
	const struct ctl *ctl;
	struct ctl_http *http;
	struct ctl_output *output;
	struct arena *arena; /* of one artifact */
	struct ctl_set seen; /* ids, as bytes */
	struct buffer stops; /* a stack */
};

/* Push the parents of an artifact; the first of them will be on top. */
static void
push_parents(struct lineage *lineage, unsigned depth,
    const struct ctl_artifact *artifact)
{
	struct stop stop = { .depth = depth };
	struct span parent;
	size_t i;

	for (i = artifact->parent_count; i > 0; i--) {
		/* Whoever created it may have written capitals. */
		parent = span_lower(lineage->arena, artifact->parents[i - 1]);
		if (id_parse(parent, &stop.id))
			buffer_append(
			    &lineage->stops, span_of(&stop, sizeof(stop)));
	}
}

static void
print_branch(const struct stop *stop, struct arena *arena,
    const struct ctl_artifact *artifact, const char *state)
{
	printf("%*s%.12s", 2 * (int)stop->depth, "",
	    ctl_remote_id(arena, &stop->id));
	if (artifact->title.data != NULL)
		printf("  %s  %s", ctl_visible(arena, artifact->type).data,
		    ctl_visible(arena, artifact->title).data);
	if (strcmp(state, "present") != 0)
		printf(
		    "  (%s)", strcmp(state, "seen") == 0 ? "see above" : state);
	putchar('\n');
}

static void
print_stop(struct lineage *lineage, const struct stop *stop,
    const struct ctl_artifact *artifact, const char *state)
{
	const struct ctl *ctl = lineage->ctl;
	struct ctl_row *row;

	if (ctl->is_terminal && !ctl->is_json) {
		print_branch(stop, lineage->arena, artifact, state);
		return;
	}
	row = ctl_row(lineage->arena);
	ctl_row_text(row, "relation",
	    stop->depth == 0 ? SPAN("self") : SPAN("ancestor"));
	ctl_row_number(row, "depth", stop->depth);
	ctl_row_text(row, "id", artifact->id);
	ctl_row_text(row, "state", span_str(state));
	ctl_row_text(row, "artifact_type", artifact->type);
	ctl_row_text(row, "workflow_id", artifact->workflow);
	ctl_row_text(row, "title", artifact->title);
	ctl_output_row(lineage->output, row);
}

/* Read an artifact. *ret_state: "present" or "missing". */
static int
read_stop(struct lineage *lineage, const struct stop *stop,
    struct ctl_artifact *ret_artifact, const char **ret_state)
{
	struct arena *arena = lineage->arena;
	const char *id = ctl_remote_id(arena, &stop->id);
	struct ctl_http_request request = ctl_remote_request(arena, id, false);
	struct ctl_http_answer answer;
	int exit_code;

	request.may_be_missing = true;
	exit_code = ctl_http_send(lineage->http, &request, arena, &answer);
	if (exit_code != CTL_OK)
		return exit_code;
	*ret_state = answer.status == 404 ? "missing" : "present";
	*ret_artifact = (struct ctl_artifact){ .id = span_str(id) };
	return answer.status == 404 ? CTL_OK
				    : ctl_remote_read_detail(lineage->http,
					  arena, &answer, ret_artifact);
}

static int
show_ancestors(struct lineage *lineage)
{
	struct ctl_artifact artifact;
	const char *state;
	struct stop stop;
	int exit_code;

	while (lineage->stops.size > 0) {
		arena_reset(lineage->arena);
		lineage->stops.size -= sizeof(stop);
		memcpy(&stop, lineage->stops.data + lineage->stops.size,
		    sizeof(stop));
		exit_code = read_stop(lineage, &stop, &artifact, &state);
		if (exit_code != CTL_OK)
			return exit_code;
		if (!ctl_set_add(&lineage->seen,
			span_of(&stop.id, sizeof(stop.id)), NULL)) {
			print_stop(lineage, &stop, &artifact, "seen");
			continue;
		}
		print_stop(lineage, &stop, &artifact, state);
		push_parents(lineage, stop.depth + 1, &artifact);
	}
	return CTL_OK;
}

static int
show_lineage(struct lineage *lineage, const struct ctl_artifact *self)
{
	struct stop start = { .depth = 0 };

	if (!id_parse(span_lower(lineage->arena, self->id), &start.id))
		return ctl_remote_strange(lineage->http);
	print_stop(lineage, &start, self, "present");
	(void)ctl_set_add(
	    &lineage->seen, span_of(&start.id, sizeof(start.id)), NULL);
	push_parents(lineage, 1, self);
	if (lineage->ctl->is_terminal && !lineage->ctl->is_json)
		printf(
		    "ancestors:%s\n", lineage->stops.size == 0 ? " none" : "");
	return show_ancestors(lineage);
}

static int
run_lineage(struct ctl *ctl)
{
	struct lineage lineage = { .ctl = ctl };
	struct ctl_artifact self;
	int exit_code;

	exit_code = ctl_remote_open(ctl, &lineage.http);
	if (exit_code == CTL_OK)
		exit_code = ctl_remote_detail(
		    lineage.http, ctl->operands[0], false, ctl->arena, &self);
	if (exit_code != CTL_OK)
		return exit_code;
	lineage.arena = arena_open();
	lineage.output = ctl_output_open(ctl);
	ctl_set_init(&lineage.seen, ctl->arena);
	buffer_init(&lineage.stops, ctl->arena);
	exit_code = show_lineage(&lineage, &self);
	ctl_output_close(lineage.output);
	arena_close(lineage.arena);
	if (exit_code == CTL_OK && !ctl_has(ctl, "ancestors"))
		(void)ctl_error(CTL_OK, "these are ancestors only: the server "
					"keeps no list of what was made from "
					"an artifact");
	return exit_code;
}

static const struct ctl_option options[] = {
	{ "ancestors", 0, NULL,
	    "do not say that only what it was made from is shown" },
	{ NULL, 0, NULL, NULL },
};

const struct ctl_command ctl_command_lineage = {
	.name = "lineage",
	.summary = "Show what an artifact was made from",
	.operands = "ID",
	.least = 1,
	.most = 1,
	.where = CTL_REMOTE,
	.options = options,
	.details =
	    "Goes by derived_from, from parents to their parents. What was\n"
	    "made from the artifact is not shown: the server keeps no list\n"
	    "of that.\n",
	.run = run_lineage,
};
