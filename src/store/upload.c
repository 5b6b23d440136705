/* SPDX-License-Identifier: ISC */
/*
 * upload.c - content on its way in: hashed and counted as it comes, cut into
 * chunks, and handed to the engine a chunk at a time.
 *
 * One chunk is always held back: content of at most one chunk goes with the
 * change that names it and is never staged.
 */

#include "engine.h"

#include <assert.h>

enum upload_state {
	UPLOAD_HOLDING, /* nothing staged */
	UPLOAD_STAGING,
	UPLOAD_FINISHED,
	UPLOAD_DROPPED,
};

struct upload {
	struct store *store; /* NULL: nowhere */
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
	const struct store_engine *engine = upload->store->engine;
	void *state = upload->store->state;
	enum result result;

	if (upload->state == UPLOAD_HOLDING) {
		result = engine->stage_begin(state, &upload->staging);
		if (result != RESULT_OK)
			return result;
		upload->state = UPLOAD_STAGING;
	}
	result = engine->stage(state, &upload->staging, chunk);
	if (result == RESULT_OK)
		upload->staging.chunks++;
	return result;
}

/* Fill the held chunk, and hand it over once more is known to follow. */
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

static enum result
finish_staging(struct upload *upload)
{
	const struct store_engine *engine = upload->store->engine;
	enum result result;

	result = hand_over(upload, buffer_span(&upload->chunk));
	if (result != RESULT_OK)
		return result;
	return engine->stage_end(upload->store->state, &upload->staging);
}

enum result
upload_finish(
    struct upload *upload, struct content *content, struct span *ret_bytes)
{
	struct span bytes = buffer_span(&upload->chunk);
	enum result result;

	assert(upload->state <= UPLOAD_STAGING);
	if (upload->state == UPLOAD_STAGING) {
		result = finish_staging(upload);
		if (result != RESULT_OK)
			return result;
		bytes = SPAN_NONE;
	}
	upload->state =
	    upload->state == UPLOAD_STAGING ? UPLOAD_FINISHED : UPLOAD_DROPPED;
	content->size = upload->size;
	content->blob = upload->staging.blob;
	digest_end(&upload->digest, content->hash);
	*ret_bytes = bytes;
	return RESULT_OK;
}

void
upload_drop(struct upload *upload)
{
	bool is_staged =
	    upload->state == UPLOAD_STAGING || upload->state == UPLOAD_FINISHED;

	if (is_staged)
		upload->store->engine->stage_drop(
		    upload->store->state, &upload->staging);
	upload->state = UPLOAD_DROPPED;
}
