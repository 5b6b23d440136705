/* SPDX-License-Identifier: ISC */
/*
 * store_lmdb_check_content.c - every chunk has an owner, every owner its
 * chunks: contents of records, uploads, waiting content.
 */

#include "store_lmdb_check.h"

#include <stdlib.h>

/* The blob whose chunks the walk is passing. */
struct passing {
	uint64_t blob; /* 0: none yet */
	uint32_t chunks;
	uint64_t bytes;
	bool is_broken; /* a chunk is missing, short or damaged */
	struct check_content *content; /* NULL: no record's */
	struct digest digest;
};

static int
by_blob(const void *one, const void *other)
{
	const struct check_content *a = one;
	const struct check_content *b = other;

	return a->blob < b->blob ? -1 : a->blob > b->blob;
}

static struct check_content *
content_of(struct check *check, uint64_t blob)
{
	struct check_content wanted = { .blob = blob };

	if (check->count == 0)
		return NULL;
	return bsearch(
	    &wanted, check->contents, check->count, sizeof(wanted), by_blob);
}

static void
sort_contents(struct check *check)
{
	size_t i;

	if (check->count > 0)
		qsort(check->contents, check->count, sizeof(*check->contents),
		    by_blob);
	for (i = 1; i < check->count; i++)
		if (check->contents[i].blob == check->contents[i - 1].blob)
			check_report(check, "records: two name blob %llu",
			    (unsigned long long)check->contents[i].blob);
}

/* ---- chunks ---- */

static void
compare_content(struct check *check, struct passing *passing)
{
	struct check_content *content = passing->content;
	uint8_t hash[DIGEST_SHA256_SIZE];

	content->is_found = true;
	if (passing->is_broken || passing->bytes != content->size) {
		check_report(check, "chunks: blob %llu is not whole",
		    (unsigned long long)passing->blob);
		return;
	}
	if (!check->is_deep)
		return;
	digest_end(&passing->digest, hash);
	if (memcmp(hash, content->hash, sizeof(hash)) != 0)
		check_report(check, "chunks: blob %llu has another hash",
		    (unsigned long long)passing->blob);
}

/* All its chunks were passed: is that what its owner says? */
static enum result
end_blob(struct check *check, struct passing *passing)
{
	struct pending pending;
	enum result result;

	if (passing->blob == 0)
		return RESULT_OK;
	if (passing->blob >= check->meta.next_blob)
		check_report(check, "chunks: blob %llu was never given out",
		    (unsigned long long)passing->blob);
	if (passing->content != NULL) {
		compare_content(check, passing);
		return RESULT_OK;
	}
	result = layout_get_pending(&check->view, passing->blob, &pending);
	if (check->view.error != 0)
		return result;
	if (result != RESULT_OK)
		check_report(check, "chunks: blob %llu belongs to nothing",
		    (unsigned long long)passing->blob);
	else if (pending.kind == PENDING_UPLOAD &&
		 (passing->is_broken || pending.chunks != passing->chunks ||
		     pending.bytes != passing->bytes))
		check_report(check,
		    "pending: upload %llu is not what was staged",
		    (unsigned long long)passing->blob);
	return RESULT_OK;
}

static void
begin_blob(struct check *check, struct passing *passing, uint64_t blob)
{
	*passing = (struct passing){
		.blob = blob,
		.content = content_of(check, blob),
	};
	if (check->is_deep && passing->content != NULL)
		digest_begin(&passing->digest);
}

static void
pass_chunk(struct check *check, struct passing *passing, const struct key *key,
    struct span bytes)
{
	struct key expected = key_chunk(passing->blob, passing->chunks);

	/* Numbers without a gap, and only the last one is short. */
	if (memcmp(expected.bytes, key->bytes, expected.size) != 0 ||
	    passing->bytes != (uint64_t)passing->chunks * LIMIT_CHUNK ||
	    bytes.size == 0 || bytes.size > LIMIT_CHUNK)
		passing->is_broken = true;
	passing->chunks++;
	passing->bytes += bytes.size;
	if (check->is_deep && passing->content != NULL)
		digest_add(&passing->digest, bytes);
}

static enum result
visit_chunk(struct check *check, const struct key *key, struct span bytes)
{
	struct key prefix = key_of(key->bytes, 8);
	uint64_t blob = key_last_number(&prefix);
	enum result result = RESULT_OK;

	if (check->passing->blob != blob) {
		result = end_blob(check, check->passing);
		begin_blob(check, check->passing, blob);
	}
	pass_chunk(check, check->passing, key, bytes);
	return result;
}

static enum result
check_chunks(struct check *check)
{
	struct passing passing = { .blob = 0 };
	enum result result;
	size_t i;

	check->passing = &passing;
	result = check_walk(check, DB_CHUNKS, 12, visit_chunk);
	if (result == RESULT_OK)
		result = end_blob(check, &passing);
	check->passing = NULL;
	for (i = 0; i < check->count && result == RESULT_OK; i++)
		if (!check->contents[i].is_found)
			check_report(check, "records: blob %llu has no chunks",
			    (unsigned long long)check->contents[i].blob);
	return result;
}

/* ---- pending ---- */

static enum result
check_last_chunk(
    struct check *check, uint64_t blob, const struct pending *pending)
{
	struct key key = key_chunk(blob, pending->chunks - 1);
	struct span bytes;
	enum result result = RESULT_NOT_FOUND;

	if (pending->chunks > 0)
		result = layout_get(&check->view, DB_CHUNKS, &key, &bytes);
	if (check->view.error != 0)
		return result;
	if (result == RESULT_NOT_FOUND)
		check_report(check, "pending: upload %llu lacks chunks",
		    (unsigned long long)blob);
	return RESULT_OK;
}

static enum result
visit_pending(struct check *check, const struct key *key, struct span bytes)
{
	uint64_t blob = key_last_number(key);
	struct pending pending;

	if (!pending_decode(bytes, &pending)) {
		check_report(
		    check, "pending: %s is no such row", check_hex(check, key));
		return RESULT_OK;
	}
	if (content_of(check, blob) != NULL)
		check_report(check, "pending: blob %llu is also a record's",
		    (unsigned long long)blob);
	if (pending.kind == PENDING_GARBAGE)
		return RESULT_OK;
	check->seen.staged += pending.bytes;
	return check_last_chunk(check, blob, &pending);
}

enum result
check_contents(struct check *check)
{
	enum result result;

	sort_contents(check);
	result = check_chunks(check);
	if (result == RESULT_OK)
		result = check_walk(check, DB_PENDING, 8, visit_pending);
	return result;
}
