/* SPDX-License-Identifier: ISC */
/*
 * probe.c - measure reads of the engine, without processes and sockets.
 *
 *	bench-probe DIRECTORY COUNT [ROUNDS]
 *
 * bench-fill made the store with COUNT. It prints a line for each kind of read:
 * name, median and 99th percentile in microseconds.
 */
#include "store/engine.h"
#include "store/lmdb/lmdb.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define ROUNDS_MOST 100000

struct probe {
	struct store *store;
	struct arena *arena;
	uint64_t count;
	uint64_t random;
	size_t rounds;
	struct position middle; /* half way through all */
};

static double
now_us(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec * 1e6 + (double)time.tv_nsec / 1e3;
}

static void
must(enum result result, const char *what)
{
	if (result == RESULT_OK)
		return;
	fprintf(stderr, "bench-probe: %s: %s\n", what, result_text(result));
	exit(1);
}

/* ---- reads ---- */

static void
read_one(struct probe *probe)
{
	struct artifact *artifact;
	uint8_t hash[16];
	uint64_t number;
	struct id id;

	probe->random =
	    probe->random * 6364136223846793005u + 1442695040888963407u;
	number = (probe->random >> 20) % probe->count;
	digest_fingerprint(
	    span_of(&number, sizeof(number)), hash, sizeof(hash));
	memcpy(id.bytes, hash, sizeof(id.bytes));
	must(store_get(probe->store, &id, probe->arena, &artifact), "get");
}

static void
read_page(struct probe *probe, const struct filter *filter,
    const struct position *position)
{
	struct page page;

	must(store_list(probe->store, filter, position, LIMIT_PAGE_DEFAULT,
		 probe->arena, &page),
	    "list");
}

static const struct {
	const char *name;
	struct filter filter;
	bool is_deep;
} pages[] = {
	{ "page", { .workflow = { NULL, 0 } }, false },
	{ "page_deep", { .workflow = { NULL, 0 } }, true },
	{ "page_workflow", { .workflow = { "even", 4 } }, false },
	{ "page_workflow_deep", { .workflow = { "even", 4 } }, true },
	{ "page_two_filters",
	    { .workflow = { "even", 4 }, .phase = { "phase-1", 7 } }, false },
	{ "page_rare", { .session = { "rare", 4 } }, false },
	{ "page_rare_of_half",
	    { .session = { "rare", 4 }, .type = { "report", 6 } }, false },
	{ "page_disjoint",
	    { .workflow = { "even", 4 }, .type = { "report", 6 } }, false },
};

/* ---- measuring ---- */

static int
compare(const void *one, const void *other)
{
	double a = *(const double *)one, b = *(const double *)other;

	return a < b ? -1 : a > b;
}

static void
tell(const char *name, double *times, size_t rounds)
{
	qsort(times, rounds, sizeof(times[0]), compare);
	printf("%s %.2f %.2f\n", name, times[rounds / 2],
	    times[rounds * 99 / 100]);
}

/* A round takes at most a second in all when it is a slow one. */
static void
measure(struct probe *probe, const char *name, const struct filter *filter,
    const struct position *position)
{
	static double times[ROUNDS_MOST];
	double began, end = now_us() + 1e6;
	size_t i;

	for (i = 0; i < probe->rounds && (i < 3 || now_us() < end); i++) {
		began = now_us();
		if (filter == NULL)
			read_one(probe);
		else
			read_page(probe, filter, position);
		times[i] = now_us() - began;
		arena_reset(probe->arena);
	}
	tell(name, times, i);
}

/* Where the middle of the store is, from the record that was the middle. */
static void
find_middle(struct probe *probe)
{
	const struct filter all = { .workflow = SPAN_NONE };
	const struct position start = { 0 };
	struct artifact *artifact;
	uint64_t number = probe->count / 2;
	uint8_t hash[16];
	struct page page;
	struct id id;
	int i;

	must(store_list(probe->store, &all, &start, 1, probe->arena, &page),
	    "list");
	digest_fingerprint(
	    span_of(&number, sizeof(number)), hash, sizeof(hash));
	memcpy(id.bytes, hash, sizeof(id.bytes));
	must(store_get(probe->store, &id, probe->arena, &artifact), "get");
	probe->middle = page.next;
	for (i = 0; i < 8; i++)
		probe->middle.bytes[i] =
		    (uint8_t)(artifact->created >> (56 - 8 * i));
	arena_reset(probe->arena);
}

int
main(int argc, char **argv)
{
	struct probe probe = { .arena = arena_open(), .rounds = 2000 };
	const struct position start = { 0 };
	double began = now_us();
	char error[256];
	size_t i;

	if (argc < 3 || argc > 4)
		return 2;
	probe.count = strtoull(argv[2], NULL, 10);
	if (argc == 4)
		probe.rounds = strtoul(argv[3], NULL, 10);
	if (probe.count == 0 || probe.rounds < 1 || probe.rounds > ROUNDS_MOST)
		return 2;
	if (store_lmdb_open_reader(argv[1], error, &probe.store) != RESULT_OK) {
		fprintf(stderr, "bench-probe: %s\n", error);
		return 1;
	}
	printf("open %.2f 0\n", now_us() - began);
	find_middle(&probe);
	measure(&probe, "get", NULL, NULL);
	for (i = 0; i < sizeof(pages) / sizeof(pages[0]); i++)
		measure(&probe, pages[i].name, &pages[i].filter,
		    pages[i].is_deep ? &probe.middle : &start);
	store_close(probe.store);
	arena_close(probe.arena);
	return 0;
}
