/* SPDX-License-Identifier: ISC */
/*
 * check_content.c - every blob has an owner, every owner its
 * chunks.
 *
 * A blob is an upload first, then a record's, then garbage; then it is gone.
 * It never goes back. So one that has chunks and is not pending is a
 * record's, and as long as that is so the same record's. Blobs are noted
 * before the records are walked: one that no record named on the way, and
 * that still has chunks and is not pending after it, belongs to nothing.
 */

#include "internal.h"

#include <stdlib.h>

#define NAMED (UINT64_C(1) << 63) /* beside a blob's number */

/* ---- who names a blob? ---- */

static void
note_blob(struct check *check, uint64_t blob)
{
	uint64_t *blobs = check->blobs;

	if (check->blob_count == check->blob_capacity) {
		check->blob_capacity = check->blob_capacity * 2 + 64;
		blobs = realloc(blobs, check->blob_capacity * sizeof(*blobs));
		if (blobs == NULL)
			abort();
		check->blobs = blobs;
	}
	check->blobs[check->blob_count++] = blob;
}

static int
by_number(const void *one, const void *other)
{
	uint64_t a = *(const uint64_t *)one & ~NAMED;
	uint64_t b = *(const uint64_t *)other & ~NAMED;

	return a < b ? -1 : a > b;
}

bool
check_name_blob(struct check *check, uint64_t blob)
{
	uint64_t *noted = NULL;

	if (check->blob_count > 0)
		noted = bsearch(&blob, check->blobs, check->blob_count,
		    sizeof(blob), by_number);
	if (noted == NULL)
		return true; /* younger than the notes */
	if (*noted & NAMED)
		return false;
	*noted |= NAMED;
	return true;
}

static enum result
find_blob(struct check *check, uint64_t blob)
{
	struct pending pending;
	enum result result;

	if (check->has_meta && blob >= check->meta.next_blob)
		check_report(check, DB_CHUNKS, "blob %llu was never given out",
		    (unsigned long long)blob);
	result = layout_get_pending(&check->view, blob, &pending);
	if (check_is_fatal(check))
		return result;
	if (result == RESULT_NOT_FOUND)
		note_blob(check, blob);
	return RESULT_OK;
}

/* From *blob on; RESULT_END: there are no more. */
static enum result
find_in_slice(struct check *check, uint64_t *blob)
{
	enum result result = RESULT_OK;
	struct key key;

	do {
		key = key_chunk(*blob, 0);
		result = layout_seek(&check->view, DB_CHUNKS, &key);
		if (result == RESULT_NOT_FOUND)
			return RESULT_END;
		if (result != RESULT_OK)
			return result;
		if (key.size != 12)
			check_report(
			    check, DB_CHUNKS, "a key of %zu bytes", key.size);
		if (key.size < 8)
			return RESULT_END;
		key.size = 8;
		if (key_last_number(&key) < *blob ||
		    key_last_number(&key) >= NAMED) {
			check_report(check, DB_CHUNKS, "key %s is out of order",
			    check_hex(check, &key));
			return RESULT_END;
		}
		*blob = key_last_number(&key);
		result = find_blob(check, (*blob)++);
	} while (result == RESULT_OK && !check_is_full(check, 0));
	return result;
}

enum result
check_find_blobs(struct check *check)
{
	enum result result;
	uint64_t blob = 0;

	do {
		result = check_begin(check);
		if (result == RESULT_OK)
			result = check_end(check, find_in_slice(check, &blob));
	} while (result == RESULT_OK);
	return result == RESULT_END ? RESULT_OK : result;
}

/* A blob that no record named: if it has chunks and is not pending, then it
 * belongs to nothing. */
static enum result
check_unowned(struct check *check, uint64_t blob)
{
	struct view *view = &check->view;
	struct pending pending;
	enum result result;
	struct key key;

	result = layout_first_chunk(view, blob, &key);
	if (result == RESULT_OK) {
		result = layout_get_pending(view, blob, &pending);
		if (result == RESULT_NOT_FOUND)
			check_report(check, DB_CHUNKS,
			    "blob %llu belongs to nothing",
			    (unsigned long long)blob);
	}
	return check_is_fatal(check) ? result : RESULT_OK;
}

enum result
check_unnamed(struct check *check)
{
	enum result result = RESULT_OK;
	size_t i = 0;

	while (i < check->blob_count && result == RESULT_OK) {
		result = check_begin(check);
		if (result != RESULT_OK)
			return result;
		do {
			if ((check->blobs[i] & NAMED) == 0)
				result = check_unowned(check, check->blobs[i]);
			i++;
		} while (i < check->blob_count && result == RESULT_OK &&
			 !check_is_full(check, 0));
		result = check_end(check, result);
	}
	return result;
}

/* ---- chunks ---- */

static uint64_t
chunk_count(uint64_t size)
{
	return (size + LIMIT_CHUNK - 1) / LIMIT_CHUNK;
}

/*
 * Is it still its owner's, in the slice at hand? For a record *ret_artifact
 * is set.
 */
static bool
is_named(struct check *check, const struct check_content *content,
    struct artifact **ret_artifact)
{
	struct pending pending;

	*ret_artifact = NULL;
	if (content->moment == 0)
		return layout_get_pending(&check->view, content->blob,
			   &pending) == RESULT_OK &&
		       pending.kind == PENDING_UPLOAD;
	return layout_get_record(&check->view, content->moment, check->arena,
		   ret_artifact) == RESULT_OK &&
	       (*ret_artifact)->content.blob == content->blob;
}

/*
 * Report what is wrong with a chunk, unless the content was replaced or deleted
 * meanwhile. Always RESULT_GONE: look at no more of this content.
 */
static enum result
report_chunk(struct check *check, const struct check_content *content,
    const char *what, uint64_t chunk)
{
	unsigned long long blob = content->blob;
	unsigned long long count = chunk_count(content->size);
	struct artifact *artifact;

	if (!is_named(check, content, &artifact))
		return RESULT_GONE;
	check->about = artifact;
	if (content->moment == 0)
		check_report(check, DB_PENDING,
		    "upload %llu lacks chunks: %llu of %llu %s", blob,
		    (unsigned long long)chunk + 1, count, what);
	else
		check_report(check, DB_CHUNKS,
		    "blob %llu is not whole: chunk %llu of %llu %s", blob,
		    (unsigned long long)chunk + 1, count, what);
	check->about = NULL;
	return RESULT_GONE;
}

/* *ret_size: what was read. */
static enum result
check_chunk(struct check *check, const struct check_content *content,
    uint64_t chunk, struct digest *digest, uint64_t *ret_size)
{
	uint64_t rest = content->size - chunk * LIMIT_CHUNK;
	struct span bytes;
	enum result result;
	struct key key;

	if (chunk > UINT32_MAX)
		return report_chunk(check, content, "cannot be", chunk);
	key = key_chunk(content->blob, (uint32_t)chunk);
	result = layout_get(&check->view, DB_CHUNKS, &key, &bytes);
	if (check_is_fatal(check))
		return result;
	if (result == RESULT_NOT_FOUND)
		return report_chunk(check, content, "is missing", chunk);
	if (result != RESULT_OK)
		return report_chunk(check, content, "is damaged", chunk);
	if (bytes.size != (rest < LIMIT_CHUNK ? rest : LIMIT_CHUNK))
		return report_chunk(check, content, "has another size", chunk);
	*ret_size = bytes.size;
	if (check->order->is_deep && content->moment != 0)
		digest_add(digest, bytes);
	return RESULT_OK;
}

/* Behind its last chunk, in the same slice. An upload may have more by now. */
static enum result
check_end_of_content(struct check *check, const struct check_content *content,
    struct digest *digest)
{
	uint8_t hash[DIGEST_SHA256_SIZE];
	struct artifact *artifact;
	struct span bytes;
	struct key key;

	if (content->moment == 0)
		return RESULT_OK;
	key = key_chunk(content->blob, (uint32_t)chunk_count(content->size));
	if (layout_get(&check->view, DB_CHUNKS, &key, &bytes) !=
	    RESULT_NOT_FOUND)
		return check_is_fatal(check)
			   ? RESULT_IO
			   : report_chunk(check, content,
				 "has another behind it",
				 chunk_count(content->size) - 1);
	if (!check->order->is_deep)
		return RESULT_OK;
	digest_end(digest, hash);
	if (memcmp(hash, content->hash, sizeof(hash)) == 0 ||
	    !is_named(check, content, &artifact))
		return RESULT_OK;
	check->about = artifact;
	check_report(check, DB_CHUNKS, "blob %llu has another hash",
	    (unsigned long long)content->blob);
	return RESULT_OK;
}

/* As many chunks as a slice takes. */
static enum result
check_chunks(struct check *check, const struct check_content *content,
    uint64_t *chunk, struct digest *digest)
{
	uint64_t count = chunk_count(content->size);
	enum result result = RESULT_OK;
	uint64_t size = 0;

	while (*chunk < count && result == RESULT_OK) {
		result = check_chunk(check, content, (*chunk)++, digest, &size);
		if (check_is_full(check, size) && *chunk < count)
			return result;
	}
	if (result == RESULT_OK)
		result = check_end_of_content(check, content, digest);
	return result == RESULT_OK ? RESULT_END : result;
}

enum result
check_content(struct check *check, const struct check_content *content)
{
	struct digest digest;
	uint64_t chunk = 0;
	enum result result;

	digest_begin(&digest);
	do {
		result = check_begin(check);
		if (result != RESULT_OK)
			return result;
		result = check_end(
		    check, check_chunks(check, content, &chunk, &digest));
	} while (result == RESULT_OK);
	return result == RESULT_END || result == RESULT_GONE ? RESULT_OK
							     : result;
}

/* ---- pending ---- */

/* Is the last chunk as the row says, and the last one? */
static enum result
check_last_chunk(
    struct check *check, uint64_t blob, const struct pending *pending)
{
	struct key key = key_chunk(blob, pending->chunks);
	uint64_t full = (uint64_t)pending->chunks * LIMIT_CHUNK;
	struct span bytes;
	enum result result;

	result = layout_get(&check->view, DB_CHUNKS, &key, &bytes);
	if (check_is_fatal(check))
		return result;
	if (result != RESULT_NOT_FOUND || pending->bytes > full ||
	    chunk_count(pending->bytes) != pending->chunks)
		check_report(check, DB_PENDING,
		    "upload %llu is not what was staged",
		    (unsigned long long)blob);
	return RESULT_OK;
}

enum result
check_pending(struct check *check, const struct key *key, struct span bytes)
{
	uint64_t blob = key_last_number(key);
	struct pending pending;

	if (!pending_decode(bytes, &pending)) {
		check_report(check, DB_PENDING, "%s is no such row",
		    check_hex(check, key));
		return RESULT_OK;
	}
	if (pending.kind == PENDING_GARBAGE)
		return RESULT_OK;
	check->contents[check->content_count++] =
	    (struct check_content){ .blob = blob, .size = pending.bytes };
	return check_last_chunk(check, blob, &pending);
}
