/* SPDX-License-Identifier: ISC */
#include "tool/output.h"

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

/* A row of a key, three texts, a size and an age; NULL is no text. */
static void
print_row(struct ctl_output *output, struct arena *arena, const char *one,
    const char *two, const char *three, uint64_t age)
{
	struct ctl_row *row = ctl_row(arena);

	ctl_row_key(row, "id", SPAN("0123456789ab"));
	ctl_row_text(row, "one", span_str(one));
	ctl_row_text(row, "two", span_str(two));
	ctl_row_text(row, "three", span_str(three));
	ctl_row_age(row, "age", age);
	ctl_output_row(output, row);
	arena_reset(arena);
}

static void
print_two(struct ctl *ctl, const char *one, const char *two, const char *three)
{
	struct arena *arena = arena_open();
	struct ctl_output *output;

	ctl->arena = arena_open();
	output = ctl_output_open(ctl);
	print_row(output, arena, one, two, three, 59);
	print_row(output, arena, "x", NULL, "", 172800);
	ctl_output_close(output);
	fflush(stdout);
	arena_close(arena);
	arena_close(ctl->arena);
}

Test(ctl_output, cuts_the_widest_column, .init = cr_redirect_stdout)
{
	struct ctl ctl = { .is_terminal = true, .width = 43 };

	print_two(&ctl, "abcdef", "abcdefghijklmnop", "abcdefghij");
	cr_assert_stdout_eq_str("id            one     two      three    age\n"
				"0123456789ab  abcdef  abcd...  abcd...  59s\n"
				"0123456789ab  x       -                  2d\n");
}

Test(ctl_output, leaves_out_what_is_empty_everywhere,
    .init = cr_redirect_stdout)
{
	struct ctl ctl = { .is_terminal = true, .width = 80 };

	print_two(&ctl, "abc", NULL, "");
	cr_assert_stdout_eq_str("id            one  age\n"
				"0123456789ab  abc  59s\n"
				"0123456789ab  x     2d\n");
}

Test(ctl_output, cuts_a_key_when_nothing_else_is_left,
    .init = cr_redirect_stdout)
{
	struct ctl ctl = { .is_terminal = true, .width = 20 };

	print_two(&ctl, "abcdef", NULL, "");
	cr_assert_stdout_eq_str("id         one   age\n"
				"012345...  a...  59s\n"
				"012345...  x      2d\n");
}

Test(ctl_output, shows_a_column_once_a_row_has_it, .init = cr_redirect_stdout)
{
	struct ctl ctl = { .is_terminal = true, .width = 80 };
	struct arena *arena = arena_open();
	struct ctl_output *output;
	size_t i;

	ctl.arena = arena_open();
	output = ctl_output_open(&ctl);
	for (i = 0; i < 200; i++) /* a page */
		print_row(output, arena, "a", NULL, NULL, 3600);
	print_row(output, arena, "a", "b", NULL, 7199);
	ctl_output_close(output);
	fflush(stdout);
	arena_close(arena);
	arena_close(ctl.arena);
	{
		char text[32768];
		size_t size = fread(
		    text, 1, sizeof(text) - 1, cr_get_redirected_stdout());
		const char *last = "id            one  two  age\n"
				   "0123456789ab  a    b     1h\n";

		text[size] = '\0';
		cr_assert(strncmp(text, "id            one  age\n", 23) == 0);
		cr_assert(size > strlen(last));
		cr_assert_str_eq(text + size - strlen(last), last);
	}
}

Test(ctl_output, says_an_age_to_people_only, .init = cr_redirect_stdout)
{
	struct ctl ctl = { 0 };

	print_two(&ctl, "abc", NULL, "");
	cr_assert_stdout_eq_str("0123456789ab\tabc\t\t\t59\n"
				"0123456789ab\tx\t\t\t172800\n");
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
