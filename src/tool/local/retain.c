/* SPDX-License-Identifier: ISC */
/*
 * retain.c - artifactctl retain: what the setting "retention" says is to
 * go, goes. Each of its texts is a filter of rm.
 */

#include "local.h"
#include "tool/client/rm.h"

struct rule {
	const char *line;
	struct ctl_which which;
};

/* All of them before anything is deleted by one of them. */
static int
read_rules(const struct ctl *ctl, const struct config_list *lines,
    struct rule *ret_rules)
{
	size_t i;

	for (i = 0; i < lines->count; i++) {
		ret_rules[i].line = lines->items[i];
		if (ctl_rm_parse(ctl, lines->items[i], &ret_rules[i].which) !=
		    CTL_OK)
			return ctl_fail(
			    "\"%.200s\", number %zu of the setting retention, "
			    "cannot be followed: nothing was deleted, by any "
			    "of them",
			    lines->items[i], i + 1);
	}
	return CTL_OK;
}

static int
follow(struct ctl_http *http, const struct rule *rule, bool is_dry,
    struct ctl_output *output, uint64_t *ret_count)
{
	struct ctl_choice choice = { .arena = arena_open(), .is_to_go = true };
	struct ctl_row *row;
	uint64_t count = 0;
	int exit_code;

	exit_code = ctl_choose_listed(http, &rule->which, &choice);
	if (exit_code == CTL_OK && is_dry)
		count = choice.count;
	else if (exit_code == CTL_OK)
		exit_code = ctl_rm_delete(http, &choice, &count);
	if (exit_code == CTL_OK) {
		row = ctl_row(choice.arena);
		ctl_row_text(row, "rule", span_str(rule->line));
		ctl_row_number(row, is_dry ? "would_delete" : "deleted", count);
		ctl_row_size(row, "size_bytes", choice.bytes);
		ctl_output_row(output, row);
		*ret_count += count;
	}
	arena_close(choice.arena);
	return exit_code;
}

static int
follow_all(
    const struct ctl *ctl, const struct rule *rules, size_t count, bool is_dry)
{
	struct ctl_output *output;
	struct ctl_http *http;
	uint64_t gone = 0;
	size_t i;
	int exit_code = ctl_http_open(ctl, NULL, &http);

	if (exit_code != CTL_OK)
		return exit_code;
	output = ctl_output_open(ctl);
	for (i = 0; i < count && exit_code == CTL_OK; i++)
		exit_code = follow(http, &rules[i], is_dry, output, &gone);
	ctl_output_close(output);
	if (exit_code == CTL_OK && is_dry && gone > 0)
		return CTL_WOULD_CHANGE;
	return exit_code;
}

static int
run(struct ctl *ctl)
{
	const char *error = NULL;
	const struct config *config = ctl_local_config(ctl, &error);
	struct rule *rules;
	int exit_code;

	if (config == NULL)
		return ctl_fail("%s", error);
	if (config->retention.count == 0)
		return ctl_error(CTL_OK,
		    "the setting retention is empty, so nothing is to go");
	rules =
	    arena_alloc(ctl->arena, config->retention.count * sizeof(*rules));
	exit_code = read_rules(ctl, &config->retention, rules);
	if (exit_code != CTL_OK)
		return exit_code;
	return follow_all(
	    ctl, rules, config->retention.count, ctl_has(ctl, "dry-run"));
}

static const struct ctl_option options[] = {
	{ "dry-run", 'n', NULL, "only say how much would go; exit code 5" },
	{ NULL, 0, NULL, NULL },
};

const struct ctl_command ctl_command_retain = {
	.name = "retain",
	.summary = "Delete what the setting retention says",
	.operands = "",
	.where = CTL_REMOTE | CTL_LOCAL,
	.options = options,
	.details =
	    "Each text of that setting is a rule, with the options of rm that\n"
	    "say which. They are followed in order, without asking. If one of\n"
	    "them cannot be read, nothing is deleted by any. It talks to the\n"
	    "server as rm does; artifactd-retention.timer runs it each night.\n"
	    "\"artifactctl rm --dry-run\" with a rule's options lists what it\n"
	    "means.\n",
	.run = run,
};
