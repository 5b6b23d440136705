/* SPDX-License-Identifier: ISC */
#include "base/mem.h"

#include <criterion/criterion.h>

/* ---- spans ---- */

Test(mem, absent_and_empty_spans_are_two_things)
{
	cr_assert_null(span_str(NULL).data);
	cr_assert_not_null(span_str("").data);
	cr_assert_null(SPAN_NONE.data);
	cr_assert_eq(SPAN("a\0b").size, 3);
	cr_assert_eq(span_of("abc", 2).size, 2);
}

Test(mem, compares_spans_by_their_bytes)
{
	cr_assert(span_equal(SPAN("a\0b"), SPAN("a\0b")));
	cr_assert_not(span_equal(SPAN("a\0b"), SPAN("a\0c")));
	cr_assert_not(span_equal(SPAN("a"), SPAN("ab")));
	cr_assert(span_equal(SPAN_NONE, SPAN("")), "both hold nothing");
	cr_assert(span_is(SPAN("abc"), "abc"));
	cr_assert_not(span_is(SPAN("abc"), "ab"));
	cr_assert_not(span_is(SPAN("ab\0"), "ab"));
	cr_assert(span_is_nocase(SPAN("Content-TYPE"), "content-type"));
	cr_assert_not(span_is_nocase(SPAN("content_type"), "content-type"));
	cr_assert_not(span_is_nocase(SPAN("@"), "`"));
	cr_assert_not(span_is_nocase(SPAN("\xc9"), "\xe9"));
}

Test(mem, looks_into_spans)
{
	cr_assert(span_starts_with(SPAN("/api/v1"), "/api"));
	cr_assert(span_starts_with(SPAN("/api"), "/api"));
	cr_assert(span_starts_with(SPAN("x"), ""));
	cr_assert_not(span_starts_with(SPAN("/ap"), "/api"));
	cr_assert_eq(span_find(SPAN("a=b=c"), '='), 1);
	cr_assert_eq(span_find(SPAN("abc"), '='), 3);
	cr_assert_eq(span_find(SPAN_NONE, '='), 0);
	cr_assert(span_is(span_from(SPAN("abc"), 1), "bc"));
	cr_assert(span_is(span_from(SPAN("abc"), 3), ""));
	cr_assert_null(span_from(SPAN_NONE, 0).data);
	cr_assert(span_is(span_end(SPAN("abc"), 2), "bc"));
	cr_assert(span_is(span_end(SPAN("abc"), 4), "abc"));
	cr_assert(span_is(span_end(SPAN("abc"), 0), ""));
}

Test(mem, finds_a_part_in_a_span)
{
	static const struct {
		struct span span;
		struct span part;
		bool is_there;
	} cases[] = {
		{ { "plan.md", 7 }, { "plan.md", 7 }, true },
		{ { "plan.md", 7 }, { "pl", 2 }, true },
		{ { "plan.md", 7 }, { ".", 1 }, true },
		{ { "plan.md", 7 }, { "md", 2 }, true },
		{ { "plan.md", 7 }, { "mdx", 3 }, false },
		{ { "plan.md", 7 }, { "Plan", 4 }, false },
		{ { "plan.md", 7 }, { "plan.md.", 8 }, false },
		{ { "aaaab", 5 }, { "aab", 3 }, true },
		{ { "a\0b", 3 }, { "\0b", 2 }, true },
		{ { "a\0b", 3 }, { "\0c", 2 }, false },
		{ { "a", 1 }, { "", 0 }, true },
		{ { "", 0 }, { "", 0 }, true },
		{ { "", 0 }, { "a", 1 }, false },
		{ { NULL, 0 }, { NULL, 0 }, true },
		{ { NULL, 0 }, { "a", 1 }, false },
		{ { "a", 1 }, { NULL, 0 }, true },
	};
	size_t i;

	for (i = 0; i < COUNT_OF(cases); i++)
		cr_expect_eq(span_contains(cases[i].span, cases[i].part),
		    cases[i].is_there, "%zu", i);
}

/* What looks most alike, so that a search looks longest: one letter, and a part
 * of it with another letter at each place. */
Test(mem, finds_a_part_that_nearly_is_everywhere)
{
	static char text[4096], part[400];
	size_t size, i;

	memset(text, 'a', sizeof(text));
	for (size = 1; size < sizeof(part); size += 7) {
		memset(part, 'a', size);
		cr_assert(span_contains(
		    span_of(text, sizeof(text)), span_of(part, size)));
		for (i = 0; i < size; i += 13) {
			part[i] = 'b';
			cr_assert_not(span_contains(
			    span_of(text, sizeof(text)), span_of(part, size)));
			text[sizeof(text) - size + i] = 'b';
			cr_assert(span_contains(
			    span_of(text, sizeof(text)), span_of(part, size)));
			text[sizeof(text) - size + i] = 'a';
			part[i] = 'a';
		}
	}
}

Test(mem, trims_space_and_tab_at_both_ends_only)
{
	cr_assert(span_is(span_trim(SPAN(" \t a b\t ")), "a b"));
	cr_assert(span_is(span_trim(SPAN(" \t ")), ""));
	cr_assert(span_is(span_trim(SPAN("")), ""));
	cr_assert(span_is(span_trim(SPAN("\na\r")), "\na\r"));
}

Test(mem, splits_at_each_separator)
{
	struct span rest = SPAN("a&&b&");

	cr_assert(span_is(span_split(&rest, '&'), "a"));
	cr_assert(span_is(span_split(&rest, '&'), ""));
	cr_assert(span_is(span_split(&rest, '&'), "b"));
	cr_assert_not_null(rest.data, "something follows, if only nothing");
	cr_assert(span_is(span_split(&rest, '&'), ""));
	cr_assert_null(rest.data);
}

Test(mem, knows_ascii_and_nothing_else)
{
	int byte;

	for (byte = 0; byte < 256; byte++) {
		bool is_upper = byte >= 'A' && byte <= 'Z';
		bool is_lower = byte >= 'a' && byte <= 'z';
		bool is_digit = byte >= '0' && byte <= '9';

		cr_assert_eq(ascii_lower((char)byte),
		    (char)(is_upper ? byte + 32 : byte));
		cr_assert_eq(ascii_is_alpha((char)byte), is_upper || is_lower);
		cr_assert_eq(ascii_is_digit((char)byte), is_digit);
	}
	cr_assert_eq(ascii_hex('0'), 0);
	cr_assert_eq(ascii_hex('9'), 9);
	cr_assert_eq(ascii_hex('a'), 10);
	cr_assert_eq(ascii_hex('F'), 15);
	cr_assert_eq(ascii_hex('g'), -1);
	cr_assert_eq(ascii_hex('/'), -1);
	cr_assert_eq(ascii_hex(':'), -1);
	cr_assert_eq(ascii_hex('@'), -1);
	cr_assert_eq(ascii_hex('`'), -1);
}

/* ---- arenas ---- */

static bool
is_filled(const char *data, size_t size, char byte)
{
	size_t i;

	for (i = 0; i < size; i++)
		if (data[i] != byte)
			return false;
	return true;
}

Test(mem, lowers_ascii_letters_only)
{
	struct arena *arena = arena_open();
	struct span lower;

	lower = span_lower(arena, SPAN("Code-\xc3\x89Z@["));
	cr_assert(span_is(lower, "code-\xc3\x89z@["));
	cr_assert_null(span_lower(arena, SPAN_NONE).data);
	cr_assert_not_null(span_lower(arena, SPAN("")).data);
	arena_close(arena);
}

Test(mem, allocations_are_zeroed_aligned_and_apart)
{
	static const size_t sizes[] = { 0, 1, 15, 16, 17, 100, 4080, 4095, 4096,
		4097, 16384, 100000 };
	enum { COUNT = sizeof(sizes) / sizeof(*sizes), ROUNDS = 50 };
	struct arena *arena = arena_open();
	char *data[ROUNDS][COUNT];
	size_t i, round;

	for (round = 0; round < ROUNDS; round++) {
		for (i = 0; i < COUNT; i++) {
			data[round][i] = arena_alloc(arena, sizes[i]);
			cr_assert_not_null(data[round][i]);
			cr_assert_eq((uintptr_t)data[round][i] % 16, 0);
			cr_assert(is_filled(data[round][i], sizes[i], 0));
			memset(data[round][i], (int)(round + 1), sizes[i]);
		}
	}
	for (round = 0; round < ROUNDS; round++)
		for (i = 0; i < COUNT; i++)
			cr_assert(is_filled(
			    data[round][i], sizes[i], (char)(round + 1)));
	arena_close(arena);
}

/* Through the size at which an allocation gets a block of its own. */
Test(mem, resizing_keeps_the_bytes)
{
	static const size_t sizes[] = { 0, 1, 100, 4095, 4096, 5000, 300000,
		4096, 70000, 10, 4097 };
	struct arena *arena = arena_open();
	char *data = NULL;
	char *neighbour;
	size_t old_size = 0;
	size_t i, kept;

	for (i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		data = arena_resize(arena, data, old_size, sizes[i]);
		kept = old_size < sizes[i] ? old_size : sizes[i];
		cr_assert(is_filled(data, kept, 'x'), "%zu", i);
		memset(data, 'x', sizes[i]);
		old_size = sizes[i];
		neighbour = arena_alloc(arena, 5000);
		memset(neighbour, 'y', 5000);
		memset(arena_alloc(arena, 50), 'z', 50);
	}
	arena_close(arena);
}

/* A block that moves stays in its list: the sanitizer would see a leak. */
Test(mem, large_blocks_move_wherever_they_are_in_the_list)
{
	struct arena *arena = arena_open();
	char *data[3];
	size_t i, round;

	for (i = 0; i < 3; i++)
		data[i] = arena_alloc(arena, 8192);
	for (round = 1; round <= 8; round++)
		for (i = 0; i < 3; i++) {
			data[i] = arena_resize(arena, data[i],
			    round == 1 ? 8192 : (round - 1) * 300000,
			    round * 300000);
			memset(data[i], (int)i, round * 300000);
		}
	for (i = 0; i < 3; i++)
		cr_assert(is_filled(data[i], 8 * 300000, (char)i));
	arena_close(arena);
}

static char order[4];

static void
note(void *object)
{
	order[strlen(order)] = *(char *)object;
}

Test(mem, cleanups_run_newest_first_and_once)
{
	struct arena *arena = arena_open();
	char names[] = "abc";

	arena_defer(arena, note, &names[0]);
	arena_defer(arena, note, &names[1]);
	arena_defer(arena, note, &names[2]);
	arena_reset(arena);
	cr_assert_str_eq(order, "cba");
	arena_close(arena);
	cr_assert_str_eq(order, "cba");
	arena_close(NULL);
}

Test(mem, an_arena_serves_again_after_a_reset)
{
	struct arena *arena = arena_open();
	int i;

	for (i = 0; i < 3; i++) {
		memset(arena_alloc(arena, 100), 'x', 100);
		memset(arena_alloc(arena, 100000), 'x', 100000);
		arena_reset(arena);
		cr_assert(is_filled(arena_alloc(arena, 100), 100, 0));
		cr_assert(is_filled(arena_alloc(arena, 100000), 100000, 0));
	}
	arena_close(arena);
}

Test(mem, copies_and_prints_into_an_arena)
{
	struct arena *arena = arena_open();
	char source[] = "a\0b";
	struct span copy = arena_copy(arena, span_of(source, 3));
	char *string = arena_string(arena, span_of(source, 3));
	struct span text;

	source[0] = 'X';
	cr_assert(span_equal(copy, SPAN("a\0b")));
	cr_assert_arr_eq(string, "a\0b", 4);
	cr_assert_null(arena_copy(arena, SPAN_NONE).data);
	cr_assert_not_null(arena_copy(arena, SPAN("")).data);
	cr_assert_str_eq(arena_string(arena, SPAN_NONE), "");
	text = arena_printf(arena, "%s-%05d", "abc", 42);
	cr_assert(span_is(text, "abc-00042"));
	cr_assert_eq(text.data[text.size], '\0');
	cr_assert_eq(arena_printf(arena, "%9999d", 1).size, 9999);
	arena_close(arena);
}

/* ---- buffers ---- */

Test(mem, a_buffer_grows_and_keeps_its_bytes)
{
	struct arena *arena = arena_open();
	struct buffer buffer;
	size_t i;

	buffer_init(&buffer, arena);
	for (i = 0; i < 100000; i++) {
		buffer_append_byte(&buffer, (char)i);
		/* Something beside it, so that it cannot stay in place. */
		if (i % 1000 == 0)
			(void)arena_alloc(arena, 64);
	}
	cr_assert_eq(buffer_span(&buffer).size, 100000);
	for (i = 0; i < 100000; i++)
		cr_assert(buffer.data[i] == (char)i);
	arena_close(arena);
}

Test(mem, a_buffer_takes_spans_and_formats)
{
	struct arena *arena = arena_open();
	struct buffer buffer;

	buffer_init(&buffer, arena);
	cr_assert_not_null(buffer_span(&buffer).data);
	buffer_append(&buffer, SPAN_NONE);
	buffer_append(&buffer, SPAN("a\0b"));
	buffer_printf(&buffer, "%d,%s", 7, "x");
	buffer_printf(&buffer, "%s", "");
	cr_assert(span_equal(buffer_span(&buffer), SPAN("a\0b7,x")));
	arena_close(arena);
}

Test(mem, a_buffer_hands_out_room_that_stays_its_own)
{
	struct arena *arena = arena_open();
	struct buffer buffer;
	size_t i, start;

	buffer_init(&buffer, arena);
	for (i = 0; i < 2800; i++) {
		memset(buffer_extend(&buffer, i % 7 + 1), (int)i, i % 7 + 1);
		memset(arena_room(arena, 40), 'x', 40);
	}
	cr_assert_eq(buffer.size, 2800 / 7 * (1 + 2 + 3 + 4 + 5 + 6 + 7));
	for (i = 0, start = 0; i < 2800; start += i % 7 + 1, i++)
		cr_assert(is_filled(buffer.data + start, i % 7 + 1, (char)i));
	arena_close(arena);
}

Test(mem, a_buffer_takes_numbers_in_decimal)
{
	static const struct {
		uint64_t number;
		const char *text;
	} cases[] = { { 0, "0" }, { 9, "9" }, { 10, "10" }, { 99, "99" },
		{ 100, "100" }, { 52428800, "52428800" },
		{ UINT64_MAX, "18446744073709551615" } };
	struct arena *arena = arena_open();
	struct buffer buffer;
	size_t i;

	buffer_init(&buffer, arena);
	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		buffer_clear(&buffer);
		buffer_append_number(&buffer, cases[i].number);
		cr_assert(span_is(buffer_span(&buffer), cases[i].text));
	}
	arena_close(arena);
}

Test(mem, room_is_aligned_and_apart)
{
	struct arena *arena = arena_open();
	char *data[200];
	size_t i;

	for (i = 0; i < 200; i++) {
		data[i] = arena_room(arena, i * 37);
		cr_assert_eq((uintptr_t)data[i] % 16, 0);
		memset(data[i], (int)i, i * 37);
	}
	for (i = 0; i < 200; i++)
		cr_assert(is_filled(data[i], i * 37, (char)i));
	/* What was room is zeroed when it is asked for as an allocation. */
	arena_reset(arena);
	cr_assert(is_filled(arena_alloc(arena, 3000), 3000, 0));
	arena_close(arena);
}

Test(mem, the_first_reserve_is_exact_and_clearing_keeps_room)
{
	struct arena *arena = arena_open();
	struct buffer buffer;
	char *data;

	buffer_init(&buffer, arena);
	buffer_reserve(&buffer, 12345);
	cr_assert_eq(buffer.capacity, 12345);
	data = buffer.data;
	memset(data, 'x', 12345);
	buffer.size = 12345;
	buffer_clear(&buffer);
	cr_assert_eq(buffer_span(&buffer).size, 0);
	buffer_append(&buffer, SPAN("y"));
	cr_assert_eq(buffer.data, data);
	cr_assert_eq(buffer.capacity, 12345);
	arena_close(arena);
}
