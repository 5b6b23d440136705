/* SPDX-License-Identifier: ISC */
#include "tool/client/remote.h"

#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <getopt.h>
#include <stdlib.h>

/* tool/ctl.c has main and the table of commands; this one is the tests'. */
static int
run_nothing(struct ctl *ctl)
{
	(void)ctl;
	return CTL_OK;
}

static const struct ctl_option options[] = {
	CTL_FILTERS,
	{ "limit", 0, "N", "at most so many" },
	{ "older-than", 0, "AGE", "only those" },
	{ "yes", 0, NULL, "do not ask" },
	{ NULL, 0, NULL, NULL },
};

static const struct ctl_command remote = {
	.name = "sort",
	.summary = "Sort",
	.operands = "ID...",
	.least = 1,
	.most = 2,
	.where = CTL_REMOTE,
	.options = options,
	.run = run_nothing,
};

const struct ctl_command *const ctl_commands[] = { &remote, &ctl_command_rm,
	NULL };

/* Words up to a NULL; *ctl is what they mean, and keeps them. */
static int
read_words(struct ctl *ctl, bool *ret_help, char **words)
{
	char **mine;
	int count;

	*ctl = (struct ctl){ .arena = arena_open() };
	mine = arena_alloc(ctl->arena, 16 * sizeof(*mine));
	for (count = 0; words[count] != NULL; count++)
		mine[count] = arena_string(ctl->arena, span_str(words[count]));
	*ret_help = false;
	optind = 0; /* getopt_long begins anew */
	return ctl_read(count, mine, ctl, ret_help);
}

#define READ(ctl, ret_help, ...) \
	read_words(ctl, ret_help, \
	    (char *[]){ (char[]){ "artifactctl" }, __VA_ARGS__, NULL })
#define WORD(literal) ((char[]){ literal })

Test(ctl_options, refuses_an_empty_operand, .init = cr_redirect_stderr)
{
	struct ctl ctl;
	bool is_help;

	cr_expect_eq(READ(&ctl, &is_help, WORD("sort"), WORD("")), CTL_USAGE);
	arena_close(ctl.arena);
	cr_expect_eq(
	    READ(&ctl, &is_help, WORD("sort"), WORD("a"), WORD("")), CTL_USAGE);
	arena_close(ctl.arena);
}

Test(ctl_options, are_taken_before_and_after_operands,
    .init = cr_redirect_stderr)
{
	struct ctl ctl;
	bool is_help;
	size_t index = 0;

	cr_assert_eq(READ(&ctl, &is_help, WORD("--json"), WORD("sort"),
			 WORD("-w"), WORD("one"), WORD("abc"),
			 WORD("--workflow=two"), WORD("--yes")),
	    CTL_OK);
	cr_assert(ctl.is_json);
	cr_assert_eq(ctl.operand_count, 1);
	cr_assert_str_eq(ctl.operands[0], "abc");
	cr_assert_str_eq(ctl_value(&ctl, "workflow"), "two");
	cr_assert_str_eq(ctl_next_value(&ctl, "workflow", &index), "one");
	cr_assert_str_eq(ctl_next_value(&ctl, "workflow", &index), "two");
	cr_assert_null(ctl_next_value(&ctl, "workflow", &index));
	cr_assert(ctl_has(&ctl, "yes"));
	cr_assert_not(ctl_has(&ctl, "limit"));
	arena_close(ctl.arena);
}

Test(ctl_options, of_the_other_kind_of_command_are_refused,
    .init = cr_redirect_stderr)
{
	struct ctl ctl;
	bool is_help;

	cr_assert_eq(READ(&ctl, &is_help, WORD("--config"), WORD("/x"),
			 WORD("sort"), WORD("abc")),
	    CTL_USAGE);
	arena_close(ctl.arena);
	cr_assert_eq(READ(&ctl, &is_help, WORD("sort"), WORD("abc"),
			 WORD("--config"), WORD("/x")),
	    CTL_USAGE);
	arena_close(ctl.arena);
	cr_assert_eq(READ(&ctl, &is_help, WORD("sort"), WORD("abc"),
			 WORD("--url"), WORD("http://127.0.0.1")),
	    CTL_OK);
	arena_close(ctl.arena);
}

Test(ctl_options, operands_are_counted, .init = cr_redirect_stderr)
{
	struct ctl ctl;
	bool is_help;

	cr_assert_eq(READ(&ctl, &is_help, WORD("sort")), CTL_USAGE);
	arena_close(ctl.arena);
	cr_assert_eq(
	    READ(&ctl, &is_help, WORD("sort"), WORD("a"), WORD("-")), CTL_OK);
	arena_close(ctl.arena);
	cr_assert_eq(
	    READ(&ctl, &is_help, WORD("sort"), WORD("a"), WORD("b"), WORD("c")),
	    CTL_USAGE);
	arena_close(ctl.arena);
	cr_assert_eq(READ(&ctl, &is_help, WORD("tidy")), CTL_USAGE);
	arena_close(ctl.arena);
	cr_assert_eq(READ(&ctl, &is_help, WORD("--json")), CTL_USAGE);
	arena_close(ctl.arena);
}

Test(
    ctl_options, help_and_version_need_nothing_else, .init = cr_redirect_stderr)
{
	struct ctl ctl;
	bool is_help;

	cr_assert_eq(READ(&ctl, &is_help, WORD("sort"), WORD("-h")), CTL_OK);
	cr_assert(is_help);
	cr_assert_eq(ctl.command, &remote);
	arena_close(ctl.arena);
	cr_assert_eq(READ(&ctl, &is_help, WORD("--version")), CTL_OK);
	cr_assert_not(is_help);
	cr_assert_null(ctl.command);
	arena_close(ctl.arena);
}

static int
number_of(const char *text, uint64_t *ret_number)
{
	struct ctl ctl;
	bool is_help;
	int exit_code;
	char word[64];

	(void)snprintf(word, sizeof(word), "--limit=%s", text);
	cr_assert_eq(
	    READ(&ctl, &is_help, WORD("sort"), WORD("a"), word), CTL_OK);
	exit_code = ctl_number(&ctl, "limit", 1, 200, ret_number);
	arena_close(ctl.arena);
	return exit_code;
}

Test(ctl_options, numbers_are_whole_and_within_bounds,
    .init = cr_redirect_stderr)
{
	static const char *const bad[] = { "", "0", "201", "-1", "+5", "5x",
		"0x5", "99999999999999999999", " 5" };
	uint64_t number = 7;
	size_t i;

	cr_assert_eq(number_of("200", &number), CTL_OK);
	cr_assert_eq(number, 200);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		cr_assert_eq(
		    number_of(bad[i], &number), CTL_USAGE, "%s", bad[i]);
	cr_assert_eq(number, 200);
}

static int
seconds_of(const char *text, uint64_t *ret_seconds)
{
	struct ctl ctl;
	bool is_help;
	int exit_code;
	char word[64];

	(void)snprintf(word, sizeof(word), "--older-than=%s", text);
	cr_assert_eq(
	    READ(&ctl, &is_help, WORD("sort"), WORD("a"), word), CTL_OK);
	exit_code = ctl_seconds(&ctl, "older-than", ret_seconds);
	arena_close(ctl.arena);
	return exit_code;
}

Test(ctl_options, ages_have_a_unit, .init = cr_redirect_stderr)
{
	static const struct {
		const char *text;
		uint64_t seconds;
	} good[] = { { "30s", 30 }, { "15m", 900 }, { "12h", 43200 },
		{ "90d", 7776000 }, { "2w", 1209600 }, { "0d", 0 } };
	static const char *const bad[] = { "", "90", "d", "90D", "1y", "-1d",
		"1.5d", "1dd", "99999999999w", "18446744073709551616s" };
	uint64_t seconds = 0;
	size_t i;

	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		cr_assert_eq(seconds_of(good[i].text, &seconds), CTL_OK);
		cr_assert_eq(seconds, good[i].seconds);
	}
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		cr_assert_eq(
		    seconds_of(bad[i], &seconds), CTL_USAGE, "%s", bad[i]);
}
