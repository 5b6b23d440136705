/* SPDX-License-Identifier: ISC */
/*
 * service.c - what the service says of itself: that it lives, whether it can
 * read and has room to write, its metrics, and its description.
 *
 * How much room there is the writer knows, and says so once a second; a
 * worker's sandbox keeps it from looking for itself.
 */

#include "handle.h"

#include "protocol/query.h"

#ifndef PACKAGE_VERSION
#define PACKAGE_VERSION "unknown"
#endif

#define CHECKS 5

/* doc/openapi.json, made part of the program by the makefile. */
extern const char openapi_json[];

/*
 * The process answers, and says how much content and JSON a request may bring,
 * so that a client need not send it all to find out.
 */
void
handle_healthz(const struct context *context, struct request *request,
    struct response *response)
{
	struct json_value *object = json_object(response->arena);

	(void)request;
	json_put_text(object, "status", SPAN("healthy"));
	json_put_number(object, "max_content", context->config->max_content);
	json_put_number(object, "max_json", context->config->max_json);
	response_json(response, 200, object);
}

/* What clients of the original service look for. */
void
handle_health(const struct context *context, struct request *request,
    struct response *response)
{
	struct json_value *object = json_object(response->arena);

	(void)context;
	(void)request;
	json_put_text(object, "status", SPAN("healthy"));
	json_put_text(object, "mode", SPAN("full"));
	response_json(response, 200, object);
}

void
handle_openapi(const struct context *context, struct request *request,
    struct response *response)
{
	(void)context;
	(void)request;
	response_json_text(response, 200, span_str(openapi_json));
}

/* ---- /readyz ---- */

struct check {
	const char *name;
	bool is_ok;
	struct span detail;
	enum result cause;
};

static uint64_t
gauge(const struct context *context, enum metric metric)
{
	return metrics_get(context->metrics, metric, LABELS_NONE);
}

static struct check
check_store(const struct context *context, struct arena *arena,
    struct store_stat *ret_stat)
{
	struct check check = { .name = "store" };

	check.cause = store_stat(context->store, ret_stat);
	check.is_ok = check.cause == RESULT_OK;
	check.detail =
	    check.is_ok
		? arena_printf(arena, "The store can be read: %llu artifacts.",
		      (unsigned long long)ret_stat->artifacts)
		: arena_printf(arena,
		      "The store cannot be read: %s. An operator has to look "
		      "at the log.",
		      result_text(check.cause));
	return check;
}

static struct check
check_writer(const struct context *context, struct arena *arena)
{
	struct check check = { .name = "writer", .is_ok = true };
	int64_t silence = 0;

	if (context->scoreboard != NULL)
		silence =
		    scoreboard_now() -
		    context->scoreboard->slots[SCOREBOARD_WRITER].heartbeat;
	check.is_ok = silence <= SCOREBOARD_WRITER_SILENT;
	check.detail =
	    check.is_ok
		? SPAN("The writer takes changes.")
		: arena_printf(arena,
		      "Nobody has heard of the writer for %lld seconds, so "
		      "changes are not taken; reads still work. The service "
		      "replaces it by itself; if that goes on, look at the "
		      "log.",
		      (long long)(silence / 1000000));
	return check;
}

static struct check
check_disk(const struct context *context, struct arena *arena)
{
	unsigned long long have = gauge(context, METRIC_DISK_FREE);
	unsigned long long reserve = gauge(context, METRIC_DISK_RESERVE);
	struct check check = { .name = "disk" };

	check.is_ok = metrics_get(context->metrics, METRIC_HAS_ROOM,
			  LABELS(METRICS_DISK)) != 0;
	check.detail = arena_printf(arena,
	    "%llu bytes are free on the disk, of which the setting `reserve` "
	    "keeps %llu%s",
	    have, reserve,
	    check.is_ok ? "."
			: ", so creates and uploads are refused; reads and "
			  "deletes still work. Free space on the disk, delete "
			  "artifacts, or lower `reserve`.");
	return check;
}

static struct check
check_quota(const struct context *context, struct arena *arena,
    const struct store_stat *stat)
{
	unsigned long long used = stat->bytes + stat->staged;
	unsigned long long quota = gauge(context, METRIC_QUOTA);
	struct check check = { .name = "quota" };

	check.is_ok = metrics_get(context->metrics, METRIC_HAS_ROOM,
			  LABELS(METRICS_QUOTA)) != 0;
	if (quota == 0)
		check.detail = SPAN("There is no quota.");
	else
		check.detail = arena_printf(arena,
		    "%llu of the %llu bytes that the setting `max_bytes` "
		    "allows all content together are in use%s",
		    used, quota,
		    check.is_ok ? "."
				: ", so creates and uploads are refused; reads "
				  "and deletes still work. Delete artifacts, "
				  "or raise `max_bytes`.");
	return check;
}

/* As the writer judges a create (RESULT_CLOCK). */
static struct check
check_clock(struct arena *arena, const struct store_stat *stat)
{
	uint64_t now = moment_now();
	uint64_t ahead = stat->newest > now ? stat->newest - now : 0;
	struct check check = { .name = "clock", .is_ok = ahead <= LIMIT_AHEAD };

	if (check.is_ok)
		check.detail = SPAN("The clock is not behind the artifacts.");
	else
		check.detail = arena_printf(arena,
		    "The newest artifact is %llu seconds ahead of this host's "
		    "clock, more than a day, so creates are refused; reads, "
		    "uploads and deletes still work. Set the clock right, or "
		    "wait until it has caught up.",
		    (unsigned long long)(ahead / 1000000));
	return check;
}

static struct json_value *
describe(const struct check checks[CHECKS], struct arena *arena)
{
	struct json_value *array = json_array(arena);
	struct json_value *object;
	size_t i;

	for (i = 0; i < CHECKS; i++) {
		object = json_object(arena);
		json_put_text(object, "name", span_str(checks[i].name));
		json_put_text(object, "status",
		    checks[i].is_ok ? SPAN("ok") : SPAN("failed"));
		json_put_text(object, "detail", checks[i].detail);
		json_push(array, object);
	}
	return array;
}

/* failed is the first that did; NULL: none. */
static void
answer_ready(struct response *response, const struct check *failed,
    const struct json_value *checks)
{
	struct json_value *object = json_object(response->arena);

	if (failed != NULL)
		json_put_text(object, "detail", failed->detail);
	if (failed == NULL || checks != NULL)
		json_put_text(object, "status",
		    failed == NULL ? SPAN("ready") : SPAN("not ready"));
	if (checks != NULL)
		json_put(object, "checks", checks);
	response_json(response, failed == NULL ? 200 : 503, object);
	if (failed == NULL)
		return;
	response_header(response, "Retry-After", SPAN("1"));
	response->cause =
	    failed->cause != RESULT_OK ? failed->cause : RESULT_UNAVAILABLE;
}

void
handle_readyz(const struct context *context, struct request *request,
    struct response *response)
{
	struct arena *arena = request->arena;
	struct store_stat stat = { 0 };
	const struct check *failed = NULL;
	struct check checks[CHECKS];
	bool is_verbose;
	size_t i;

	checks[0] = check_store(context, arena, &stat);
	checks[1] = check_writer(context, arena);
	checks[2] = check_disk(context, arena);
	checks[3] = check_quota(context, arena, &stat);
	checks[4] = check_clock(arena, &stat);
	for (i = CHECKS; i-- > 0;)
		if (!checks[i].is_ok)
			failed = &checks[i];
	is_verbose = query_find(arena, request->query, "verbose").data != NULL;
	answer_ready(
	    response, failed, is_verbose ? describe(checks, arena) : NULL);
}

/* ---- /metrics ---- */

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

/* Gauges that are not kept up to date, but set when somebody asks. */
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
