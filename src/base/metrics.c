/* SPDX-License-Identifier: ISC */
/*
 * metrics.c - what metrics there are, their cells in memory shared across
 * fork, and how Prometheus reads them.
 *
 * A metric has a cell for each combination of its labels' values. A histogram
 * has for each combination a cell per bucket, which counts what fell between
 * its bound and the one before, and a cell for the sum of what was observed;
 * the text adds the buckets up. Each process computes for itself where a cell
 * is: a process that was taken over can spoil numbers, and nothing else.
 *
 * Knows no router: whoever writes the text brings the names of the routes.
 */

#include "metrics.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#define MICRO 1000000

/* ---- labels: closed sets of values ---- */

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

static const char *const methods[] = { "GET", "HEAD", "POST", "PUT", "DELETE",
	"other" };
/* The statuses that artifactd answers with, and all others. */
static const char *const codes[] = { "200", "201", "206", "304", "307", "400",
	"404", "405", "409", "411", "412", "413", "415", "416", "422", "500",
	"503", "507", "other" };
/* clang-format off */
static const char *const roles[] = {
	[METRICS_WORKER] = "worker", [METRICS_WRITER] = "writer",
};
static const char *const reasons[] = {
	[METRICS_DONE] = "done", [METRICS_FAILED] = "failed",
	[METRICS_CRASHED] = "crashed", [METRICS_KILLED] = "killed",
};
static const char *const states[] = {
	[METRICS_BUSY] = "busy", [METRICS_IDLE] = "idle",
};
static const char *const outcomes[] = {
	[METRICS_TAKEN] = "taken", [METRICS_REFUSED] = "refused",
};
static const char *const limits[] = {
	[METRICS_DISK] = "disk", [METRICS_QUOTA] = "quota",
};
/* clang-format on */

static const struct {
	const char *label;
	const char *const *values; /* NULL: metrics_write is given them */
	unsigned count;
} sets[SETS] = {
	[SET_NONE] = { NULL, NULL, 1 },
	[SET_ROUTE] = { "route", NULL, METRICS_ROUTES },
	[SET_METHOD] = { "method", methods, COUNT_OF(methods) },
	[SET_CODE] = { "code", codes, COUNT_OF(codes) },
	[SET_ROLE] = { "role", roles, COUNT_OF(roles) },
	[SET_REASON] = { "reason", reasons, COUNT_OF(reasons) },
	[SET_STATE] = { "state", states, COUNT_OF(states) },
	[SET_OUTCOME] = { "outcome", outcomes, COUNT_OF(outcomes) },
	[SET_LIMIT] = { "limit", limits, COUNT_OF(limits) },
};

/* The place of a text among values, of which the last stands for the rest. */
static unsigned
place_of(struct span text, const char *const *values, unsigned count)
{
	unsigned i = 0;

	while (i < count - 1 && !span_is(text, values[i]))
		i++;
	return i;
}

unsigned
metrics_method(struct span method)
{
	return place_of(method, methods, COUNT_OF(methods));
}

unsigned
metrics_code(int status)
{
	char text[16];

	(void)snprintf(text, sizeof(text), "%d", status); /* it is short */
	return place_of(span_str(text), codes, COUNT_OF(codes));
}

/* ---- rows ---- */

enum kind { KIND_COUNTER, KIND_GAUGE, KIND_SECONDS, KIND_SIZES, KINDS };

/* Bounds of buckets: of microseconds, and of numbers. */
static const uint64_t seconds[] = { 500, 2000, 10000, 50000, 250000, 1000000,
	5000000, 30000000 };
static const uint64_t sizes[] = { 1, 2, 4, 8, 16, 32, 64, 256, 1024 };

static const struct kind_of_metric {
	const char *type;
	const uint64_t *bounds; /* of buckets; NULL: no histogram, one cell */
	unsigned bound_count;
	unsigned scale; /* the text has the value divided by this */
} kinds[KINDS] = {
	[KIND_COUNTER] = { "counter", NULL, 0, 1 },
	[KIND_GAUGE] = { "gauge", NULL, 0, 1 },
	[KIND_SECONDS] = { "histogram", seconds, COUNT_OF(seconds), MICRO },
	[KIND_SIZES] = { "histogram", sizes, COUNT_OF(sizes), 1 },
};

static const struct {
	const char *name;
	enum kind kind;
	enum set sets[3];
	const char *help;
} rows[METRIC_COUNT] = {
#define METRIC(id, kind, name, one, two, three, help) \
	{ name, KIND_##kind, { SET_##one, SET_##two, SET_##three }, help },
#include "metrics.def"
#undef METRIC
};

static const struct kind_of_metric *
kind_of(enum metric metric)
{
	return &kinds[rows[metric].kind];
}

/* ---- cells ---- */

struct metrics {
	_Atomic uint64_t *cells; /* shared */
	size_t size;
	size_t first[METRIC_COUNT];
};

/* The cells of one combination of labels: one, or those of a histogram, which
 * are its buckets, the last without a bound, and the sum. */
static size_t
width(enum metric metric)
{
	return kind_of(metric)->bounds != NULL
		   ? kind_of(metric)->bound_count + 2
		   : 1;
}

static size_t
combinations(enum metric metric)
{
	const enum set *set = rows[metric].sets;

	return (size_t)sets[set[0]].count * sets[set[1]].count *
	       sets[set[2]].count;
}

static _Atomic uint64_t *
cells_of(
    const struct metrics *metrics, enum metric metric, struct labels labels)
{
	const enum set *set = rows[metric].sets;
	size_t place = 0, i;

	for (i = 0; i < 3; i++) {
		assert(labels.values[i] < sets[set[i]].count);
		place = place * sets[set[i]].count + labels.values[i];
	}
	return metrics->cells + metrics->first[metric] + place * width(metric);
}

static uint64_t
load(const _Atomic uint64_t *cell)
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
	const uint64_t *bounds = kind_of(metric)->bounds;
	unsigned count = kind_of(metric)->bound_count;
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

uint64_t
metrics_get(
    const struct metrics *metrics, enum metric metric, struct labels labels)
{
	size_t count = kind_of(metric)->bound_count + 1, i;
	uint64_t sum = 0;

	if (metrics == NULL)
		return 0;
	/* The only cell, or all buckets. */
	for (i = 0; i < count; i++)
		sum += load(&cells_of(metrics, metric, labels)[i]);
	return sum;
}

/* ---- as text ---- */

struct text {
	const struct metrics *metrics;
	const char *const *routes;
	size_t route_count;
	struct buffer *buffer;
};

/* Our own words: nothing in them has to be escaped. */
static void
write_head(
    const char *name, const char *help, const char *type, struct buffer *buffer)
{
	buffer_printf(buffer,
	    "# HELP artifactd_%s %s\n# TYPE artifactd_%s %s\n", name, help,
	    name, type);
}

/* As a decimal fraction where it has to be one, without zeros at its end. */
static void
write_number(uint64_t value, unsigned scale, struct buffer *buffer)
{
	uint64_t rest = value % scale;

	buffer_append_number(buffer, value / scale);
	if (rest > 0)
		buffer_append_byte(buffer, '.');
	for (scale /= 10; rest > 0; rest %= scale, scale /= 10)
		buffer_append_byte(buffer, (char)('0' + rest / scale));
}

static const char *
label_value(const struct text *text, enum set set, unsigned value)
{
	if (sets[set].values != NULL)
		return sets[set].values[value];
	return value == 0 || value > text->route_count
		   ? "other"
		   : text->routes[value - 1];
}

/* "artifactd_name_suffix{…" up to the last label; a bound is one more. */
static void
write_name(const struct text *text, enum metric metric, const char *suffix,
    struct labels labels, const char *bound)
{
	const enum set *set = rows[metric].sets;
	const char *before = "{";
	size_t i;

	buffer_printf(
	    text->buffer, "artifactd_%s%s", rows[metric].name, suffix);
	for (i = 0; i < 3 && set[i] != SET_NONE; i++) {
		buffer_printf(text->buffer, "%s%s=\"%s\"", before,
		    sets[set[i]].label,
		    label_value(text, set[i], labels.values[i]));
		before = ",";
	}
	if (bound != NULL) {
		buffer_printf(text->buffer, "%sle=\"%s\"", before, bound);
		before = ",";
	}
	buffer_append(text->buffer, *before == ',' ? SPAN("} ") : SPAN(" "));
}

static void
write_bucket(const struct text *text, enum metric metric, struct labels labels,
    unsigned bucket, uint64_t count)
{
	unsigned scale = kind_of(metric)->scale;
	struct buffer bound;

	buffer_init(&bound, text->buffer->arena);
	if (bucket == kind_of(metric)->bound_count)
		buffer_append(&bound, SPAN("+Inf"));
	else
		write_number(kind_of(metric)->bounds[bucket], scale, &bound);
	buffer_append_byte(&bound, '\0');
	write_name(text, metric, "_bucket", labels, bound.data);
	buffer_printf(text->buffer, "%llu\n", (unsigned long long)count);
}

/* Read each bucket once, so that the count is the sum of what is shown. */
static void
write_histogram(const struct text *text, enum metric metric,
    struct labels labels, const _Atomic uint64_t *cells)
{
	unsigned buckets = kind_of(metric)->bound_count + 1;
	uint64_t count = 0;
	unsigned i;

	for (i = 0; i < buckets; i++) {
		count += load(&cells[i]);
		write_bucket(text, metric, labels, i, count);
	}
	write_name(text, metric, "_sum", labels, NULL);
	write_number(
	    load(&cells[buckets]), kind_of(metric)->scale, text->buffer);
	buffer_append_byte(text->buffer, '\n');
	write_name(text, metric, "_count", labels, NULL);
	buffer_printf(text->buffer, "%llu\n", (unsigned long long)count);
}

static void
write_one(const struct text *text, enum metric metric, struct labels labels)
{
	const _Atomic uint64_t *cells = cells_of(text->metrics, metric, labels);

	if (rows[metric].sets[0] == SET_ROUTE &&
	    metrics_get(text->metrics, metric, labels) == 0)
		return;
	if (kind_of(metric)->bounds != NULL) {
		write_histogram(text, metric, labels, cells);
		return;
	}
	write_name(text, metric, "", labels, NULL);
	buffer_append_number(text->buffer, load(cells));
	buffer_append_byte(text->buffer, '\n');
}

static void
write_row(const struct text *text, enum metric metric)
{
	const enum set *set = rows[metric].sets;
	struct labels labels;
	unsigned *value = labels.values;

	write_head(rows[metric].name, rows[metric].help, kind_of(metric)->type,
	    text->buffer);
	for (value[0] = 0; value[0] < sets[set[0]].count; value[0]++)
		for (value[1] = 0; value[1] < sets[set[1]].count; value[1]++)
			for (value[2] = 0; value[2] < sets[set[2]].count;
			     value[2]++)
				write_one(text, metric, labels);
}

void
metrics_write(const struct metrics *metrics, const char *const *routes,
    size_t route_count, struct buffer *buffer)
{
	const struct text text = { metrics, routes, route_count, buffer };
	enum metric metric;

	for (metric = 0; metrics != NULL && metric < METRIC_COUNT; metric++)
		write_row(&text, metric);
}

void
metrics_write_gauge(
    const char *name, const char *help, uint64_t value, struct buffer *buffer)
{
	write_head(name, help, "gauge", buffer);
	buffer_printf(
	    buffer, "artifactd_%s %llu\n", name, (unsigned long long)value);
}

void
metrics_write_build(const char *version, struct buffer *buffer)
{
	write_head("build_info", "Which artifactd this is", "gauge", buffer);
	buffer_printf(
	    buffer, "artifactd_build_info{version=\"%s\"} 1\n", version);
}
