/* SPDX-License-Identifier: ISC */
/*
 * metrics.h - numbers in memory that all processes share.
 *
 * metrics.def has a row for each. The master makes the memory before the
 * first fork; each process counts there, with one atomic addition and no lock,
 * so that the numbers outlive every worker and writer. Labels are closed sets:
 * no id, no text of a client. Where metrics is NULL, nothing is counted.
 *
 *	metrics_add(metrics, METRIC_STARTS, LABELS(METRICS_WORKER), 1);
 */
#ifndef METRICS_H
#define METRICS_H

#include "mem.h"

enum metric {
#define METRIC(id, kind, name, one, two, three, help) METRIC_##id,
#include "metrics.def"
#undef METRIC
	METRIC_COUNT
};

/* The values of labels, by number. */
#define METRICS_ROUTES 32 /* 0: no route; who writes the text names the rest */
enum { METRICS_WORKER, METRICS_WRITER };
enum { METRICS_DONE, METRICS_FAILED, METRICS_CRASHED, METRICS_KILLED };
enum { METRICS_BUSY, METRICS_IDLE };
enum { METRICS_TAKEN, METRICS_REFUSED };
enum { METRICS_DISK, METRICS_QUOTA };

/* One for each label that a metric has, in the order of its row. */
struct labels {
	unsigned values[3];
};

#define LABELS(...) ((struct labels){ { __VA_ARGS__ } })
#define LABELS_NONE LABELS(0)

struct metrics;

/* All 0, in shared memory; NULL: errno says why. */
struct metrics *metrics_open(void);
void metrics_close(struct metrics *metrics);

/* The number of a method or a status as a label; the rest share one. */
unsigned metrics_method(struct span method);
unsigned metrics_code(int status);

/* Count more of a counter. */
void metrics_add(struct metrics *metrics, enum metric metric,
    struct labels labels, uint64_t more);
/* Set a gauge. */
void metrics_set(struct metrics *metrics, enum metric metric,
    struct labels labels, uint64_t value);
/* Count a value of a histogram: microseconds for SECONDS. */
void metrics_observe(struct metrics *metrics, enum metric metric,
    struct labels labels, uint64_t value);
/* A counter's or gauge's number; how many values a histogram has. */
uint64_t metrics_get(
    const struct metrics *metrics, enum metric metric, struct labels labels);

/* ---- in Prometheus's text format, version 0.0.4 ---- */

/*
 * Append all of them. routes are the values of the label route, from number 1
 * on. Rows with that label are left out until they have been counted, all
 * others are there from the beginning.
 */
void metrics_write(const struct metrics *metrics, const char *const *routes,
    size_t route_count, struct buffer *buffer);
/* Append one more gauge, "artifactd_" and name. */
void metrics_write_gauge(
    const char *name, const char *help, uint64_t value, struct buffer *buffer);
/* Append artifactd_build_info. */
void metrics_write_build(const char *version, struct buffer *buffer);

#endif
