/* SPDX-License-Identifier: ISC */
/* list.c - list: artifacts, newest first. */

#include "remote.h"

struct listing {
	struct ctl_http *http;
	struct ctl_filter filter;
	struct ctl_output *output;
	uint64_t count;
};

static int
print_one(
    void *context, struct arena *arena, const struct ctl_artifact *artifact)
{
	struct listing *listing = context;

	ctl_remote_row(listing->http, arena, listing->output,
	    &listing->filter, artifact);
	listing->count++;
	return ferror(stdout) ? CTL_FAILED : CTL_OK; /* main says so */
}

/* How many at most; 0: all. */
static int
read_limit(const struct ctl *ctl, uint64_t *ret_most)
{
	*ret_most = LIMIT_PAGE_DEFAULT;
	if (!ctl_has(ctl, "all"))
		return ctl_number(ctl, "limit", 1, UINT64_MAX, ret_most);
	if (ctl_has(ctl, "limit"))
		return ctl_usage(ctl, "--all and --limit exclude each other");
	*ret_most = 0;
	return CTL_OK;
}

static int
run_list(struct ctl *ctl)
{
	struct listing listing = { 0 };
	bool has_more = false;
	uint64_t most = 0;
	int exit_code;

	exit_code = ctl_filter_read(ctl, &listing.filter);
	if (exit_code == CTL_OK)
		exit_code = read_limit(ctl, &most);
	if (exit_code == CTL_OK)
		exit_code = ctl_http_open(ctl, NULL, &listing.http);
	if (exit_code != CTL_OK)
		return exit_code;
	listing.output = ctl_output_open(ctl);
	exit_code = ctl_remote_list(listing.http, &listing.filter, most,
	    print_one, &listing, &has_more);
	ctl_output_close(listing.output);
	if (exit_code == CTL_OK && listing.count == 0 && ctl->is_terminal &&
	    !ctl->is_json)
		(void)ctl_error(CTL_OK, "no artifact found");
	if (exit_code == CTL_OK && has_more)
		(void)ctl_error(CTL_OK,
		    "these are the %llu newest, and there are more; --limit N "
		    "or --all shows them",
		    (unsigned long long)listing.count);
	return exit_code;
}

static const struct ctl_option options[] = {
	CTL_FILTERS,
	{ "limit", 0, "N", "show the N newest (50)" },
	{ "all", 0, NULL, "show all of them" },
	{ NULL, 0, NULL, NULL },
};

const struct ctl_command ctl_command_list = {
	.name = "list",
	.summary = "List artifacts, newest first",
	.operands = "",
	.where = CTL_REMOTE,
	.options = options,
	.details =
	    "When there are more than are shown, stderr says so. On a terminal "
	    "what a filter\nnames, and what is empty in each row, has no "
	    "column.\n",
	.run = run_list,
};
