/* SPDX-License-Identifier: ISC */
#include "base/pack.h"

#include <criterion/criterion.h>

Test(pack, gives_back_what_was_put)
{
	struct arena *arena = arena_open();
	struct unpack unpack = { 0 };
	struct buffer buffer;

	buffer_init(&buffer, arena);
	pack_u8(&buffer, 200);
	pack_u32(&buffer, 0x01020304);
	pack_u64(&buffer, UINT64_MAX - 1);
	pack_span(&buffer, SPAN("hello"));
	pack_span(&buffer, SPAN(""));
	pack_span(&buffer, SPAN_NONE);
	unpack.rest = buffer_span(&buffer);
	cr_assert_eq(unpack_u8(&unpack), 200);
	cr_assert_eq(unpack_u32(&unpack), 0x01020304);
	cr_assert_eq(unpack_u64(&unpack), UINT64_MAX - 1);
	cr_assert(span_is(unpack_span(&unpack, 5), "hello"));
	cr_assert_not_null(unpack_span(&unpack, 0).data);
	cr_assert_null(unpack_span(&unpack, 0).data);
	cr_assert(unpack_is_done(&unpack));
	arena_close(arena);
}

Test(pack, fails_for_good_past_the_end)
{
	struct unpack unpack = { .rest = SPAN("\1\2\3") };

	cr_assert_eq(unpack_u32(&unpack), 0);
	cr_assert_eq(unpack_u8(&unpack), 0);
	cr_assert(unpack.failed);
	cr_assert_not(unpack_is_done(&unpack));
}

Test(pack, fails_over_the_limit_of_a_text)
{
	struct unpack unpack = { .rest = SPAN("\0\0\0\3abc") };

	cr_assert_null(unpack_span(&unpack, 2).data);
	cr_assert(unpack.failed);
}

Test(pack, keys_sort_as_their_numbers)
{
	uint8_t one[8], other[8];

	pack_key(one, 0xff);
	pack_key(other, 0x100);
	cr_assert_lt(memcmp(one, other, 8), 0);
	cr_assert_eq(unpack_key(other), 0x100);
}
