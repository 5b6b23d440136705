/* SPDX-License-Identifier: ISC */
/*
 * metrics.c - cells in memory shared across fork.
 *
 * A metric has a cell for each combination of its labels' values; a histogram
 * has for each a cell per bucket (which count apart here, and are summed up
 * in the text) and one for the sum of what was observed. Where a cell is each
 * process knows for itself: one that was taken over can spoil numbers, and
 * nothing else.
 */

#include "metrics_state.h"

#include <assert.h>
#include <stdlib.h>
#include <sys/mman.h>

struct metrics {
	_Atomic uint64_t *cells; /* shared */
	size_t size;
	size_t first[METRIC_COUNT];
};

static bool
is_histogram(enum metric metric)
{
	return metrics_kind_of(metric)->bounds != NULL;
}

/* Of one combination of labels: buckets, the last without bound, and sum. */
static size_t
width(enum metric metric)
{
	return is_histogram(metric) ? metrics_kind_of(metric)->bound_count + 2
				    : 1;
}

static size_t
combinations(enum metric metric)
{
	const enum set *set = metrics_rows[metric].sets;

	return (size_t)metrics_sets[set[0]].count * metrics_sets[set[1]].count *
	       metrics_sets[set[2]].count;
}

static _Atomic uint64_t *
cells_of(
    const struct metrics *metrics, enum metric metric, struct labels labels)
{
	const enum set *set = metrics_rows[metric].sets;
	size_t place = 0, i;

	for (i = 0; i < 3; i++) {
		assert(labels.values[i] < metrics_sets[set[i]].count);
		place = place * metrics_sets[set[i]].count + labels.values[i];
	}
	return metrics->cells + metrics->first[metric] + place * width(metric);
}

const _Atomic uint64_t *
metrics_cells(
    const struct metrics *metrics, enum metric metric, struct labels labels)
{
	return cells_of(metrics, metric, labels);
}

uint64_t
metrics_load(const _Atomic uint64_t *cell)
{
	return atomic_load_explicit(cell, memory_order_relaxed);
}

static void
add(_Atomic uint64_t *cell, uint64_t more)
{
	(void)atomic_fetch_add_explicit(cell, more, memory_order_relaxed);
}

struct metrics *
metrics_open(void)
{
	struct metrics *metrics = calloc(1, sizeof(*metrics));
	enum metric metric;
	size_t count = 0;

	if (metrics == NULL)
		abort();
	for (metric = 0; metric < METRIC_COUNT; metric++) {
		metrics->first[metric] = count;
		count += combinations(metric) * width(metric);
	}
	metrics->size = count * sizeof(*metrics->cells);
	metrics->cells = mmap(NULL, metrics->size, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (metrics->cells != MAP_FAILED)
		return metrics;
	free(metrics);
	return NULL;
}

void
metrics_close(struct metrics *metrics)
{
	if (metrics == NULL)
		return;
	(void)munmap((void *)metrics->cells, metrics->size); /* it is mapped */
	free(metrics);
}

void
metrics_add(struct metrics *metrics, enum metric metric, struct labels labels,
    uint64_t more)
{
	if (metrics != NULL)
		add(cells_of(metrics, metric, labels), more);
}

void
metrics_set(struct metrics *metrics, enum metric metric, struct labels labels,
    uint64_t value)
{
	if (metrics != NULL)
		atomic_store_explicit(cells_of(metrics, metric, labels), value,
		    memory_order_relaxed);
}

void
metrics_observe(struct metrics *metrics, enum metric metric,
    struct labels labels, uint64_t value)
{
	const uint64_t *bounds = metrics_kind_of(metric)->bounds;
	unsigned count = metrics_kind_of(metric)->bound_count;
	_Atomic uint64_t *cells;
	unsigned i = 0;

	if (metrics == NULL)
		return;
	while (i < count && value > bounds[i])
		i++;
	cells = cells_of(metrics, metric, labels);
	add(&cells[i], 1);
	add(&cells[count + 1], value);
}

static uint64_t
sum_up(const _Atomic uint64_t *cells, size_t count)
{
	uint64_t sum = 0;
	size_t i;

	for (i = 0; i < count; i++)
		sum += metrics_load(&cells[i]);
	return sum;
}

uint64_t
metrics_get(
    const struct metrics *metrics, enum metric metric, struct labels labels)
{
	size_t count = width(metric);

	if (metrics == NULL)
		return 0;
	return sum_up(cells_of(metrics, metric, labels),
	    is_histogram(metric) ? count - 1 : count);
}
