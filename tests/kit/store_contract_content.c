/* SPDX-License-Identifier: ISC */
/* store_contract_content.c - tests that content comes out of every engine as it
 * was put in. */

#include "store_contract.h"

#include "store_kit.h"

#include <criterion/criterion.h>

#define MEBIBYTE 1048576

/* Read it from offsets around every edge; never more than asked. */
static void
expect_at_edges(
    struct kit *kit, const struct content *content, struct span bytes)
{
	const size_t edges[] = { 0, 1, LIMIT_CHUNK - 1, LIMIT_CHUNK,
		LIMIT_CHUNK + 1, 99991, bytes.size - 1 };
	char data[1000];
	size_t i, size;

	for (i = 0; i < sizeof(edges) / sizeof(*edges); i++) {
		if (edges[i] >= bytes.size)
			continue;
		cr_assert_eq(store_read(kit->store, content, edges[i], data,
				 sizeof(data), &size),
		    RESULT_OK);
		cr_assert(size > 0 && size <= sizeof(data));
		cr_assert_leq(size, bytes.size - edges[i]);
		cr_assert_eq(memcmp(data, bytes.data + edges[i], size), 0);
	}
}

void
contract_content_of_every_size_comes_back(const struct subject *subject)
{
	static const size_t sizes[] = { 0, 1, LIMIT_CHUNK - 1, LIMIT_CHUNK,
		LIMIT_CHUNK + 1, 2 * LIMIT_CHUNK, 2 * LIMIT_CHUNK + 1,
		MEBIBYTE };
	struct kit kit = kit_open(subject, 0);
	uint8_t hash[DIGEST_SHA256_SIZE];
	struct artifact *artifact;
	struct digest digest;
	struct span bytes;
	size_t i;

	for (i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		bytes = kit_bytes(&kit, sizes[i], i);
		artifact = kit_put(&kit, bytes);
		digest_begin(&digest);
		digest_add(&digest, bytes);
		digest_end(&digest, hash);
		cr_assert_arr_eq(artifact->content.hash, hash, sizeof(hash));
		kit_expect_content(&kit, &artifact->content, bytes);
		expect_at_edges(&kit, &artifact->content, bytes);
	}
	kit_close(&kit);
}

void
contract_uploads_side_by_side_do_not_mix(const struct subject *subject)
{
	struct kit kit = kit_open(subject, 0);
	struct change changes[3];
	struct upload *uploads[3];
	struct span bytes[3];
	struct artifact *read;
	size_t i, offset;

	for (i = 0; i < 3; i++) {
		changes[i] = (struct change){ .kind = CHANGE_CREATE };
		changes[i].owner = (struct owner){ 77, 10 + i };
		changes[i].artifact = kit_artifact(&kit);
		changes[i].id = changes[i].artifact->id;
		bytes[i] = kit_bytes(&kit, 3 * LIMIT_CHUNK, i);
		uploads[i] =
		    upload_open(kit.store, kit.arena, changes[i].owner);
	}
	for (offset = 0; offset < bytes[0].size; offset += LIMIT_CHUNK / 8)
		for (i = 0; i < 3; i++)
			cr_assert_eq(upload_write(uploads[i],
					 span_of(bytes[i].data + offset,
					     LIMIT_CHUNK / 8)),
			    RESULT_OK);
	for (i = 0; i < 3; i++) {
		cr_assert_eq(upload_size(uploads[i]), bytes[i].size);
		cr_assert_eq(
		    upload_finish(uploads[i], &changes[i].artifact->content,
			&changes[i].bytes),
		    RESULT_OK);
	}
	for (i = 3; i-- > 0;) {
		cr_assert_eq(kit_apply(&kit, &changes[i]), RESULT_OK);
		upload_drop(uploads[i]);
	}
	for (i = 0; i < 3; i++) {
		read = kit_get(&kit, &changes[i].id);
		kit_expect_content(&kit, &read->content, bytes[i]);
	}
	kit_expect_stat(&kit, 3, 9 * LIMIT_CHUNK, 0);
	kit_close(&kit);
}

/* The bytes as they were, or gone: an engine may let go at once or later. */
static void
expect_right_or_gone(
    struct kit *kit, const struct content *content, struct span bytes)
{
	char *data = arena_alloc(kit->arena, bytes.size);
	uint64_t offset = 0;
	enum result result;
	size_t size;

	while (offset < bytes.size) {
		result = store_read(
		    kit->store, content, offset, data, bytes.size, &size);
		if (result == RESULT_GONE)
			return;
		cr_assert_eq(result, RESULT_OK);
		cr_assert(size > 0 && size <= bytes.size - offset);
		cr_assert_eq(memcmp(data, bytes.data + offset, size), 0);
		offset += size;
	}
}

void
contract_old_content_is_right_or_gone(const struct subject *subject)
{
	static const size_t sizes[] = { 5, 3 * LIMIT_CHUNK + 1 };
	struct kit kit = kit_open(subject, 0);
	struct content old, newer;
	struct artifact *artifact;
	struct span bytes, others;
	size_t i;

	for (i = 0; i < 2; i++) {
		bytes = kit_bytes(&kit, sizes[i], 1);
		others = kit_bytes(&kit, sizes[1 - i], 2);
		artifact = kit_put(&kit, bytes);
		old = artifact->content;
		cr_assert_eq(
		    kit_content(&kit, &artifact->id, SPAN("a/b"), others),
		    RESULT_OK);
		newer = kit_get(&kit, &artifact->id)->content;
		expect_right_or_gone(&kit, &old, bytes);
		kit_expect_content(&kit, &newer, others);
		cr_assert_eq(kit_delete(&kit, &artifact->id), RESULT_OK);
		/* What comes next must not show through. */
		(void)kit_put(&kit, kit_bytes(&kit, sizes[i], 3));
		(void)kit_put(&kit, kit_bytes(&kit, sizes[1 - i], 4));
		expect_right_or_gone(&kit, &old, bytes);
		expect_right_or_gone(&kit, &newer, others);
	}
	kit_close(&kit);
}

void
contract_dropping_after_the_change_is_harmless(const struct subject *subject)
{
	struct kit kit = kit_open(subject, 0);
	struct span bytes = kit_bytes(&kit, 2 * LIMIT_CHUNK, 1);
	struct change change = { .kind = CHANGE_CREATE, .owner = kit.owner };
	struct upload *upload;
	struct artifact *read;

	change.artifact = kit_artifact(&kit);
	change.id = change.artifact->id;
	cr_assert_eq(kit_upload(&kit, &change, bytes, &upload), RESULT_OK);
	cr_assert_eq(kit_apply(&kit, &change), RESULT_OK);
	upload_drop(upload);
	upload_drop(upload);
	read = kit_get(&kit, &change.id);
	kit_expect_content(&kit, &read->content, bytes);
	kit_expect_stat(&kit, 1, bytes.size, 0);
	kit_close(&kit);
}

void
contract_a_refused_change_leaves_the_old_content(const struct subject *subject)
{
	struct kit kit = kit_open(subject, 0);
	struct artifact *artifact = kit_put(&kit, SPAN("old"));
	struct span bytes = kit_bytes(&kit, 2 * LIMIT_CHUNK, 1);
	uint8_t etags[1][ETAG_SIZE] = { { 0 } };
	struct change change = {
		.kind = CHANGE_CONTENT,
		.owner = kit.owner,
		.id = artifact->id,
		.artifact = kit_artifact(&kit),
		.if_match.is_there = true,
		.if_match.etags = etags,
		.if_match.etag_count = 1,
	};
	struct upload *upload;
	struct artifact *read;

	cr_assert_eq(kit_upload(&kit, &change, bytes, &upload), RESULT_OK);
	cr_assert_eq(kit_apply(&kit, &change), RESULT_PRECONDITION);
	upload_drop(upload);
	read = kit_get(&kit, &artifact->id);
	kit_expect_same(read, artifact);
	kit_expect_content(&kit, &read->content, SPAN("old"));
	kit_close(&kit);
}

/* ---- quota ---- */

void
contract_nothing_passes_the_quota(const struct subject *subject)
{
	struct kit kit = kit_open(subject, 1000);
	struct artifact source = { .title = SPAN("t") };
	struct artifact *first, *second;
	struct change change = {
		.kind = CHANGE_UPDATE,
		.owner = kit.owner,
		.artifact = &source,
		.patch = PATCH_TITLE,
	};

	first = kit_put(&kit, kit_bytes(&kit, 600, 1));
	second = kit_artifact(&kit);
	cr_assert_eq(
	    kit_create(&kit, second, kit_bytes(&kit, 401, 2)), RESULT_QUOTA);
	cr_assert_eq(store_shortage(kit.store).have, 600);
	cr_assert_eq(store_shortage(kit.store).limit, 1000);
	kit_expect_stat(&kit, 1, 600, 0);
	cr_assert_eq(
	    kit_create(&kit, second, kit_bytes(&kit, 400, 2)), RESULT_OK);
	cr_assert_eq(
	    kit_create(&kit, kit_artifact(&kit), SPAN("x")), RESULT_QUOTA);
	cr_assert_eq(
	    kit_content(&kit, &first->id, SPAN("a/b"), kit_bytes(&kit, 601, 3)),
	    RESULT_QUOTA);
	kit_expect_content(&kit, &first->content, kit_bytes(&kit, 600, 1));
	/* Full is full for bytes, and for nothing else. */
	change.id = first->id;
	cr_assert_eq(kit_apply(&kit, &change), RESULT_OK);
	(void)kit_put(&kit, SPAN(""));
	kit_expect_stat(&kit, 3, 1000, 0);
	cr_assert_eq(kit_delete(&kit, &first->id), RESULT_OK);
	(void)kit_put(&kit, kit_bytes(&kit, 600, 4));
	kit_expect_stat(&kit, 3, 1000, 0);
	kit_close(&kit);
}

void
contract_a_large_upload_meets_the_quota(const struct subject *subject)
{
	struct kit kit = kit_open(subject, 3 * LIMIT_CHUNK);
	struct artifact *artifact = kit_put(&kit, SPAN("old"));
	struct span bytes = kit_bytes(&kit, 4 * LIMIT_CHUNK, 1);

	cr_assert_eq(kit_create(&kit, kit_artifact(&kit), bytes), RESULT_QUOTA);
	cr_assert_eq(
	    kit_content(&kit, &artifact->id, SPAN("a/b"), bytes), RESULT_QUOTA);
	kit_expect_content(&kit, &artifact->content, SPAN("old"));
	kit_close(&kit);
}
