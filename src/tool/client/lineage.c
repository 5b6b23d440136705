/* SPDX-License-Identifier: ISC */
/*
 * lineage.c - lineage: what an artifact was made from, and what was made
 * from it, as two trees.
 *
 * An artifact names its parents; nobody keeps a list of children. So
 * ancestors are followed from one to the next, while for descendants every
 * artifact that may be one is read first: of each only its id and its
 * parents are held. What comes a second time, as in a circle, is named and
 * not followed again.
 */

#include "remote.h"

#include <stdlib.h>

struct edge {
	struct id parent;
	struct id child;
};

/* On the way, still to be visited. */
struct stop {
	struct id id;
	unsigned depth;
};

/* Ids, edges or stops; in the arena of the run. */
struct list {
	char *items;
	size_t size; /* of an item */
	size_t count;
	size_t room;
};

struct lineage {
	const struct ctl *ctl;
	struct ctl_http *http;
	struct ctl_output *output;
	struct arena *arena;   /* of one artifact */
	struct list edges;     /* sorted by parent once all are there */
	struct list scanned;   /* ids of those that may be descendants */
	size_t next_scanned;   /* whose parents are to be read next */
	struct list seen;      /* ids, in this direction */
	struct list stops;     /* a stack */
	const char *direction; /* "ancestor", "descendant" */
};

static void
list_push(struct arena *arena, struct list *list, const void *item)
{
	size_t room = list->room == 0 ? 64 : 2 * list->room;

	if (list->count == list->room) {
		list->items = arena_resize(arena, list->items,
		    list->size * list->room, list->size * room);
		list->room = room;
	}
	memcpy(list->items + list->size * list->count++, item, list->size);
}

/* As it is given it may be in upper case. */
static bool
read_id(struct arena *arena, struct span text, struct id *ret_id)
{
	return id_parse(span_lower(arena, text), ret_id);
}

/* ---- what was made from what ---- */

static int
note_scanned(
    void *context, struct arena *arena, const struct ctl_artifact *artifact)
{
	struct lineage *lineage = context;
	struct id id;

	if (read_id(arena, artifact->id, &id))
		list_push(lineage->ctl->arena, &lineage->scanned, &id);
	return CTL_OK;
}

static bool
next_detail(void *context, struct arena *arena, void **ret_item,
    struct ctl_http_request *ret_request)
{
	struct lineage *lineage = context;
	struct id *ids = (struct id *)lineage->scanned.items;
	char text[ID_TEXT + 1];

	if (lineage->next_scanned == lineage->scanned.count)
		return false;
	id_format(&ids[lineage->next_scanned], text);
	*ret_item = &ids[lineage->next_scanned++];
	ret_request->method = "GET";
	ret_request->path =
	    ctl_remote_path(arena, text, "?include_content=false");
	ret_request->may_be_missing = true; /* deleted meanwhile */
	return true;
}

static int
note_edges(void *context, void *item, struct arena *arena,
    const struct ctl_http_answer *answer, struct ctl_http_request *ret_more)
{
	struct lineage *lineage = context;
	struct ctl_artifact artifact;
	struct edge edge;
	int exit_code;
	size_t i;

	(void)ret_more;
	if (answer->status == 404)
		return CTL_OK;
	exit_code =
	    ctl_remote_read_detail(lineage->http, arena, answer, &artifact);
	if (exit_code != CTL_OK)
		return exit_code;
	edge.child = *(const struct id *)item;
	for (i = 0; i < artifact.parent_count; i++)
		if (read_id(arena, artifact.parents[i], &edge.parent))
			list_push(lineage->ctl->arena, &lineage->edges, &edge);
	return CTL_OK;
}

static int
compare_edges(const void *one, const void *other)
{
	return memcmp(one, other, sizeof(struct edge));
}

/* Read the parents of all that may be descendants. */
static int
scan(struct lineage *lineage, const struct ctl_artifact *self)
{
	const struct ctl *ctl = lineage->ctl;
	struct ctl_filter filter = { 0 };
	const struct ctl_http_many many = {
		.context = lineage, .next = next_detail, .done = note_edges
	};
	bool has_more;
	int exit_code;

	if (!ctl_has(ctl, "all-workflows") && self->workflow.size > 0)
		filter.workflow = arena_string(ctl->arena, self->workflow);
	exit_code = ctl_remote_list(
	    lineage->http, &filter, 0, note_scanned, lineage, &has_more);
	if (exit_code != CTL_OK)
		return exit_code;
	if (ctl->is_watched && lineage->scanned.count > LIMIT_PAGE)
		(void)ctl_error(CTL_OK,
		    "reading what %zu artifacts were made "
		    "from",
		    lineage->scanned.count);
	exit_code = ctl_http_many(lineage->http, &many);
	if (lineage->edges.count > 0)
		qsort(lineage->edges.items, lineage->edges.count,
		    lineage->edges.size, compare_edges);
	return exit_code;
}

/* Push the children of an id; the first of them will be on top. */
static void
push_children(struct lineage *lineage, const struct stop *from)
{
	const struct edge *edges = (const struct edge *)lineage->edges.items;
	size_t low = 0, high = lineage->edges.count;
	struct stop stop = { .depth = from->depth + 1 };
	size_t middle;

	while (low < high) { /* where the first larger parent stands */
		middle = low + (high - low) / 2;
		if (memcmp(&edges[middle].parent, &from->id,
			sizeof(from->id)) <= 0)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low > 0 &&
	       memcmp(&edges[low - 1].parent, &from->id, sizeof(from->id)) == 0;
	     low--) {
		stop.id = edges[low - 1].child;
		list_push(lineage->ctl->arena, &lineage->stops, &stop);
	}
}

static void
push_parents(struct lineage *lineage, const struct stop *from,
    const struct ctl_artifact *artifact)
{
	struct stop stop = { .depth = from->depth + 1 };
	size_t i;

	for (i = artifact->parent_count; i > 0; i--)
		if (read_id(lineage->arena, artifact->parents[i - 1], &stop.id))
			list_push(lineage->ctl->arena, &lineage->stops, &stop);
}

/* ---- the trees ---- */

static void
print_branch(const struct stop *stop, struct arena *arena,
    const struct ctl_artifact *artifact, const char *state)
{
	struct span type = ctl_visible(arena, artifact->type);
	struct span title = ctl_visible(arena, artifact->title);
	char id[ID_TEXT + 1];

	id_format(&stop->id, id);
	printf("%*s%.*s", 2 * (int)stop->depth, "", 12, id);
	if (artifact->title.data != NULL)
		printf("  %.*s  %.*s", (int)type.size, type.data,
		    (int)title.size, title.data);
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
	ctl_row_text(row, "relation", span_str(lineage->direction));
	ctl_row_number(row, "depth", stop->depth);
	ctl_row_text(row, "id", artifact->id);
	ctl_row_text(row, "state", span_str(state));
	ctl_row_text(row, "artifact_type", artifact->type);
	ctl_row_text(row, "workflow_id", artifact->workflow);
	ctl_row_text(row, "title", artifact->title);
	ctl_output_row(lineage->output, row);
}

/* The first time? Then it is noted. */
static bool
is_new(struct lineage *lineage, const struct id *id)
{
	const struct id *seen = (const struct id *)lineage->seen.items;
	size_t i;

	for (i = 0; i < lineage->seen.count; i++)
		if (memcmp(&seen[i], id, sizeof(*id)) == 0)
			return false;
	list_push(lineage->ctl->arena, &lineage->seen, id);
	return true;
}

/* *ret_state: whether it is there. */
static int
read_stop(struct lineage *lineage, const struct stop *stop,
    struct ctl_artifact *ret_artifact, const char **ret_state)
{
	struct ctl_http_request request = { .method = "GET",
		.may_be_missing = true };
	char *text = arena_alloc(lineage->arena, ID_TEXT + 1);
	struct ctl_http_answer answer;
	int exit_code;

	id_format(&stop->id, text);
	request.path =
	    ctl_remote_path(lineage->arena, text, "?include_content=false");
	exit_code =
	    ctl_http_send(lineage->http, &request, lineage->arena, &answer);
	if (exit_code != CTL_OK)
		return exit_code;
	*ret_state = answer.status == 404 ? "missing" : "present";
	if (answer.status != 404)
		return ctl_remote_read_detail(
		    lineage->http, lineage->arena, &answer, ret_artifact);
	*ret_artifact = (struct ctl_artifact){ .id = span_str(text) };
	return CTL_OK;
}

/* Go all the way from what the stack holds. */
static int
walk(struct lineage *lineage)
{
	bool is_down = strcmp(lineage->direction, "descendant") == 0;
	struct ctl_artifact artifact;
	const char *state;
	struct stop stop;
	int exit_code;

	while (lineage->stops.count > 0) {
		arena_reset(lineage->arena);
		stop = ((
		    struct stop *)lineage->stops.items)[--lineage->stops.count];
		exit_code = read_stop(lineage, &stop, &artifact, &state);
		if (exit_code != CTL_OK)
			return exit_code;
		if (!is_new(lineage, &stop.id)) {
			print_stop(lineage, &stop, &artifact, "seen");
			continue;
		}
		print_stop(lineage, &stop, &artifact, state);
		if (is_down)
			push_children(lineage, &stop);
		else
			push_parents(lineage, &stop, &artifact);
	}
	return CTL_OK;
}

/* From the artifact itself, whose row was printed already. */
static int
walk_from(struct lineage *lineage, const struct stop *start,
    const struct ctl_artifact *self, const char *direction)
{
	lineage->direction = direction;
	lineage->seen.count = 0;
	(void)is_new(lineage, &start->id);
	if (strcmp(direction, "ancestor") == 0)
		push_parents(lineage, start, self);
	else
		push_children(lineage, start);
	if (lineage->ctl->is_terminal && !lineage->ctl->is_json)
		printf("%ss:%s\n", direction,
		    lineage->stops.count == 0 ? " none" : "");
	return walk(lineage);
}

static int
show_lineage(struct lineage *lineage, const struct ctl_artifact *self)
{
	struct stop start = { .depth = 0 };
	int exit_code = CTL_OK;

	if (!read_id(lineage->ctl->arena, self->id, &start.id))
		return ctl_remote_strange(lineage->http);
	if (!ctl_has(lineage->ctl, "ancestors"))
		exit_code = scan(lineage, self);
	if (exit_code != CTL_OK)
		return exit_code;
	lineage->direction = "self";
	print_stop(lineage, &start, self, "present");
	exit_code = walk_from(lineage, &start, self, "ancestor");
	if (exit_code == CTL_OK && !ctl_has(lineage->ctl, "ancestors"))
		exit_code = walk_from(lineage, &start, self, "descendant");
	return exit_code;
}

static int
run_lineage(struct ctl *ctl)
{
	struct lineage lineage = { .ctl = ctl,
		.edges = { .size = sizeof(struct edge) },
		.scanned = { .size = sizeof(struct id) },
		.seen = { .size = sizeof(struct id) },
		.stops = { .size = sizeof(struct stop) } };
	struct ctl_artifact self;
	int exit_code;

	exit_code = ctl_remote_check_id(ctl, ctl->operands[0]);
	if (exit_code == CTL_OK)
		exit_code = ctl_http_open(ctl, NULL, &lineage.http);
	if (exit_code == CTL_OK)
		exit_code = ctl_remote_detail(
		    lineage.http, ctl->operands[0], false, ctl->arena, &self);
	if (exit_code != CTL_OK)
		return exit_code;
	lineage.arena = arena_open();
	lineage.output = ctl_output_open(ctl);
	exit_code = show_lineage(&lineage, &self);
	ctl_output_close(lineage.output);
	arena_close(lineage.arena);
	return exit_code;
}

static const struct ctl_option options[] = {
	{ "ancestors", 0, NULL, "only what it was made from, which is quick" },
	{ "all-workflows", 0, NULL, "look for descendants in all workflows" },
	{ NULL, 0, NULL, NULL },
};

const struct ctl_command ctl_command_lineage = {
	.name = "lineage",
	.summary = "Show what an artifact was made from, and what from it",
	.operands = "ID",
	.least = 1,
	.most = 1,
	.where = CTL_REMOTE,
	.options = options,
	.details =
	    "Goes by derived_from. No store keeps a list of what was made "
	    "from an artifact, so\nfor descendants every artifact of its "
	    "workflow is read, one request each: some\nthousand a second. "
	    "With --all-workflows it is every artifact there is.\n",
	.run = run_lineage,
};
