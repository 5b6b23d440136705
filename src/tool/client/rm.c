/* SPDX-License-Identifier: ISC */
/*
 * rm.c - rm: what goes is selected and said first, then asked for, then
 * done.
 */

#include "rm.h"

struct removal {
	const struct ctl *ctl;
	struct ctl_http *http;
	struct ctl_rm_filter filter; /* where no ids are named */
	struct ctl_rm_selection selection;
	bool is_dry;
	FILE *terminal; /* to ask on; NULL: --yes, or a dry run */
	int missing;	/* an id was not there: CTL_NOT_FOUND */
};

/* ids or filters, one of them */
static int
read_which(const struct ctl *ctl, struct ctl_rm_filter *ret_filter)
{
	static const struct ctl_option filters[] = { CTL_RM_FILTERS };
	size_t i;

	if (ctl->operand_count == 0)
		return ctl_rm_filter(ctl, ret_filter);
	for (i = 0; i < sizeof(filters) / sizeof(filters[0]); i++)
		if (ctl_has(ctl, filters[i].name))
			return ctl_usage(ctl, "ids and --%s exclude each other",
			    filters[i].name);
	return CTL_OK;
}

/* Where nobody can be asked, that is said before anything is read. */
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
	struct span sum = ctl_rm_sum(removal->ctl->arena, &removal->selection);
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
		exit_code = ctl_rm_name(removal->ctl, removal->http, output,
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
	struct span sum = ctl_rm_sum(removal->ctl->arena, &removal->selection);

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
