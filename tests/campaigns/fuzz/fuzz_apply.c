/* SPDX-License-Identifier: ISC */
/*
 * fuzz_apply.c - the requests of a worker that an attacker controls to the
 * writer: any changes, in any order, its own and with invented numbers. The
 * writer refuses or makes them, and the store is whole afterwards.
 *
 * The input is changes of eight bytes (struct order), in batches on a new
 * store, with sweeps between. fsync and similar calls do nothing here, since
 * the power is not cut, and each store should take a millisecond.
 */
#include "fuzz.h"
#include "base/scoreboard.h"
#include "store/engine.h"
#include "store/lmdb/lmdb.h"

#include <unistd.h>

#define IDS 4
#define BLOBS 4
#define BATCH 16
#define MOST 100 /* orders */

struct order {
	uint8_t kind;
	uint8_t id;
	uint8_t blob;
	uint8_t size;
	uint8_t chunk;
	uint8_t flags;
	uint8_t number;
	uint8_t owner;
};

enum flag {
	FLAG_KEY = 1,
	FLAG_OTHER_MEANING = 2,
	FLAG_IF_MATCH = 4,
	FLAG_ANY = 8,
	FLAG_STAGED = 16,
	FLAG_LATER = 32, /* the next change is of the same batch */
	FLAG_NONE_MATCH = 64,
	FLAG_SINCE = 128,
};

static struct store *store;
static struct scoreboard *scoreboard;
static uint64_t blobs[BLOBS]; /* handed out, 0: not yet */
static char bytes[LIMIT_CHUNK];

/* ---- no power is cut ---- */

int
fsync(int fd)
{
	(void)fd;
	return 0;
}

int
fdatasync(int fd)
{
	(void)fd;
	return 0;
}

/* ---- from an order to a change ---- */

static struct id
id_of(const struct order *order)
{
	struct id id = { { 0x11 } };

	id.bytes[15] = order->id % IDS;
	return id;
}

/* One that was handed out, or a guess. */
static uint64_t
blob_of(const struct order *order)
{
	static const uint64_t guesses[] = { 0, 1, 2, 3, 7, 65536, 65540,
		UINT64_MAX };

	if (order->blob < 128)
		return blobs[order->blob % BLOBS];
	return guesses[order->blob % 8];
}

static uint64_t
size_of(const struct order *order)
{
	static const uint64_t sizes[] = { 0, 1, 5, LIMIT_CHUNK - 1, LIMIT_CHUNK,
		LIMIT_CHUNK + 1, 2 * LIMIT_CHUNK, LIMIT_CHUNK + 5, 6,
		UINT32_MAX, UINT64_MAX / 2, UINT64_MAX };

	return sizes[order->size % 12];
}

/* With a hash that is right, as far as there are bytes at hand. */
static void
fill_content(const struct order *order, struct change *change)
{
	struct content *content = &change->artifact->content;
	struct digest digest;

	content->size = size_of(order);
	content->type = SPAN("text/plain");
	if (order->flags & FLAG_STAGED)
		content->blob = blob_of(order);
	if (order->chunk % 8 == 7) /* other bytes than it says */
		change->bytes = span_of(bytes, 3);
	else if (content->blob == 0 && content->size <= LIMIT_CHUNK)
		change->bytes = span_of(bytes, (size_t)content->size);
	digest_begin(&digest);
	digest_add(&digest, change->bytes);
	digest_end(&digest, content->hash);
}

static void
fill_artifact(
    struct arena *arena, const struct order *order, struct change *change)
{
	static const char *const texts[] = { NULL, "", "a", "b" };
	struct artifact *artifact = arena_alloc(arena, sizeof(*artifact));

	artifact->id = id_of(order);
	artifact->workflow = span_str(texts[1 + order->chunk % 3]);
	artifact->phase = span_str(texts[order->chunk / 4 % 4]);
	artifact->session = span_str(texts[order->chunk / 16 % 4]);
	artifact->type = span_str(texts[2 + order->chunk / 64 % 2]);
	artifact->title = SPAN("t");
	artifact->metadata = SPAN("{}");
	change->artifact = artifact;
	fill_content(order, change);
}

static void
fill_conditions(
    struct arena *arena, const struct order *order, struct change *change)
{
	struct artifact *artifact;

	change->has_key = (order->flags & FLAG_KEY) != 0;
	change->key[0] = order->id & 1;
	change->meaning[0] = (order->flags & FLAG_OTHER_MEANING) != 0;
	change->if_match.is_there = (order->flags & FLAG_IF_MATCH) != 0;
	change->if_match.is_any = (order->flags & FLAG_ANY) != 0;
	change->if_none_match.is_there = (order->flags & FLAG_NONE_MATCH) != 0;
	change->if_none_match.is_any = (order->flags & FLAG_ANY) == 0;
	change->has_unmodified_since = (order->flags & FLAG_SINCE) != 0;
	change->unmodified_since = order->size % 2 == 0 ? INT64_MIN : INT64_MAX;
	if (!change->if_match.is_there || change->if_match.is_any)
		return;
	change->if_match.etags = arena_alloc(arena, ETAG_SIZE);
	change->if_match.etag_count = 1;
	if (store_get(store, &change->id, arena, &artifact) == RESULT_OK)
		artifact_etag(artifact, arena, change->if_match.etags[0]);
}

/* The change as it comes through the writer's socket; NULL: it does not. */
static struct change *
change_of(struct arena *arena, const struct order *order)
{
	static const uint64_t numbers[] = { 0, 1, 2, 3, UINT64_MAX };
	struct change change = { .kind = order->kind % CHANGE_DROP + 1,
		.number = numbers[order->number % 5],
		.owner = { 1 + order->owner % 2, 1 + order->owner / 2 % 2 },
		.id = id_of(order),
		.patch = order->size % 16,
		.chunk =
		    order->chunk % 4 == 3 ? UINT32_MAX : order->chunk % 4 };
	struct buffer buffer;
	struct change *decoded;

	change.blob = blob_of(order);
	if (change.kind == CHANGE_STAGE)
		change.bytes =
		    span_of(bytes, order->size % 4 == 0 ? 5 : LIMIT_CHUNK);
	else if (change.kind != CHANGE_DROP && change.kind != CHANGE_DELETE)
		fill_artifact(arena, order, &change);
	fill_conditions(arena, order, &change);
	buffer_init(&buffer, arena);
	change_encode(&change, &buffer);
	if (change_decode(buffer_span(&buffer), arena, &decoded) != RESULT_OK)
		return NULL;
	return decoded;
}

/* ---- the writer ---- */

static void
apply(struct change **changes, size_t count)
{
	struct outcome outcomes[BATCH];
	enum result result;
	size_t i;

	store_apply_many(store, changes, count, outcomes);
	for (i = 0; i < count; i++) {
		result = outcomes[i].result;
		DEMAND(result != RESULT_DAMAGED && result != RESULT_IO &&
		       result != RESULT_UNKNOWN && result != RESULT_NO_SPACE);
	}
}

/* Between batches: blobs are handed out, requests end, content is swept. */
static void
act(const struct order *order)
{
	struct slot *slot = &scoreboard->slots[order->owner % 2];
	struct owner owner = { 1 + order->owner % 2, 1 + order->owner / 2 % 2 };
	struct staging staging = { .chunks = 0 };
	bool has_more;

	switch (order->kind % 4) {
	case 0:
		staging.owner = owner;
		DEMAND(store_stage_begin(store, &staging) == RESULT_OK);
		blobs[order->blob % BLOBS] = staging.blob;
		break;
	case 1:
		slot_begin(scoreboard, slot);
		break;
	case 2:
		slot_end(slot);
		break;
	case 3:
		DEMAND(store_lmdb_sweep(store, scoreboard, &has_more) ==
		       RESULT_OK);
		break;
	}
}

static void
run_orders(struct arena *arena, const struct order *orders, size_t count)
{
	struct change *changes[BATCH];
	size_t i, waiting = 0;

	for (i = 0; i < count; i++) {
		if (orders[i].kind >= 192) {
			act(&orders[i]);
			continue;
		}
		changes[waiting] = change_of(arena, &orders[i]);
		if (changes[waiting] != NULL)
			waiting++;
		if (waiting == BATCH || (orders[i].flags & FLAG_LATER) == 0) {
			apply(changes, waiting);
			waiting = 0;
		}
	}
	apply(changes, waiting);
}

/* ---- what must hold ---- */

static void
report(void *object, const struct store_problem *problem)
{
	(void)object;
	fprintf(stderr, "%s\n", problem->line);
}

/* Hashes of staged content are the worker's word: not deep. */
static void
demand_whole(struct arena *arena)
{
	struct filter filter = { .workflow = SPAN_NONE };
	struct position newest = { .size = 0 };
	struct store_check check = { .report = report };
	uint64_t offset;
	struct page page;
	size_t i, size;
	char *piece = arena_alloc(arena, LIMIT_CHUNK);

	DEMAND(store_lmdb_check(store, &check) == RESULT_OK &&
	       check.problems == 0);
	DEMAND(store_list(store, &filter, &newest, LIMIT_PAGE, arena, &page) ==
	       RESULT_OK);
	DEMAND(page.count <= IDS);
	for (i = 0; i < page.count; i++) {
		for (offset = 0; offset < page.artifacts[i]->content.size;
		     offset += size)
			DEMAND(store_read(store, &page.artifacts[i]->content,
				   offset, piece, LIMIT_CHUNK,
				   &size) == RESULT_OK &&
			       size > 0);
	}
}

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	DEMAND(digest_init());
	memset(bytes, 'x', sizeof(bytes));
	scoreboard = scoreboard_open();
	DEMAND(scoreboard != NULL);
	return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_open();
	struct order orders[MOST];
	size_t i, count = size / sizeof(*orders);

	if (count > MOST)
		count = MOST;
	if (count > 0)
		memcpy(orders, data, count * sizeof(*orders));
	memset(blobs, 0, sizeof(blobs));
	for (i = 0; i < 2; i++) {
		slot_vacate(&scoreboard->slots[i]);
		slot_occupy(&scoreboard->slots[i], 1 + i);
	}
	store = fuzz_open_lmdb();
	run_orders(arena, orders, count);
	demand_whole(arena);
	store_close(store);
	arena_close(arena);
	return 0;
}
