/* SPDX-License-Identifier: ISC */
#include "ctl_output.h"

#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <locale.h>

static void
print_rows(struct ctl *ctl)
{
	struct ctl_output *output;
	struct arena *arena = arena_open();
	struct ctl_row *row;
	size_t i;

	ctl->arena = arena_open();
	output = ctl_output_open(ctl);
	for (i = 0; i < 2; i++) {
		row = ctl_row(arena);
		ctl_row_text(row, "id", i == 0 ? SPAN("one") : SPAN_NONE);
		ctl_row_size(row, "bytes", i * 1536);
		ctl_row_text(row, "title", SPAN("a\tb\033[2J\"c"));
		ctl_output_row(output, row);
		arena_reset(arena);
	}
	ctl_output_close(output);
	fflush(stdout);
	arena_close(arena);
	arena_close(ctl->arena);
}

Test(ctl_output, counts_one_as_one)
{
	struct arena *arena = arena_open();

	cr_expect(span_is(ctl_count_text(arena, 0, "problem"), "0 problems"));
	cr_expect(span_is(ctl_count_text(arena, 1, "problem"), "1 problem"));
	cr_expect(span_is(ctl_count_text(arena, 2, "problem"), "2 problems"));
	arena_close(arena);
}

Test(ctl_output, knows_what_counts_of_several_exit_codes)
{
	static const int order[] = { CTL_OK, CTL_WOULD_CHANGE, CTL_TRY_LATER,
		CTL_CHANGED, CTL_NOT_FOUND, CTL_AMBIGUOUS, CTL_USAGE,
		CTL_FAILED, CTL_INTEGRITY };
	const size_t count = sizeof(order) / sizeof(order[0]);
	size_t i, j;

	for (i = 0; i < count; i++)
		for (j = 0; j <= i; j++) {
			cr_expect_eq(ctl_worse(order[i], order[j]), order[i]);
			cr_expect_eq(ctl_worse(order[j], order[i]), order[i]);
		}
}

Test(ctl_output, is_an_object_a_line_where_asked, .init = cr_redirect_stdout)
{
	struct ctl ctl = { .is_json = true, .is_terminal = true };

	print_rows(&ctl);
	cr_assert_stdout_eq_str("{\"id\":\"one\",\"bytes\":0,\"title\":"
				"\"a\\tb\\u001b[2J\\\"c\"}\n"
				"{\"id\":null,\"bytes\":1536,\"title\":"
				"\"a\\tb\\u001b[2J\\\"c\"}\n");
}

Test(ctl_output, is_a_table_on_a_terminal, .init = cr_redirect_stdout)
{
	struct ctl ctl = { .is_terminal = true };

	print_rows(&ctl);
	cr_assert_stdout_eq_str("id     bytes  title\n"
				"one      0 B  a\\x09b\\x1b[2J\"c\n"
				"-    1.5 KiB  a\\x09b\\x1b[2J\"c\n");
}

Test(ctl_output, is_no_wider_than_the_terminal, .init = cr_redirect_stdout)
{
	struct ctl ctl = { .is_terminal = true, .width = 20 };

	print_rows(&ctl);
	cr_assert_stdout_eq_str("id     bytes  title\n"
				"one      0 B  a\\x...\n"
				"-    1.5 KiB  a\\x...\n");
}

Test(ctl_output, narrows_what_is_text_from_the_last_on,
    .init = cr_redirect_stdout)
{
	struct ctl ctl = { .is_terminal = true, .width = 10 };

	print_rows(&ctl);
	cr_assert_stdout_eq_str("id     bytes  t...\n"
				"one      0 B  a...\n"
				"-    1.5 KiB  a...\n");
}

Test(ctl_output, cuts_no_character_in_two)
{
	struct arena *arena = arena_open();

	cr_assert(span_is(ctl_fit(arena, SPAN("abcde"), 5), "abcde"));
	cr_assert(span_is(ctl_fit(arena, SPAN("abcdef"), 5), "ab..."));
	cr_assert(setlocale(LC_CTYPE, "C.UTF-8") != NULL);
	cr_assert(span_is(ctl_fit(arena, SPAN("\303\244\303\244\303\244"), 3),
	    "\303\244\303\244\303\244"));
	cr_assert(span_is(
	    ctl_fit(arena, SPAN("\303\244\303\244\303\244\303\244\303\244"), 4),
	    "\303\244..."));
	/* Two columns wide each. */
	cr_assert(span_is(
	    ctl_fit(arena, SPAN("\346\227\245\346\234\254\350\252\236"), 5),
	    "\346\227\245..."));
	arena_close(arena);
}

Test(ctl_output, stands_between_tabs_elsewhere, .init = cr_redirect_stdout)
{
	struct ctl ctl = { 0 };

	print_rows(&ctl);
	cr_assert_stdout_eq_str("one\t0\ta\\x09b\\x1b[2J\"c\n"
				"\t1536\ta\\x09b\\x1b[2J\"c\n");
}

Test(ctl_output, lets_no_byte_steer_a_terminal)
{
	static const struct {
		const char *text;
		const char *shown;
	} cases[] = {
		{ "", "" },
		{ "plain \303\244", "plain \303\244" },
		{ "\r\n\177", "\\x0d\\x0a\\x7f" },
		{ "\302\233m", "\\xc2\\x9bm" },
		{ "a\342\200\256b", "a\\xe2\\x80\\xaeb" },
		{ "\342\200\250\342\200\251\342\200\252",
		    "\\xe2\\x80\\xa8\\xe2\\x80\\xa9\\xe2\\x80\\xaa" },
		{ "\342\200\216\342\200\217",
		    "\\xe2\\x80\\x8e\\xe2\\x80\\x8f" },
		{ "\342\201\246\342\201\251",
		    "\\xe2\\x81\\xa6\\xe2\\x81\\xa9" },
		{ "\330\234", "\\xd8\\x9c" },
		{ "\330\235\342\200\215\342\200\220\342\200\247\342\200\257",
		    "\330\235\342\200\215\342\200\220\342\200\247\342\200"
		    "\257" },
		{ "\342\201\245\342\201\260", "\342\201\245\342\201\260" },
		{ "\342\201\252\357\277\271",
		    "\\xe2\\x81\\xaa\\xef\\xbf\\xb9" },
		{ "bad \377", "bad \357\277\275" },
	};
	struct arena *arena = arena_open();
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		cr_assert(span_is(ctl_visible(arena, span_str(cases[i].text)),
			      cases[i].shown),
		    "%s", cases[i].shown);
	arena_close(arena);
}

Test(ctl_output, sizes_are_for_people)
{
	struct arena *arena = arena_open();

	cr_assert(span_is(ctl_size_text(arena, 0), "0 B"));
	cr_assert(span_is(ctl_size_text(arena, 1023), "1023 B"));
	cr_assert(span_is(ctl_size_text(arena, 1024), "1.0 KiB"));
	cr_assert(span_is(ctl_size_text(arena, 52428800), "50.0 MiB"));
	cr_assert(span_is(ctl_size_text(arena, UINT64_MAX), "16384.0 PiB"));
	arena_close(arena);
}
