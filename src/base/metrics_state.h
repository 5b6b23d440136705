/* SPDX-License-Identifier: ISC */
/*
 * metrics_state.h - the tables of metrics, and what the files of that prefix
 * share; for metrics*.c only.
 */
#ifndef METRICS_STATE_H
#define METRICS_STATE_H

#include "metrics.h"

#include <stdatomic.h>

#define MICRO 1000000

enum set {
	SET_NONE,
	SET_ROUTE,
	SET_METHOD,
	SET_CODE,
	SET_ROLE,
	SET_REASON,
	SET_STATE,
	SET_OUTCOME,
	SET_LIMIT,
	SETS
};

/* A label and what it can be. */
struct metrics_set {
	const char *label;
	const char *const *values; /* NULL: who writes the text knows */
	unsigned count;
};

enum kind { KIND_COUNTER, KIND_GAUGE, KIND_SECONDS, KIND_SIZES, KINDS };

struct metrics_kind {
	const char *type;
	const uint64_t *bounds; /* of buckets; NULL: one cell */
	unsigned bound_count;
	unsigned scale; /* what a value is divided by in the text */
};

struct metrics_row {
	const char *name;
	enum kind kind;
	enum set sets[3];
	const char *help;
};

extern const struct metrics_set metrics_sets[SETS];
extern const struct metrics_kind metrics_kinds[KINDS];
extern const struct metrics_row metrics_rows[METRIC_COUNT];

static inline const struct metrics_kind *
metrics_kind_of(enum metric metric)
{
	return &metrics_kinds[metrics_rows[metric].kind];
}

/* One cell, or those of a histogram: buckets, the last without bound, sum. */
const _Atomic uint64_t *metrics_cells(
    const struct metrics *metrics, enum metric metric, struct labels labels);
uint64_t metrics_load(const _Atomic uint64_t *cell);

#endif
