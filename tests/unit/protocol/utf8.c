/* SPDX-License-Identifier: ISC */
#include "protocol/utf8.h"

#include <criterion/criterion.h>

static const struct {
	const char *bytes;
	enum utf8 verdict;
	size_t size;
} sequences[] = {
	{ "a", UTF8_OK, 1 },
	{ "\x7f\x80", UTF8_OK, 1 },
	{ "\xc3\xa9x", UTF8_OK, 2 },
	{ "\xe0\xa0\x80", UTF8_OK, 3 },
	{ "\xed\x9f\xbf", UTF8_OK, 3 },
	{ "\xef\xbf\xbf", UTF8_OK, 3 },
	{ "\xf0\x90\x80\x80", UTF8_OK, 4 },
	{ "\xf4\x8f\xbf\xbf", UTF8_OK, 4 },
	{ "\x80", UTF8_BAD, 1 },
	{ "\xc0\xaf", UTF8_BAD, 1 },
	{ "\xc1\xbf", UTF8_BAD, 1 },
	{ "\xc3x", UTF8_BAD, 1 },
	{ "\xe0\x9f\x80", UTF8_BAD, 1 },
	{ "\xed\xa0\x80", UTF8_BAD, 1 },
	{ "\xe2\x82x", UTF8_BAD, 2 },
	{ "\xf0\x8f\x80\x80", UTF8_BAD, 1 },
	{ "\xf0\x9fx", UTF8_BAD, 2 },
	{ "\xf0\x9f\x98x", UTF8_BAD, 3 },
	{ "\xf4\x90\x80\x80", UTF8_BAD, 1 },
	{ "\xf5\x80\x80\x80", UTF8_BAD, 1 },
	{ "\xff", UTF8_BAD, 1 },
	{ "\xc3", UTF8_CUT_OFF, 1 },
	{ "\xe2\x82", UTF8_CUT_OFF, 2 },
	{ "\xf0\x9f\x98", UTF8_CUT_OFF, 3 },
};

Test(utf8, tells_well_formed_from_ill_formed_and_cut_off)
{
	size_t size;
	size_t i;

	for (i = 0; i < sizeof(sequences) / sizeof(sequences[0]); i++) {
		cr_expect_eq(utf8_next(span_str(sequences[i].bytes), &size),
		    sequences[i].verdict, "verdict %zu", i);
		cr_expect_eq(size, sequences[i].size, "size %zu", i);
	}
}

Test(utf8, finds_a_bad_byte_at_any_place_in_a_long_text)
{
	char text[40];
	size_t i;

	memset(text, 'a', sizeof(text));
	cr_assert(utf8_is_valid(span_of(text, sizeof(text))));
	for (i = 0; i < sizeof(text); i++) {
		text[i] = (char)0xff;
		cr_expect_not(utf8_is_valid(span_of(text, sizeof(text))));
		text[i] = 'a';
	}
}

Test(utf8, takes_empty_and_absent_text)
{
	cr_expect(utf8_is_valid(SPAN("")));
	cr_expect(utf8_is_valid(SPAN_NONE));
}

#define FFFD "\xef\xbf\xbd"

static const struct {
	const char *bytes;
	const char *repaired;
} repairs[] = {
	{ "\xff", FFFD },
	{ "a\xff"
	  "b",
	    "a" FFFD "b" },
	{ "\xed\xa0\x80", FFFD FFFD FFFD },
	{ "\xf0\x9fx", FFFD "x" },
	{ "\xe2\x82", FFFD },
	{ "\xf0\x9f\x98\xf0\x9f\x98\x80", FFFD "\xf0\x9f\x98\x80" },
	/* the example of Unicode 3.9, table 3-8 */
	{ "\xc0\xaf\xe0\x80\xbf\xf0\x81\x82\x41",
	    FFFD FFFD FFFD FFFD FFFD FFFD FFFD FFFD "A" },
	/* table 3-11 */
	{ "\xe1\x80\xe2\xf0\x91\x92\xf1\xbf\x41", FFFD FFFD FFFD FFFD "A" },
};

Test(utf8, puts_one_replacement_for_each_maximal_subpart)
{
	struct arena *arena = arena_open();
	struct span repaired;
	size_t i;

	for (i = 0; i < sizeof(repairs) / sizeof(repairs[0]); i++) {
		repaired = utf8_repair(arena, span_str(repairs[i].bytes));
		cr_expect(span_is(repaired, repairs[i].repaired), "%zu", i);
	}
	arena_close(arena);
}

Test(utf8, returns_valid_text_itself_when_repairing)
{
	struct span text = SPAN("caf\xc3\xa9");

	cr_expect_eq(utf8_repair(NULL, text).data, text.data);
	cr_expect_null(utf8_repair(NULL, SPAN_NONE).data);
}

Test(utf8, cuts_between_characters_only)
{
	struct span text = SPAN("a\xc3\xa9\xf0\x9f\x98\x80");
	static const size_t sizes[] = { 0, 1, 1, 3, 3, 3, 3, 7, 7 };
	size_t i;

	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		cr_expect_eq(utf8_cut(text, i).size, sizes[i], "at %zu", i);
}

Test(utf8, tells_what_steers_a_terminal)
{
	static const char *const steering[] = { "\n", "\x1b", "\x7f",
		"\xc2\x9b", "\xd8\x9c", "\xe2\x80\x8e", "\xe2\x80\xa8",
		"\xe2\x80\xae", "\xe2\x81\xa6", "\xe2\x81\xaf",
		"\xef\xbf\xb9" };
	/* U+200D joins the parts of an emoji, U+FFFD stands for bad bytes. */
	static const char *const plain[] = { " ", "~", "\xc2\xa0", "\xd8\x9d",
		"\xe2\x80\x8d", "\xe2\x80\xaf", "\xe2\x81\xa5", "\xef\xbf\xbd",
		"\xf0\x9f\x98\x80" };
	size_t i;

	for (i = 0; i < sizeof(steering) / sizeof(steering[0]); i++)
		cr_expect(utf8_steers(span_str(steering[i])), "%zu", i);
	for (i = 0; i < sizeof(plain) / sizeof(plain[0]); i++)
		cr_expect_not(utf8_steers(span_str(plain[i])), "%zu", i);
}
