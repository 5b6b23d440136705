/* SPDX-License-Identifier: ISC */
/*
 * fill.c - make a store of many artifacts, the same for the same arguments.
 *
 *	bench-fill DIRECTORY COUNT [CONTENT]
 *
 * It adds artifacts as the writer does, many in one commit. Even artifacts have
 * workflow "even" and type "plan", odd ones workflow "odd" and type "report":
 * so "even" and "report" match many artifacts each and none in common. One in a
 * thousand has session "rare"; four phases come in turn.
 */
#include "store/engine.h"
#include "store/lmdb/lmdb.h"

#include <stdio.h>
#include <stdlib.h>

#define BATCH 512
#define CONTENT 2048
#define CONTENT_MOST 32768

static char bytes[CONTENT_MOST];

/* Spread like random ids, and the same in every run. */
static struct id
id_of(uint64_t number)
{
	uint8_t hash[16];
	struct id id;

	digest_fingerprint(
	    span_of(&number, sizeof(number)), hash, sizeof(hash));
	memcpy(id.bytes, hash, sizeof(id.bytes));
	return id;
}

static struct artifact *
artifact_of(struct arena *arena, uint64_t number, struct span content)
{
	struct artifact *artifact = arena_alloc(arena, sizeof(*artifact));
	bool is_even = number % 2 == 0;
	struct digest digest;

	artifact->id = id_of(number);
	artifact->workflow = is_even ? SPAN("even") : SPAN("odd");
	artifact->type = is_even ? SPAN("plan") : SPAN("report");
	artifact->phase =
	    arena_printf(arena, "phase-%u", (unsigned)(number / 2 % 4));
	artifact->session = number % 1000 == 7 ? SPAN("rare") : SPAN("usual");
	artifact->title =
	    arena_printf(arena, "Artifact %llu", (unsigned long long)number);
	artifact->content.size = content.size;
	artifact->content.type = SPAN("text/plain");
	digest_begin(&digest);
	digest_add(&digest, content);
	digest_end(&digest, artifact->content.hash);
	return artifact;
}

static void
fill_batch(struct store *store, struct arena *arena, uint64_t first,
    size_t count, struct span content)
{
	static struct change changes[BATCH];
	static struct outcome outcomes[BATCH];
	struct change *list[BATCH];
	size_t i;

	for (i = 0; i < count; i++) {
		changes[i] = (struct change){
			.kind = CHANGE_CREATE,
			.artifact = artifact_of(arena, first + i, content),
			.bytes = content,
		};
		changes[i].id = changes[i].artifact->id;
		list[i] = &changes[i];
	}
	store_apply_many(store, list, count, outcomes);
	for (i = 0; i < count; i++)
		if (outcomes[i].result != RESULT_OK) {
			fprintf(stderr, "bench-fill: %s: %s\n",
			    result_text(outcomes[i].result),
			    store_reason(store));
			exit(1);
		}
	arena_reset(arena);
}

int
main(int argc, char **argv)
{
	struct store_lmdb_options options = { .may_create = true,
		.reserve = 0 };
	struct span content = { bytes, CONTENT };
	struct arena *arena = arena_open();
	uint64_t count, done;
	struct store *store;
	char error[256];
	size_t size;

	if (argc < 3 || argc > 4)
		return 2;
	options.directory = argv[1];
	count = strtoull(argv[2], NULL, 10);
	if (argc == 4)
		content.size = strtoul(argv[3], NULL, 10);
	if (content.size > CONTENT_MOST)
		return 2;
	memset(bytes, 'x', sizeof(bytes));
	if (store_lmdb_open_writer(&options, error, &store) != RESULT_OK) {
		fprintf(stderr, "bench-fill: %s\n", error);
		return 1;
	}
	for (done = 0; done < count; done += size) {
		size = count - done < BATCH ? (size_t)(count - done) : BATCH;
		fill_batch(store, arena, done, size, content);
	}
	store_close(store);
	arena_close(arena);
	return 0;
}
