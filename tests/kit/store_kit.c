/* SPDX-License-Identifier: ISC */
/* store_kit.c - helpers that the tests of a store share. */

#include "store_kit.h"

#include <criterion/criterion.h>
#include <stdlib.h>

#define SEED 20260331

static uint64_t
seed(void)
{
	const char *text = getenv("TEST_SEED");

	if (text == NULL)
		return SEED;
	cr_log_warn("TEST_SEED=%s", text);
	return strtoull(text, NULL, 10);
}

struct kit
kit_open(const struct subject *subject, uint64_t max_bytes)
{
	struct kit kit = { .subject = subject, .owner = { 77, 1 } };

	cr_assert(digest_init());
	kit.random = seed();
	kit.arena = arena_open();
	kit.store = subject->open(max_bytes);
	cr_assert_not_null(kit.store);
	return kit;
}

void
kit_close(struct kit *kit)
{
	if (kit->subject->close != NULL)
		kit->subject->close(kit->store);
	else
		store_close(kit->store);
	arena_close(kit->arena);
}

/* splitmix64 */
static uint64_t
next_random(uint64_t *state)
{
	uint64_t number = *state += 0x9e3779b97f4a7c15;

	number = (number ^ number >> 30) * 0xbf58476d1ce4e5b9;
	number = (number ^ number >> 27) * 0x94d049bb133111eb;
	return number ^ number >> 31;
}

size_t
kit_random(struct kit *kit, size_t bound)
{
	return (size_t)(next_random(&kit->random) % bound);
}

struct span
kit_bytes(struct kit *kit, size_t size, uint64_t seed_of_bytes)
{
	char *bytes = arena_alloc(kit->arena, size);
	size_t i;

	for (i = 0; i < size; i++)
		bytes[i] = (char)(next_random(&seed_of_bytes) >> 13);
	return span_of(bytes, size);
}

struct artifact *
kit_artifact(struct kit *kit)
{
	struct artifact *artifact = arena_alloc(kit->arena, sizeof(*artifact));

	artifact->id = id_random();
	artifact->workflow = SPAN("workflow");
	artifact->type = SPAN("report");
	artifact->title = SPAN("title");
	artifact->is_primary = true;
	artifact->content.type = SPAN("text/plain");
	return artifact;
}

/* ---- changes ---- */

enum result
kit_upload(struct kit *kit, struct change *change, struct span bytes,
    struct upload **ret_upload)
{
	static const size_t pieces[] = { 1, 4096, 17, LIMIT_CHUNK, 100000 };
	struct upload *upload =
	    upload_open(kit->store, kit->arena, change->owner);
	enum result result = RESULT_OK;
	struct span piece;
	size_t i;

	*ret_upload = upload;
	for (i = 0; bytes.size > 0 && result == RESULT_OK; i++) {
		piece = bytes;
		if (piece.size > pieces[i % 5])
			piece.size = pieces[i % 5];
		result = upload_write(upload, piece);
		bytes = span_from(bytes, piece.size);
	}
	if (result != RESULT_OK)
		return result;
	return upload_finish(
	    upload, &change->artifact->content, &change->bytes);
}

enum result
kit_apply(struct kit *kit, struct change *change)
{
	struct outcome outcome = { .result = RESULT_COUNT };
	enum result result = store_apply(kit->store, change, &outcome);

	cr_assert_eq(result, outcome.result);
	if (result == RESULT_OK && change->kind == CHANGE_CREATE &&
	    !change->has_key)
		cr_assert_arr_eq(
		    outcome.id.bytes, change->artifact->id.bytes, 16);
	return result;
}

/* Upload, apply, drop: as a handler does. */
static enum result
apply_with(struct kit *kit, struct change *change, struct span bytes)
{
	struct upload *upload;
	enum result result = kit_upload(kit, change, bytes, &upload);

	if (result == RESULT_OK)
		result = kit_apply(kit, change);
	upload_drop(upload);
	return result;
}

enum result
kit_create(struct kit *kit, struct artifact *artifact, struct span bytes)
{
	struct change change = {
		.kind = CHANGE_CREATE,
		.owner = kit->owner,
		.id = artifact->id,
		.artifact = artifact,
	};

	return apply_with(kit, &change, bytes);
}

enum result
kit_content(
    struct kit *kit, const struct id *id, struct span type, struct span bytes)
{
	struct artifact artifact = { .content.type = type };
	struct change change = {
		.kind = CHANGE_CONTENT,
		.owner = kit->owner,
		.id = *id,
		.artifact = &artifact,
	};

	return apply_with(kit, &change, bytes);
}

enum result
kit_delete(struct kit *kit, const struct id *id)
{
	struct change change = {
		.kind = CHANGE_DELETE,
		.owner = kit->owner,
		.id = *id,
	};

	return kit_apply(kit, &change);
}

struct artifact *
kit_put(struct kit *kit, struct span bytes)
{
	struct artifact *artifact = kit_artifact(kit);

	cr_assert_eq(kit_create(kit, artifact, bytes), RESULT_OK);
	return kit_get(kit, &artifact->id);
}

struct artifact *
kit_get(struct kit *kit, const struct id *id)
{
	struct artifact *artifact = NULL;

	cr_assert_eq(
	    store_get(kit->store, id, kit->arena, &artifact), RESULT_OK);
	cr_assert_arr_eq(artifact->id.bytes, id->bytes, 16);
	return artifact;
}

struct store_stat
kit_stat(struct kit *kit)
{
	struct store_stat stat = { 0 };

	cr_assert_eq(store_stat(kit->store, &stat), RESULT_OK);
	return stat;
}

/* ---- expectations ---- */

static void
expect_same_span(struct span one, struct span other, const char *what)
{
	cr_assert(span_equal(one, other), "%s", what);
	cr_assert_eq(one.data == NULL, other.data == NULL, "%s", what);
}

void
kit_expect_same(const struct artifact *one, const struct artifact *other)
{
	size_t i;

	cr_assert_arr_eq(one->id.bytes, other->id.bytes, 16);
	expect_same_span(one->workflow, other->workflow, "workflow");
	expect_same_span(one->phase, other->phase, "phase");
	expect_same_span(one->session, other->session, "session");
	expect_same_span(one->type, other->type, "type");
	expect_same_span(one->title, other->title, "title");
	expect_same_span(one->creator, other->creator, "creator");
	expect_same_span(one->metadata, other->metadata, "metadata");
	cr_assert_eq(one->is_primary, other->is_primary);
	cr_assert_eq(one->derived_count, other->derived_count);
	for (i = 0; i < one->derived_count; i++)
		expect_same_span(one->derived_from[i], other->derived_from[i],
		    "derived_from");
	cr_assert_eq(one->content.size, other->content.size);
	cr_assert_arr_eq(one->content.hash, other->content.hash, 32);
	expect_same_span(one->content.type, other->content.type, "media type");
	expect_same_span(
	    one->content.filename, other->content.filename, "filename");
}

void
kit_expect_content(
    struct kit *kit, const struct content *content, struct span bytes)
{
	static const size_t pieces[] = { 70001, 1, 65512, 4095, 200000 };
	char *data = arena_alloc(kit->arena, 200000);
	uint64_t offset = 0;
	size_t i, size;

	cr_assert_eq(content->size, bytes.size);
	for (i = 0; offset < bytes.size; i++) {
		size = 0;
		cr_assert_eq(store_read(kit->store, content, offset, data,
				 pieces[i % 5], &size),
		    RESULT_OK);
		cr_assert(size > 0 && size <= pieces[i % 5]);
		cr_assert_leq(size, bytes.size - offset);
		cr_assert_eq(memcmp(data, bytes.data + offset, size), 0);
		offset += size;
	}
	size = 1;
	cr_assert_eq(
	    store_read(kit->store, content, offset, data, 1, &size), RESULT_OK);
	cr_assert_eq(size, 0);
}

void
kit_expect_stat(
    struct kit *kit, uint64_t artifacts, uint64_t bytes, uint64_t staged)
{
	struct store_stat stat = kit_stat(kit);

	cr_assert_eq(stat.artifacts, artifacts, "artifacts");
	cr_assert_eq(stat.bytes, bytes, "bytes");
	cr_assert_eq(stat.staged, staged, "staged");
}
