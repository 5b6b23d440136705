/* SPDX-License-Identifier: ISC */
#include "protocol/utf8.h"

#include <criterion/criterion.h>
#include <locale.h>
#include <wctype.h>

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

/* ---- case ---- */

static struct arena *arena;

static void
set_up(void)
{
	arena = arena_open();
}

static void
tear_down(void)
{
	arena_close(arena);
}

TestSuite(utf8_fold, .init = set_up, .fini = tear_down);

static struct span
folded(struct span text)
{
	struct buffer buffer;

	buffer_init(&buffer, arena);
	utf8_fold(&buffer, text);
	return buffer_span(&buffer);
}

Test(utf8_fold, appends_a_code_point_of_each_size)
{
	static const struct {
		unsigned code;
		struct span bytes;
	} cases[] = {
		{ 0, { "\0", 1 } },
		{ 0x7f, { "\x7f", 1 } },
		{ 0x80, { "\xc2\x80", 2 } },
		{ 0x7ff, { "\xdf\xbf", 2 } },
		{ 0x800, { "\xe0\xa0\x80", 3 } },
		{ 0xffff, { "\xef\xbf\xbf", 3 } },
		{ 0x10000, { "\xf0\x90\x80\x80", 4 } },
		{ 0x1f600, { "\xf0\x9f\x98\x80", 4 } },
		{ 0x10ffff, { "\xf4\x8f\xbf\xbf", 4 } },
	};
	struct buffer buffer;
	size_t i;

	buffer_init(&buffer, arena);
	for (i = 0; i < COUNT_OF(cases); i++) {
		buffer_clear(&buffer);
		utf8_append(&buffer, cases[i].code);
		cr_expect(span_equal(buffer_span(&buffer), cases[i].bytes),
		    "U+%04X", cases[i].code);
	}
}

Test(utf8_fold, folds_the_letters_of_europe)
{
	static const struct {
		const char *text;
		const char *folded;
	} cases[] = {
		{ "", "" },
		{ "Plan.MD", "plan.md" },
		{ "@AZ[`az{", "@az[`az{" },
		/* A, E, I with accents, C with a cedilla */
		{ "\xc3\x80\xc3\x89\xc3\x8e\xc3\x87",
		    "\xc3\xa0\xc3\xa9\xc3\xae\xc3\xa7" },
		/* multiplication and division signs, sharp s */
		{ "\xc3\x97\xc3\xb7\xc3\x9f", "\xc3\x97\xc3\xb7\xc3\x9f" },
		/* Lodz: L with stroke, O with acute, Z with acute */
		{ "\xc5\x81\xc3\x93\x44\xc5\xb9",
		    "\xc5\x82\xc3\xb3\x64\xc5\xba" },
		{ "\xc5\xb8", "\xc3\xbf" }, /* Y with diaeresis */
		/* Turkish I with a dot and i without one: other sizes */
		{ "\xc4\xb0\xc4\xb1", "\xc4\xb0\xc4\xb1" },
		/* long s, of which the upper case is one byte */
		{ "\xc5\xbf", "\xc5\xbf" },
		/* ODOS, with a sigma and with a final one */
		{ "\xce\x9f\xce\x94\xce\x9f\xce\xa3",
		    "\xce\xbf\xce\xb4\xce\xbf\xcf\x83" },
		{ "\xce\xbf\xce\xb4\xcf\x8c\xcf\x82",
		    "\xce\xbf\xce\xb4\xcf\x8c\xcf\x83" },
		{ "\xce\x86\xce\x88\xce\x8c\xce\x8f",
		    "\xce\xac\xce\xad\xcf\x8c\xcf\x8e" },
		/* MOSKVA; io; Ukrainian ghe with upturn */
		{ "\xd0\x9c\xd0\x9e\xd0\xa1\xd0\x9a\xd0\x92\xd0\x90",
		    "\xd0\xbc\xd0\xbe\xd1\x81\xd0\xba\xd0\xb2\xd0\xb0" },
		{ "\xd0\x81\xd2\x90\xd0\xaf", "\xd1\x91\xd2\x91\xd1\x8f" },
		/* beyond: Armenian, Latin Extended Additional, Deseret, CJK */
		{ "\xd4\xb1", "\xd4\xb1" },
		{ "\xe1\xba\x9e\xe1\xbb\x86", "\xe1\xba\x9e\xe1\xbb\x86" },
		{ "\xf0\x90\x90\x80", "\xf0\x90\x90\x80" },
		{ "A\xe4\xb8\xad\xe6\x96\x87Z", "a\xe4\xb8\xad\xe6\x96\x87z" },
	};
	size_t i;

	for (i = 0; i < COUNT_OF(cases); i++)
		cr_expect(
		    span_is(folded(span_str(cases[i].text)), cases[i].folded),
		    "%s", cases[i].text);
	cr_expect_eq(folded(SPAN_NONE).size, 0);
}

/*
 * Another opinion of each letter: libc's, where its lower case has as many
 * bytes. Without the locale there is none.
 */
Test(utf8_fold, agrees_with_libc_about_each_letter)
{
	locale_t locale = newlocale(LC_CTYPE_MASK, "C.UTF-8", NULL);
	struct buffer letter, lower;
	unsigned code, plain;

	if (locale == NULL)
		cr_skip_test("no locale C.UTF-8");
	buffer_init(&letter, arena);
	buffer_init(&lower, arena);
	for (code = 0; code < 0x900; code++) {
		plain = code < 0x80 || (code >= 0xc0 && code <= 0x17f) ||
				(code >= 0x370 && code <= 0x52f)
			    ? (unsigned)towlower_l((wint_t)code, locale)
			    : code;
		if (code == 0x3c2)
			plain = 0x3c3; /* the final sigma */
		buffer_clear(&letter);
		utf8_append(&letter, code);
		buffer_clear(&lower);
		utf8_append(&lower, plain);
		cr_expect(span_equal(folded(buffer_span(&letter)),
			      lower.size == letter.size ? buffer_span(&lower)
							: buffer_span(&letter)),
		    "U+%04X", code);
	}
	freelocale(locale);
}

Test(utf8_fold, folds_a_letter_at_any_place_in_a_long_text)
{
	char text[40], lower[40];
	size_t i;

	memset(text, 'Q', sizeof(text));
	memset(lower, 'q', sizeof(lower));
	for (i = 0; i + 1 < sizeof(text); i++) {
		memcpy(text + i, "\xc3\x89", 2);
		memcpy(lower + i, "\xc3\xa9", 2);
		cr_expect(span_equal(folded(span_of(text, sizeof(text))),
			      span_of(lower, sizeof(lower))),
		    "%zu", i);
		text[i] = 'Q';
		lower[i] = 'q';
	}
}

Test(utf8_fold, leaves_what_is_ill_formed)
{
	static const struct span texts[] = { { "\xc3", 1 }, { "\xd0\xff", 2 },
		{ "\x80\x89\xbf", 3 }, { "\xc0\x81", 2 }, { "\xc1\x81", 2 },
		{ "\xf8\x89\xff", 3 }, { "\0\xce", 2 } };
	size_t i;

	for (i = 0; i < COUNT_OF(texts); i++)
		cr_expect(span_equal(folded(texts[i]), texts[i]), "%zu", i);
	cr_expect(span_is(folded(SPAN("\xc3"
				      "A\xd0\xc3\x89")),
	    "\xc3"
	    "a\xd0\xc3\xa9"));
}

Test(utf8_fold, appends_to_what_is_there)
{
	struct buffer buffer;

	buffer_init(&buffer, arena);
	utf8_fold(&buffer, SPAN(""));
	utf8_fold(&buffer, SPAN("Ab"));
	utf8_fold(&buffer, SPAN_NONE);
	utf8_fold(&buffer, SPAN("C"));
	cr_assert(span_is(buffer_span(&buffer), "abc"));
}
