/* SPDX-License-Identifier: ISC */
/*
 * metrics.c - /metrics: what all processes count, and what the store
 * tells of itself.
 */

#include "handle.h"
#include "router.h"

#ifndef PACKAGE_VERSION
#define PACKAGE_VERSION "unknown"
#endif

struct figures {
	struct arena *arena;
	struct buffer *buffer;
};

static void
write_figure(void *object, const struct store_figure *figure)
{
	struct figures *figures = object;
	struct span name;

	name = arena_printf(figures->arena, "store_%s", figure->name);
	metrics_write_gauge(
	    name.data, figure->help, figure->value, figures->buffer);
}

/* What is looked up when somebody asks. */
static void
set_gauges(const struct context *context, bool is_readable)
{
	struct metrics *metrics = context->metrics;
	unsigned busy = 0, idle = 0;

	if (context->scoreboard != NULL)
		scoreboard_count(context->scoreboard, &busy, &idle);
	metrics_set(metrics, METRIC_WORKERS, LABELS(METRICS_BUSY), busy);
	metrics_set(metrics, METRIC_WORKERS, LABELS(METRICS_IDLE), idle);
	metrics_set(metrics, METRIC_READABLE, LABELS_NONE, is_readable);
}

void
handle_metrics(const struct context *context, struct request *request,
    struct response *response)
{
	const char *routes[METRICS_ROUTES];
	struct figures figures;
	struct buffer shared, store;
	enum result result;

	buffer_init(&store, request->arena);
	figures = (struct figures){ request->arena, &store };
	result = store_figures(context->store, write_figure, &figures);
	set_gauges(context, result == RESULT_OK);
	buffer_init(&shared, request->arena);
	metrics_write_build(PACKAGE_VERSION, &shared);
	metrics_write(
	    context->metrics, routes, router_patterns(routes), &shared);
	buffer_append(&shared, buffer_span(&store));
	response->status = 200;
	response->text = buffer_span(&shared);
	response_header(
	    response, "Content-Type", SPAN("text/plain; version=0.0.4"));
}
