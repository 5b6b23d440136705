/* SPDX-License-Identifier: ISC */
#include "model/change.h"

#include <criterion/criterion.h>

static struct arena *arena;

static void
open_arena(void)
{
	arena = arena_open();
}

static void
close_arena(void)
{
	arena_close(arena);
}

TestSuite(change, .init = open_arena, .fini = close_arena);

static struct change
full_change(struct artifact *artifact)
{
	static uint8_t etags[2][ETAG_SIZE] = { { 1 }, { 2 } };
	static uint8_t hashes[1][DIGEST_SHA256_SIZE] = { { 3 } };
	struct change change = { .kind = CHANGE_CREATE, .number = 7 };

	*artifact = (struct artifact){
		.workflow = SPAN("w"), .type = SPAN("plan"), .title = SPAN("t")
	};
	artifact->content.type = SPAN("text/plain");
	change.artifact = artifact;
	change.owner = (struct owner){ 11, 12 };
	change.id.bytes[15] = 9;
	change.patch = PATCH_TITLE | PATCH_DERIVED;
	change.bytes = SPAN("hello\0world");
	change.blob = 1ULL << 40;
	change.chunk = 3;
	change.if_match.is_there = true;
	change.if_match.etags = etags;
	change.if_match.etag_count = 2;
	change.if_none_match.is_there = change.if_none_match.is_any = true;
	change.if_none_match.hashes = hashes;
	change.if_none_match.hash_count = 1;
	change.has_unmodified_since = true;
	change.unmodified_since = -5;
	change.has_key = true;
	change.key[0] = 5;
	change.meaning[31] = 6;
	return change;
}

static struct span
encoded(const struct change *change)
{
	struct buffer buffer;

	buffer_init(&buffer, arena);
	change_encode(change, &buffer);
	return buffer_span(&buffer);
}

Test(change, survives_being_sent)
{
	struct artifact artifact;
	struct change sent = full_change(&artifact), *got;

	cr_assert_eq(change_decode(encoded(&sent), arena, &got), RESULT_OK);
	cr_assert_eq(got->kind, CHANGE_CREATE);
	cr_assert_eq(got->number, 7);
	cr_assert_eq(got->owner.incarnation, 11);
	cr_assert_eq(got->owner.request, 12);
	cr_assert_eq(got->id.bytes[15], 9);
	cr_assert_eq(got->patch, sent.patch);
	cr_assert(span_equal(got->bytes, sent.bytes));
	cr_assert_eq(got->blob, sent.blob);
	cr_assert_eq(got->chunk, 3);
	cr_assert(got->if_match.is_there && !got->if_match.is_any);
	cr_assert_eq(got->if_match.etag_count, 2);
	cr_assert_eq(got->if_match.etags[1][0], 2);
	cr_assert_eq(got->if_match.hash_count, 0);
	cr_assert(got->if_none_match.is_there && got->if_none_match.is_any);
	cr_assert_eq(got->if_none_match.etag_count, 0);
	cr_assert_eq(got->if_none_match.hash_count, 1);
	cr_assert_eq(got->if_none_match.hashes[0][0], 3);
	cr_assert(got->has_unmodified_since);
	cr_assert_eq(got->unmodified_since, -5);
	cr_assert(got->has_key);
	cr_assert_eq(got->key[0], 5);
	cr_assert_eq(got->meaning[31], 6);
	cr_assert(span_is(got->artifact->title, "t"));
}

Test(change, is_refused_when_cut_off_anywhere)
{
	struct artifact artifact;
	struct change sent = full_change(&artifact), *got;
	struct span bytes = encoded(&sent);
	size_t size;

	for (size = 0; size < bytes.size; size++)
		cr_assert_eq(
		    change_decode(span_of(bytes.data, size), arena, &got),
		    RESULT_MALFORMED, "cut at %zu", size);
}

Test(change, is_refused_with_something_behind_it)
{
	struct change sent = { .kind = CHANGE_DELETE }, *got;
	struct buffer buffer;

	buffer_init(&buffer, arena);
	change_encode(&sent, &buffer);
	buffer_append_byte(&buffer, 0);
	cr_assert_eq(
	    change_decode(buffer_span(&buffer), arena, &got), RESULT_MALFORMED);
}

Test(change, is_refused_when_its_kind_lacks_something)
{
	struct artifact untyped = { .workflow = SPAN("w"), .title = SPAN("t") };
	struct change unsound[] = {
		{ .kind = 0 },
		{ .kind = 99 },
		{ .kind = CHANGE_CREATE },
		{ .kind = CHANGE_CREATE, .artifact = &untyped },
		{ .kind = CHANGE_UPDATE },
		{ .kind = CHANGE_CONTENT },
		{ .kind = CHANGE_STAGE, .blob = 1 },
		{ .kind = CHANGE_STAGE, .bytes = SPAN("x") },
		{ .kind = CHANGE_DROP },
		{ .kind = CHANGE_DELETE, .patch = 16 },
		{ .kind = CHANGE_IMPORT },
	};
	struct change *got;
	size_t i;

	for (i = 0; i < sizeof(unsound) / sizeof(*unsound); i++)
		cr_assert_eq(change_decode(encoded(&unsound[i]), arena, &got),
		    RESULT_MALFORMED, "row %zu", i);
}

Test(change, is_refused_with_more_bytes_than_a_chunk)
{
	struct change sent = { .kind = CHANGE_STAGE, .blob = 1 }, *got;

	sent.bytes =
	    span_of(arena_alloc(arena, LIMIT_CHUNK + 1), LIMIT_CHUNK + 1);
	cr_assert_eq(
	    change_decode(encoded(&sent), arena, &got), RESULT_MALFORMED);
	sent.bytes.size = LIMIT_CHUNK;
	cr_assert_eq(change_decode(encoded(&sent), arena, &got), RESULT_OK);
}

Test(change, refuses_an_update_to_no_title)
{
	struct artifact artifact;
	struct change sent = full_change(&artifact), *got;

	sent.kind = CHANGE_UPDATE;
	cr_assert_eq(change_decode(encoded(&sent), arena, &got), RESULT_OK);
	artifact.title = SPAN_NONE;
	cr_assert_eq(
	    change_decode(encoded(&sent), arena, &got), RESULT_MALFORMED);
}

/* Who can send could say when something was made, and who made it. */
Test(change, is_refused_when_it_is_an_import)
{
	struct artifact artifact;
	struct change sent = full_change(&artifact), *got;

	cr_assert_eq(change_decode(encoded(&sent), arena, &got), RESULT_OK);
	sent.kind = CHANGE_IMPORT;
	cr_assert_eq(
	    change_decode(encoded(&sent), arena, &got), RESULT_MALFORMED);
}
