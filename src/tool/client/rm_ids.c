/* SPDX-License-Identifier: ISC */
/*
 * rm_ids.c - artifacts named by their ids: operands, and lines of stdin.
 * Each is looked at first, many at once: it tells its size, and its whole
 * id, which a delete wants.
 */

#include "choose.h"
#include "rm.h"

#include <stdlib.h>

struct naming {
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
	struct naming *naming = context;
	const char *name;

	(void)ret_item;
	if (naming->is_wrong || !ctl_names_next(&naming->names, arena, &name))
		return false;
	if (ctl_remote_check_id(naming->ctl, name) != CTL_OK) {
		naming->is_wrong = true;
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
	struct naming *naming = context;
	struct ctl_artifact artifact;
	int exit_code;

	(void)item;
	(void)ret_more;
	if (answer->status == 404) {
		ctl_say_missing(arena, answer);
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
		.names = { .ctl = ctl },
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
