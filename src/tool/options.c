/* SPDX-License-Identifier: ISC */
/*
 * options.c - reading the arguments of artifactctl, by the tables of options
 * that the commands have. Knows nothing of what the commands do.
 */

#include "ctl.h"

#include <assert.h>
#include <getopt.h>

#define OPTIONS 64		/* most of a command, with the common ones */
#define OPTION_FIRST 256	/* what getopt_long returns for row 0 */
#define SECONDS_MOST 3153600000 /* a hundred years */

/* Which commands take each common option: CTL_REMOTE, CTL_LOCAL; 0: all. */
static const unsigned common_where[] = { CTL_REMOTE, CTL_REMOTE, CTL_REMOTE,
	CTL_REMOTE, CTL_REMOTE, CTL_REMOTE, CTL_REMOTE, CTL_LOCAL, CTL_LOCAL,
	CTL_REMOTE | CTL_LOCAL, CTL_REMOTE | CTL_LOCAL, 0, 0 };

static const struct ctl_option common_options[] = {
	{ "url", 0, "URL",
	    "the server, instead of $ARTIFACT_URL or http://127.0.0.1:8137" },
	{ "header", 0, "NAME:VALUE",
	    "send this too, beside the bearer token of $ARTIFACT_TOKEN" },
	{ "cacert", 0, "FILE", "trust the certificates in FILE" },
	{ "cert", 0, "FILE", "show this client certificate" },
	{ "key", 0, "FILE", "its private key" },
	{ "plain-http", 0, NULL,
	    "let the token go over plain http to another host" },
	{ "timeout", 0, "SECONDS", "give up what is not done by then" },
	{ "config", 0, "FILE", "read FILE instead of artifactd's own" },
	{ "set", 0, "NAME=VALUE", "change a setting; may be repeated" },
	{ "json", 0, NULL, "print one JSON object a line" },
	{ "quiet", 'q', NULL, "say on standard error only what is wrong" },
	{ "help", 'h', NULL, "print help and exit" },
	{ "version", 'V', NULL, "print the version and exit" },
	{ NULL, 0, NULL, NULL },
};

/* Do commands of one of these kinds take this common option? */
static bool
is_common_of(const struct ctl_option *option, unsigned where)
{
	unsigned mine = common_where[option - common_options];

	return mine == 0 || (mine & where) != 0;
}

const struct ctl_option *
ctl_next_option(const struct ctl_command *command, size_t *index)
{
	unsigned where =
	    command == NULL ? CTL_REMOTE | CTL_LOCAL : command->where;
	const struct ctl_option *option;
	size_t own = 0;

	if (command != NULL && command->options != NULL)
		while (command->options[own].name != NULL)
			own++;
	if (*index < own)
		return &command->options[(*index)++];
	do
		option = &common_options[(*index)++ - own];
	while (option->name != NULL && !is_common_of(option, where));
	return option->name == NULL ? NULL : option;
}

/* ---- the tables as getopt_long wants them ---- */

struct table {
	const struct ctl_option *rows[OPTIONS];
	struct option longs[OPTIONS + 1];
	char letters[3 * OPTIONS + 2];
	size_t count;
	size_t letters_size;
};

static void
table_add(struct table *table, const struct ctl_option *row)
{
	bool has_argument = row->argument != NULL;

	assert(table->count < OPTIONS);
	table->longs[table->count] = (struct option){ row->name,
		has_argument ? required_argument : no_argument, NULL,
		OPTION_FIRST + (int)table->count };
	table->rows[table->count++] = row;
	if (row->letter == 0)
		return;
	table->letters[table->letters_size++] = row->letter;
	if (has_argument)
		table->letters[table->letters_size++] = ':';
}

/* command NULL: the options that may stand before a command. */
static void
table_init(struct table *table, const struct ctl_command *command)
{
	const struct ctl_option *row;
	size_t index = 0;

	memset(table, 0, sizeof(*table));
	if (command == NULL)
		table->letters[table->letters_size++] = '+'; /* stop there */
	while ((row = ctl_next_option(command, &index)) != NULL)
		table_add(table, row);
}

static const struct ctl_option *
table_row(const struct table *table, int option)
{
	size_t i;

	if (option >= OPTION_FIRST)
		return table->rows[option - OPTION_FIRST];
	for (i = 0; i < table->count; i++)
		if (option == table->rows[i]->letter)
			return table->rows[i];
	return NULL;
}

/* ---- reading ---- */

static void
add_given(struct ctl *ctl, const struct ctl_option *option, const char *value)
{
	size_t size = sizeof(ctl->given[0]);

	ctl->given = arena_resize(ctl->arena, ctl->given,
	    size * ctl->given_count, size * (ctl->given_count + 1));
	ctl->given[ctl->given_count++] =
	    (struct ctl_given){ option, value == NULL ? "" : value };
}

/* Read the arguments from optind on; false: getopt_long has printed what is
 * wrong. */
static bool
read_options(int argc, char **argv, struct table *table, struct ctl *ctl)
{
	const struct ctl_option *row;
	int option;

	while ((option = getopt_long(
		    argc, argv, table->letters, table->longs, NULL)) != -1) {
		row = table_row(table, option);
		if (row == NULL)
			return false;
		add_given(ctl, row, optarg);
	}
	return true;
}

/* The next value of an option of this name; NULL: there are no more. */
static const char *
next_given(const struct ctl *ctl, const char *name, size_t *index)
{
	const struct ctl_given *given;

	while (*index < ctl->given_count) {
		given = &ctl->given[(*index)++];
		if (strcmp(given->option->name, name) == 0)
			return given->value;
	}
	return NULL;
}

static bool
was_given(const struct ctl *ctl, const char *name)
{
	size_t index = 0;

	return next_given(ctl, name, &index) != NULL;
}

static int
check_operands(const struct ctl *ctl)
{
	const struct ctl_command *command = ctl->command;
	size_t i;

	for (i = 0; i < ctl->operand_count; i++)
		if (ctl->operands[i][0] == '\0')
			return ctl_usage(ctl, "an operand is empty, as of a "
					      "variable that is not set");
	if (ctl->operand_count < command->least)
		return ctl_usage(
		    ctl, "%s needs %s", command->name, command->operands);
	if (ctl->operand_count <= command->most)
		return CTL_OK;
	return ctl_usage(
	    ctl, "what is \"%.200s\"?", ctl->operands[command->most]);
}

/* Refuse options that stood before the command and are not for it. */
static int
check_common(const struct ctl *ctl)
{
	const struct ctl_option *option;
	size_t i;

	for (i = 0; i < ctl->given_count; i++) {
		option = ctl->given[i].option;
		if (option < common_options ||
		    option >= common_options + COUNT_OF(common_where) ||
		    is_common_of(option, ctl->command->where))
			continue;
		return ctl_usage(
		    ctl, "%s takes no --%s", ctl->command->name, option->name);
	}
	return CTL_OK;
}

/* The command, which is argv[0], and what follows it. */
static int
read_command(int argc, char **argv, struct ctl *ctl)
{
	struct table table;

	ctl->command = ctl_find(argv[0]);
	if (ctl->command == NULL)
		return ctl_usage(
		    ctl, "there is no command \"%.200s\"", argv[0]);
	/* getopt_long begins its sentences with argv[0]. */
	argv[0] = arena_string(ctl->arena,
	    arena_printf(ctl->arena, "artifactctl %s", ctl->command->name));
	optind = 0; /* it begins anew, and lets operands come first */
	table_init(&table, ctl->command);
	if (!read_options(argc, argv, &table, ctl))
		return ctl_error(
		    CTL_USAGE, "see artifactctl help %s", ctl->command->name);
	ctl->operands = argv + optind;
	ctl->operand_count = (size_t)(argc - optind);
	return CTL_OK;
}

int
ctl_read(int argc, char **argv, struct ctl *ctl, bool *ret_help)
{
	struct table table;
	int exit_code = CTL_OK;

	optind = 0; /* these may not be the first arguments that are read */
	table_init(&table, NULL);
	if (!read_options(argc, argv, &table, ctl))
		return ctl_error(CTL_USAGE, "see artifactctl help");
	if (optind < argc)
		exit_code = read_command(argc - optind, argv + optind, ctl);
	*ret_help = was_given(ctl, "help");
	ctl->is_json = was_given(ctl, "json");
	if (was_given(ctl, "quiet")) {
		ctl->is_watched = false;
		ctl_be_quiet();
	}
	if (exit_code != CTL_OK || *ret_help)
		return exit_code;
	if (was_given(ctl, "version")) {
		ctl->command = NULL;
		return CTL_OK;
	}
	if (ctl->command == NULL)
		return ctl_usage(ctl, "which command?");
	exit_code = check_common(ctl);
	return exit_code == CTL_OK ? check_operands(ctl) : exit_code;
}

/* ---- values ---- */

/* A command may ask only for an option of its own rows or of the common
 * ones. */
static void
assert_option(const struct ctl *ctl, const char *name)
{
	const struct ctl_option *option;
	size_t index = 0;

	while ((option = ctl_next_option(ctl->command, &index)) != NULL)
		if (strcmp(option->name, name) == 0)
			return;
	assert(false); /* it has to be an option of this command */
}

const char *
ctl_next_value(const struct ctl *ctl, const char *name, size_t *index)
{
	assert_option(ctl, name);
	return next_given(ctl, name, index);
}

const char *
ctl_value(const struct ctl *ctl, const char *name)
{
	const char *value = NULL;
	const char *next;
	size_t index = 0;

	while ((next = ctl_next_value(ctl, name, &index)) != NULL)
		value = next;
	return value;
}

bool
ctl_has(const struct ctl *ctl, const char *name)
{
	return ctl_value(ctl, name) != NULL;
}

/* A whole number, and what stands behind it. */
static bool
split_number(const char *text, uint64_t *ret_number, const char **ret_rest)
{
	size_t digits = span_digits(span_str(text));

	*ret_rest = text + digits;
	return span_number(span_of(text, digits), ret_number);
}

int
ctl_number(const struct ctl *ctl, const char *name, uint64_t min, uint64_t max,
    uint64_t *ret_number)
{
	const char *text = ctl_value(ctl, name);
	const char *rest;
	uint64_t number;

	if (text == NULL)
		return CTL_OK;
	if (!split_number(text, &number, &rest) || *rest != '\0' ||
	    number < min || number > max)
		return ctl_usage(ctl,
		    "--%s is \"%.200s\", but has to be a whole number from "
		    "%llu to %llu",
		    name, text, (unsigned long long)min,
		    (unsigned long long)max);
	*ret_number = number;
	return CTL_OK;
}

/* Read a number and its unit. The unit may be missing if there is one to
 * assume. */
static bool
parse_seconds(const char *text, const char *assumed_unit, uint64_t *ret_seconds)
{
	static const struct {
		const char *unit;
		uint64_t seconds;
	} units[] = { { "s", 1 }, { "m", 60 }, { "h", 3600 }, { "d", 86400 },
		{ "w", 604800 } };
	const char *unit;
	uint64_t number;
	size_t i;

	if (!split_number(text, &number, &unit))
		return false;
	if (*unit == '\0')
		unit = assumed_unit;
	for (i = 0; i < COUNT_OF(units); i++)
		if (strcmp(unit, units[i].unit) == 0 &&
		    number <= SECONDS_MOST / units[i].seconds) {
			*ret_seconds = number * units[i].seconds;
			return true;
		}
	return false;
}

int
ctl_seconds(const struct ctl *ctl, const char *name, uint64_t *ret_seconds)
{
	const char *text = ctl_value(ctl, name);

	if (text == NULL || parse_seconds(text, "", ret_seconds))
		return CTL_OK;
	return ctl_usage(ctl,
	    "--%s is \"%.200s\", but has to be a number and one of s, m, h, d, "
	    "w behind it, such as 90d",
	    name, text);
}

int
ctl_timeout(const struct ctl *ctl, uint64_t *ret_seconds)
{
	const char *text = ctl_value(ctl, "timeout");
	uint64_t seconds = 0;

	if (text == NULL)
		return CTL_OK;
	/* A number without a unit is in seconds, as in other programs. */
	if (!parse_seconds(text, "s", &seconds) || seconds == 0)
		return ctl_usage(ctl,
		    "--timeout is \"%.200s\", but has to be a number of "
		    "seconds, or of m, h, d, w with that behind it",
		    text);
	*ret_seconds = seconds;
	return CTL_OK;
}
