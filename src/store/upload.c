/* SPDX-License-Identifier: ISC */
/*
 * upload.c - content on its way in: hashed and counted as it comes, cut into
 * chunks, and handed to the engine a chunk at a time.
 *
 * The last chunk is kept here until more bytes come: content of at most one
 * chunk goes with the change that names it, and is never staged.
 */

#include "engine.h"

#include <assert.h>

enum upload_state {
	UPLOAD_HOLDING,	 /* all of it is in chunk */
	UPLOAD_STAGING,	 /* some chunks went to the engine */
	UPLOAD_FINISHED, /* all did */
	UPLOAD_DROPPED,	 /* nothing of it is in the engine's hands */
};

struct upload {
	struct store *store; /* NULL: the bytes are counted, not kept */
	enum upload_state state;
	struct staging staging;
	struct digest digest;
	uint64_t size;
	struct buffer chunk; /* at most LIMIT_CHUNK bytes */
};

struct upload *
upload_open(struct store *store, struct arena *arena, struct owner owner)
{
	struct upload *upload = arena_alloc(arena, sizeof(*upload));

	upload->store = store;
	upload->staging.owner = owner;
	digest_begin(&upload->digest);
	buffer_init(&upload->chunk, arena);
	return upload;
}

struct upload *
upload_open_nowhere(struct arena *arena)
{
	return upload_open(NULL, arena, (struct owner){ 0 });
}

uint64_t
upload_size(const struct upload *upload)
{
	return upload->size;
}

static enum result
hand_over(struct upload *upload, struct span chunk)
{
	enum result result;

	if (upload->state == UPLOAD_HOLDING) {
		result = store_stage_begin(upload->store, &upload->staging);
		if (result != RESULT_OK)
			return result;
		upload->state = UPLOAD_STAGING;
	}
	return store_stage(upload->store, &upload->staging, chunk);
}

/* Fill the chunk; a full one is handed over when a byte follows it. */
static enum result
keep(struct upload *upload, struct span bytes)
{
	struct span part;
	enum result result;

	while (bytes.size > 0) {
		if (upload->chunk.size == LIMIT_CHUNK) {
			result = hand_over(upload, buffer_span(&upload->chunk));
			if (result != RESULT_OK)
				return result;
			buffer_clear(&upload->chunk);
		}
		part = bytes;
		if (part.size > LIMIT_CHUNK - upload->chunk.size)
			part.size = LIMIT_CHUNK - upload->chunk.size;
		buffer_append(&upload->chunk, part);
		bytes = span_from(bytes, part.size);
	}
	return RESULT_OK;
}

enum result
upload_write(struct upload *upload, struct span bytes)
{
	assert(upload->state <= UPLOAD_STAGING);
	digest_add(&upload->digest, bytes);
	upload->size += bytes.size;
	return upload->store == NULL ? RESULT_OK : keep(upload, bytes);
}

enum result
upload_finish(
    struct upload *upload, struct content *content, struct span *ret_bytes)
{
	struct span bytes = buffer_span(&upload->chunk);
	enum result result;

	assert(upload->state <= UPLOAD_STAGING);
	if (upload->state == UPLOAD_STAGING) {
		result = hand_over(upload, bytes);
		if (result == RESULT_OK)
			result =
			    store_stage_end(upload->store, &upload->staging);
		if (result != RESULT_OK)
			return result;
		bytes = SPAN_NONE;
		upload->state = UPLOAD_FINISHED;
	} else {
		upload->state = UPLOAD_DROPPED; /* nothing was staged */
	}
	content->size = upload->size;
	content->blob = upload->staging.blob;
	digest_end(&upload->digest, content->hash);
	*ret_bytes = bytes;
	return RESULT_OK;
}

void
upload_drop(struct upload *upload)
{
	if (upload->state == UPLOAD_STAGING || upload->state == UPLOAD_FINISHED)
		store_stage_drop(upload->store, &upload->staging);
	upload->state = UPLOAD_DROPPED;
}
