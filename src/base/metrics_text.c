/* SPDX-License-Identifier: ISC */
/* metrics_text.c - metrics as Prometheus reads them, version 0.0.4. */

#include "metrics_state.h"

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

/* With as many digits as it takes. */
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
	if (metrics_sets[set].values != NULL)
		return metrics_sets[set].values[value];
	return value == 0 || value > text->route_count
		   ? "other"
		   : text->routes[value - 1];
}

/* "artifactd_name_suffix{…" up to the last label; a bound is one more. */
static void
write_name(const struct text *text, enum metric metric, const char *suffix,
    struct labels labels, const char *bound)
{
	const enum set *set = metrics_rows[metric].sets;
	const char *before = "{";
	size_t i;

	buffer_printf(
	    text->buffer, "artifactd_%s%s", metrics_rows[metric].name, suffix);
	for (i = 0; i < 3 && set[i] != SET_NONE; i++) {
		buffer_printf(text->buffer, "%s%s=\"%s\"", before,
		    metrics_sets[set[i]].label,
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
	unsigned scale = metrics_kind_of(metric)->scale;
	struct buffer bound;

	buffer_init(&bound, text->buffer->arena);
	if (bucket == metrics_kind_of(metric)->bound_count)
		buffer_append(&bound, SPAN("+Inf"));
	else
		write_number(
		    metrics_kind_of(metric)->bounds[bucket], scale, &bound);
	buffer_append_byte(&bound, '\0');
	write_name(text, metric, "_bucket", labels, bound.data);
	buffer_printf(text->buffer, "%llu\n", (unsigned long long)count);
}

/* Buckets are read once, so that they agree with the count. */
static void
write_histogram(const struct text *text, enum metric metric,
    struct labels labels, const _Atomic uint64_t *cells)
{
	unsigned buckets = metrics_kind_of(metric)->bound_count + 1;
	uint64_t count = 0;
	unsigned i;

	for (i = 0; i < buckets; i++) {
		count += metrics_load(&cells[i]);
		write_bucket(text, metric, labels, i, count);
	}
	write_name(text, metric, "_sum", labels, NULL);
	write_number(metrics_load(&cells[buckets]),
	    metrics_kind_of(metric)->scale, text->buffer);
	buffer_append_byte(text->buffer, '\n');
	write_name(text, metric, "_count", labels, NULL);
	buffer_printf(text->buffer, "%llu\n", (unsigned long long)count);
}

static void
write_one(const struct text *text, enum metric metric, struct labels labels)
{
	const _Atomic uint64_t *cells =
	    metrics_cells(text->metrics, metric, labels);

	if (metrics_rows[metric].sets[0] == SET_ROUTE &&
	    metrics_get(text->metrics, metric, labels) == 0)
		return;
	if (metrics_kind_of(metric)->bounds != NULL) {
		write_histogram(text, metric, labels, cells);
		return;
	}
	write_name(text, metric, "", labels, NULL);
	buffer_append_number(text->buffer, metrics_load(cells));
	buffer_append_byte(text->buffer, '\n');
}

static void
write_row(const struct text *text, enum metric metric)
{
	const enum set *set = metrics_rows[metric].sets;
	struct labels labels;
	unsigned *value = labels.values;

	write_head(metrics_rows[metric].name, metrics_rows[metric].help,
	    metrics_kind_of(metric)->type, text->buffer);
	for (value[0] = 0; value[0] < metrics_sets[set[0]].count; value[0]++)
		for (value[1] = 0; value[1] < metrics_sets[set[1]].count;
		     value[1]++)
			for (value[2] = 0;
			     value[2] < metrics_sets[set[2]].count; value[2]++)
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
