/* SPDX-License-Identifier: ISC */
#include "tool/client/rm.h"

#include <criterion/criterion.h>
#include <criterion/redirect.h>

static struct ctl ctl;

static void
set_up(void)
{
	cr_redirect_stderr();
	ctl = (struct ctl){ .arena = arena_open() };
}

static void
tear_down(void)
{
	arena_close(ctl.arena);
}

TestSuite(ctl_rm, .init = set_up, .fini = tear_down);

Test(ctl_rm, reads_a_line_as_the_options_of_rm)
{
	static const struct {
		const char *line;
		struct ctl_which filter;
	} cases[] = {
		{ "-w nightly --older-than 90d",
		    { .members.workflow = SPAN("nightly"),
			.older_than = 7776000 } },
		{ "  --keep-newest=10\t-t  log ",
		    { .members.type = SPAN("log"), .keep_newest = 10 } },
		{ "-w 'two words' -p \"it's\" -sx'y'z",
		    { .members.workflow = SPAN("two words"),
			.members.phase = SPAN("it's"),
			.members.session = SPAN("xyz") } },
		{ "--type a --type b", { .members.type = SPAN("b") } },
		{ "--all", { .older_than = 0 } },
	};
	struct ctl_which filter;
	size_t i, n;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		memset(&filter, 0xff, sizeof(filter));
		cr_assert_eq(ctl_rm_parse(&ctl, cases[i].line, &filter), CTL_OK,
		    "%s", cases[i].line);
		for (n = 0; n < FILTERS; n++)
			cr_expect(span_equal(filter.members.values[n],
				      cases[i].filter.members.values[n]),
			    "%s", cases[i].line);
		cr_expect_eq(filter.older_than, cases[i].filter.older_than);
		cr_expect_eq(filter.keep_newest, cases[i].filter.keep_newest);
	}
}

Test(ctl_rm, refuses_a_line_that_does_not_say_which)
{
	static const char *const lines[] = { "", "   ", "-w", "-w ''",
		"-w 'open", "-w a id", "--older-than 5", "--older-than 9x",
		"--keep-newest -1", "--all -w a", "-w a --yes",
		"-w a --dry-run", "-w a --url http://other", "--json --all",
		"--help", "--version", "--no-such", "-w a -",
		"-w a --keep-newest 0 -- b" };
	struct ctl_which filter;
	size_t i;

	for (i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		cr_expect_eq(ctl_rm_parse(&ctl, lines[i], &filter), CTL_USAGE,
		    "%s", lines[i]);
}

/* What was said, which is on standard error, is read back. */
static bool
says(const char *text)
{
	char said[1024];
	FILE *file = cr_get_redirected_stderr();
	size_t size;

	(void)fflush(stderr);
	size = fread(said, 1, sizeof(said) - 1, file);
	said[size] = '\0';
	return strstr(said, text) != NULL;
}

Test(ctl_rm, says_of_a_zero_that_it_leaves_none_out)
{
	struct ctl_which filter;

	cr_expect_eq(ctl_rm_parse(&ctl, "--older-than 0d", &filter), CTL_USAGE);
	cr_expect(says("--older-than of \"0d\" leaves none out"));
}

Test(ctl_rm, takes_an_age_alone_as_a_filter)
{
	struct ctl_which filter;

	cr_expect_eq(ctl_rm_parse(&ctl, "--older-than 1d", &filter), CTL_OK);
	cr_expect_eq(filter.older_than, 86400);
}

Test(ctl_rm, refuses_a_line_of_too_many_words)
{
	struct ctl_which filter;
	struct buffer line;
	size_t i;

	buffer_init(&line, ctl.arena);
	for (i = 0; i < 1000; i++)
		buffer_append(&line, SPAN("-wa "));
	buffer_append_byte(&line, '\0');
	cr_expect_eq(ctl_rm_parse(&ctl, line.data, &filter), CTL_USAGE);
}
