/* SPDX-License-Identifier: ISC */
#include "tool/set.h"
#include "base/digest.h"

#include <criterion/criterion.h>

#define MANY 5000

Test(ctl_set, numbers_texts_in_the_order_in_which_they_came)
{
	struct arena *arena = arena_open();
	struct ctl_set set;
	struct span text;
	size_t number, i;

	ctl_set_init(&set, arena);
	for (i = 0; i < MANY; i++) {
		text = arena_printf(arena, "text %zu", i);
		cr_assert(ctl_set_add(&set, text, &number));
		cr_assert_eq(number, i);
	}
	cr_assert_eq(set.count, MANY);
	for (i = 0; i < MANY; i++) {
		text = arena_printf(arena, "text %zu", i);
		cr_assert_not(ctl_set_add(&set, text, &number));
		cr_assert_eq(number, i);
		cr_assert(span_equal(set.texts[i], text));
	}
	cr_assert_eq(set.count, MANY);
	arena_close(arena);
}

Test(ctl_set, keeps_apart_what_is_easily_confused)
{
	static const struct span texts[] = { { "", 0 }, { "a", 1 },
		{ "a\0", 2 }, { "A", 1 }, { "\0a", 2 } };
	struct arena *arena = arena_open();
	char bytes[] = "a";
	struct ctl_set set;
	size_t number = 0, i;

	ctl_set_init(&set, arena);
	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		cr_assert(ctl_set_add(&set, texts[i], NULL));
	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		cr_assert_not(ctl_set_add(&set, texts[i], &number));
		cr_assert_eq(number, i);
	}
	/* It has a copy of its own. */
	cr_assert_not(ctl_set_add(&set, span_of(bytes, 1), &number));
	bytes[0] = 'b';
	cr_assert(ctl_set_add(&set, span_of(bytes, 1), NULL));
	bytes[0] = 'c';
	cr_assert_not(ctl_set_add(&set, SPAN("b"), NULL));
	arena_close(arena);
}
