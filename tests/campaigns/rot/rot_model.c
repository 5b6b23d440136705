/* SPDX-License-Identifier: ISC */
/* rot_model.c - the store, everything that was ever in it, and its file at two
 * moments. */

#include "rot.h"

#include "store/engine.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define PAGE 4096
#define MAP_SIZE (UINT64_C(64) << 20)

struct image {
	unsigned char *bytes;
	size_t size;
};

struct known model[MODEL_COUNT];
char model_directory[256];

#define MOMENTS 12

static struct image moments[MOMENTS]; /* the last is the file as it is */
static uint64_t state;

static void
die(const char *what)
{
	perror(what);
	exit(1);
}

/* splitmix64 */
static uint64_t
next_random(uint64_t *at)
{
	uint64_t number = *at += 0x9e3779b97f4a7c15;

	number = (number ^ number >> 30) * 0xbf58476d1ce4e5b9;
	number = (number ^ number >> 27) * 0x94d049bb133111eb;
	return number ^ number >> 31;
}

uint64_t
model_random(uint64_t bound)
{
	return next_random(&state) % bound;
}

/* ---- changes ---- */

/* Small, a chunk, a chunk and one, many, none. */
static struct span
content_of(struct arena *arena, size_t which, unsigned round)
{
	static const size_t sizes[] = { 700, 0, 3000, 65512, 65513, 9000,
		150000, 12 };
	size_t size = sizes[which % (sizeof(sizes) / sizeof(sizes[0]))], i;
	uint64_t at = which * 1000 + round;
	char *bytes = arena_alloc(arena, size + 1);

	for (i = 0; i < size; i++)
		bytes[i] = (char)next_random(&at);
	return span_of(bytes, size);
}

static void
apply(struct store *store, struct change *change)
{
	struct outcome outcome;

	if (store_apply(store, change, &outcome) != RESULT_OK) {
		fprintf(stderr, "rot: %s: %s\n", result_text(outcome.result),
		    store_reason(store));
		exit(1);
	}
}

static struct artifact *
artifact_of(struct arena *arena, size_t which, unsigned round)
{
	struct artifact *artifact = arena_alloc(arena, sizeof(*artifact));

	artifact->id = model[which].id;
	artifact->workflow = arena_printf(arena, "workflow-%zu", which % 3);
	artifact->type = SPAN("report");
	artifact->phase = SPAN("phase");
	artifact->session = SPAN("session");
	artifact->title = arena_printf(arena, "artifact %zu", which);
	if (round >= 10)
		artifact->title = SPAN("after");
	artifact->metadata = SPAN("{\"a\":1}");
	artifact->content.type = SPAN("text/plain");
	return artifact;
}

/* The content of a change, by the writer's own way in. */
static void
bring(struct store *store, struct arena *arena, struct change *change,
    struct span bytes)
{
	struct owner owner = { 99, 1 };
	struct upload *upload = upload_open(store, arena, owner);

	change->owner = owner;
	if (upload_write(upload, bytes) != RESULT_OK ||
	    upload_finish(upload, &change->artifact->content, &change->bytes) !=
		RESULT_OK) {
		fprintf(stderr, "rot: %s\n", store_reason(store));
		exit(1);
	}
}

void
model_change(
    struct store *store, struct arena *arena, size_t which, unsigned round)
{
	struct change change = { .id = model[which].id,
		.artifact = artifact_of(arena, which, round) };

	switch (round % 10) {
	case 0:
		change.kind = CHANGE_CREATE;
		bring(store, arena, &change, content_of(arena, which, round));
		break;
	case 1:
		change.kind = CHANGE_UPDATE;
		change.patch = PATCH_TITLE;
		if (round < 10)
			change.artifact->title = arena_printf(
			    arena, "title %zu", model[which].count);
		break;
	case 2:
		change.kind = CHANGE_CONTENT;
		bring(store, arena, &change, content_of(arena, which, round));
		break;
	default:
		change.kind = CHANGE_DELETE;
		break;
	}
	apply(store, &change);
}

/* ---- what is remembered ---- */

struct span
model_bytes(const struct artifact *artifact, struct arena *arena)
{
	struct buffer buffer;

	buffer_init(&buffer, arena);
	buffer_append(
	    &buffer, span_of(&artifact->created, sizeof(artifact->created)));
	artifact_encode(artifact, &buffer);
	return buffer_span(&buffer);
}

static void
remember(struct store *store, struct arena *arena, size_t which)
{
	struct known *known = &model[which];
	struct version *version = &known->versions[known->count];
	struct artifact *artifact;
	struct span bytes;

	if (store_get(store, &known->id, arena, &artifact) != RESULT_OK)
		exit(1);
	bytes = model_bytes(artifact, arena);
	version->bytes = malloc(bytes.size);
	version->size = bytes.size;
	memcpy(version->bytes, bytes.data, bytes.size);
	known->count++;
}

static struct store *
open_writer(void)
{
	struct store_lmdb_options options = { .may_create = true,
		.directory = model_directory,
		.map_size = MAP_SIZE };
	struct store *store;
	char error[256];

	if (store_lmdb_open_writer(&options, error, &store) != RESULT_OK) {
		fprintf(stderr, "rot: %s\n", error);
		exit(1);
	}
	return store;
}

static const char *
data_path(void)
{
	static char path[300];

	(void)snprintf(path, sizeof(path), "%s/data.mdb", model_directory);
	return path;
}

static struct image
load(void)
{
	struct image image;
	struct stat stat;
	int fd = open(data_path(), O_RDONLY);

	if (fd < 0 || fstat(fd, &stat) != 0)
		die(data_path());
	image.size = (size_t)stat.st_size;
	image.bytes = malloc(image.size);
	if (read(fd, image.bytes, image.size) != (ssize_t)image.size)
		die(data_path());
	(void)close(fd);
	return image;
}

/* One round over some of the artifacts, each change a commit of its own. */
static void
play(struct store *store, unsigned round, size_t from, size_t step)
{
	struct arena *arena = arena_open();
	size_t i;

	for (i = from; i < MODEL_COUNT; i += step) {
		model_change(store, arena, i, round);
		model[i].is_deleted = round == 3;
		if (round != 3)
			remember(store, arena, i);
		arena_reset(arena);
	}
	arena_close(arena);
}

void
model_build(uint64_t seed)
{
	const char *parent = getenv("TMPDIR");
	struct store *store;
	size_t i;

	if (!digest_init())
		exit(1);
	state = seed;
	(void)snprintf(model_directory, sizeof(model_directory),
	    "%s/artifactd-rot-XXXXXX", parent != NULL ? parent : "/tmp");
	if (mkdtemp(model_directory) == NULL)
		die("rot: mkdtemp");
	for (i = 0; i < MODEL_COUNT; i++)
		model[i].id = id_random();
	for (i = 0; i < MOMENTS; i++) {
		store = open_writer();
		switch (i) {
		case 0:
			play(store, 0, 0, 1);
			break;
		case 1:
			play(store, 2, 3, 5);
			break;
		case 2:
			play(store, 3, 6, 9);
			break;
		/* Pages that were given up are taken again, by their like. */
		default:
			play(store, 1, 1, 40);
			break;
		}
		store_close(store);
		moments[i] = load();
	}
}

void
model_remove(void)
{
	static const char *const names[] = { "data.mdb", "lock.mdb", "format" };
	char path[300];
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		(void)snprintf(
		    path, sizeof(path), "%s/%s", model_directory, names[i]);
		(void)unlink(path);
	}
	if (rmdir(model_directory) != 0)
		die(model_directory);
}

/* ---- damage ---- */

/* Branch, leaf or meta: mp_flags of lmdb.h's MDB_page are 1, 2 and 8. */
static bool
is_tree(const unsigned char *page)
{
	return (page[10] & 0x0b) != 0;
}

/*
 * Where to flip: all over the file; in the heads of pages with the offsets
 * of their nodes; in pages that are not content, which is most of the file.
 */
static size_t
place_of_flip(void)
{
	size_t pages = moments[MOMENTS - 1].size / PAGE,
	       page = model_random(pages);
	size_t tries;

	switch (model_random(3)) {
	case 0:
		return model_random(moments[MOMENTS - 1].size);
	case 1:
		return page * PAGE + model_random(64);
	default:
		break;
	}
	for (tries = 0; tries < 1000; tries++) {
		if (is_tree(moments[MOMENTS - 1].bytes + page * PAGE))
			break;
		page = model_random(pages);
	}
	return page * PAGE + model_random(PAGE);
}

/* LMDB's id of the commit that wrote a meta page (MDB_meta of mdb.c). */
static uint64_t
meta_commit(const unsigned char *page)
{
	uint64_t commit;

	memcpy(&commit, page + 144, sizeof(commit));
	return commit;
}

/*
 * Is it worth a try to put the one where the other is? With the meta page
 * of the last commit as it was before, the store is what it was one commit
 * earlier, all of it, and nothing in it can tell.
 */
static bool
tells(const unsigned char *put, const unsigned char *there, bool is_any)
{
	if (memcmp(put, there, PAGE) == 0)
		return false;
	if (put[10] == 8 && there[10] == 8)
		return meta_commit(put) + 2 != meta_commit(there);
	return is_any || (is_tree(put) && is_tree(there));
}

/* A page as it was at an earlier moment, or another one of now. */
static void
choose_page(struct damage *damage)
{
	const struct image *latest = &moments[MOMENTS - 1], *source;
	size_t page, from;

	source = &moments[model_random(MOMENTS)];
	do {
		from = model_random(source->size / PAGE);
		page =
		    source == latest ? model_random(latest->size / PAGE) : from;
	} while (!tells(source->bytes + from * PAGE,
	    latest->bytes + page * PAGE, model_random(4) == 0));
	damage->offset = page * PAGE;
	damage->size = PAGE;
	damage->bytes = source->bytes + from * PAGE;
	(void)snprintf(damage->text, sizeof(damage->text),
	    source == latest ? "page %zu is page %zu"
			     : "page %zu as it was (%zu)",
	    page, from);
}

/* The key of the first node of a leaf page (MDB_node of mdb.c). */
static struct span
first_key(const unsigned char *page)
{
	uint16_t flags, lower, offset, size;

	memcpy(&flags, page + 10, sizeof(flags));
	memcpy(&lower, page + 12, sizeof(lower));
	memcpy(&offset, page + 16, sizeof(offset));
	if (flags != 2 || lower < 18 || offset > PAGE - 8)
		return SPAN_NONE;
	memcpy(&size, page + offset + 6, sizeof(size));
	if (size > PAGE - 8 - offset)
		return SPAN_NONE;
	return span_of(page + offset + 8, size);
}

/*
 * What a lost write leaves: a leaf as it was earlier, in the place where the
 * same leaf stands now. LMDB writes to another place each time; only after a
 * while it takes the same one again.
 */
static bool
choose_leaf(struct damage *damage)
{
	static unsigned char stale[PAGE];
	const struct image *latest = &moments[MOMENTS - 1];
	const struct image *source = &moments[model_random(MOMENTS - 1)];
	uint64_t page = model_random(latest->size / PAGE), from;
	struct span key = first_key(latest->bytes + page * PAGE), other;

	for (from = 2; key.size > 0 && from < source->size / PAGE; from++) {
		other = first_key(source->bytes + from * PAGE);
		if (!span_equal(key, other) ||
		    memcmp(source->bytes + from * PAGE + 8,
			latest->bytes + page * PAGE + 8, PAGE - 8) == 0)
			continue;
		memcpy(stale, source->bytes + from * PAGE, PAGE);
		memcpy(stale, &page, sizeof(page));
		damage->offset = page * PAGE;
		damage->size = PAGE;
		damage->bytes = stale;
		(void)snprintf(damage->text, sizeof(damage->text),
		    "leaf %zu as it was at page %zu", (size_t)page,
		    (size_t)from);
		return true;
	}
	return false;
}

void
damage_choose(struct damage *damage, bool is_page)
{
	unsigned bit, tries;

	if (!is_page) {
		damage->offset = place_of_flip();
		damage->size = 1;
		bit = (unsigned)model_random(8);
		damage->flipped =
		    (unsigned char)(moments[MOMENTS - 1].bytes[damage->offset] ^
				    (1 << bit));
		damage->bytes = &damage->flipped;
		(void)snprintf(damage->text, sizeof(damage->text),
		    "bit %u of byte %zu of page %zu", bit,
		    damage->offset % PAGE, damage->offset / PAGE);
		return;
	}
	switch (model_random(2)) {
	case 0:
		for (tries = 0; tries < 10000; tries++)
			if (choose_leaf(damage))
				return;
		/* fall through */
	default:
		choose_page(damage);
	}
}

void
damage_store(const struct damage *damage)
{
	int fd = open(data_path(), O_WRONLY | O_TRUNC);

	if (fd < 0 ||
	    write(fd, moments[MOMENTS - 1].bytes, moments[MOMENTS - 1].size) !=
		(ssize_t)moments[MOMENTS - 1].size ||
	    pwrite(fd, damage->bytes, damage->size, (off_t)damage->offset) !=
		(ssize_t)damage->size)
		die(data_path());
	(void)close(fd);
}
