/* SPDX-License-Identifier: ISC */
/*
 * metrics_table.c - what metrics there are, and what their labels can be. It
 * knows no router: the names of routes come from who writes the text.
 */

#include "metrics_state.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* ---- labels ---- */

static const char *const methods[] = { "GET", "HEAD", "POST", "PUT", "DELETE",
	"other" };
/* What response_reason knows, and the rest. */
#define CODES(X) \
	X(200) \
	X(201) \
	X(206) \
	X(304) \
	X(307) \
	X(400) \
	X(404) X(405) X(409) X(411) X(412) X(413) X(415) X(416) X(422) X(500) \
	    X(503) X(507)
#define NUMBER(code) code,
#define TEXT(code) #code,
static const int statuses[] = { CODES(NUMBER) };
static const char *const codes[] = { CODES(TEXT) "other" };
static const char *const roles[] = { "worker", "writer" };
static const char *const reasons[] = { "done", "failed", "crashed", "killed" };
static const char *const states[] = { "busy", "idle" };
static const char *const outcomes[] = { "taken", "refused" };
static const char *const limits[] = { "disk", "quota" };

const struct metrics_set metrics_sets[SETS] = {
	[SET_NONE] = { NULL, NULL, 1 },
	[SET_ROUTE] = { "route", NULL, METRICS_ROUTES },
	[SET_METHOD] = { "method", methods, COUNT(methods) },
	[SET_CODE] = { "code", codes, COUNT(codes) },
	[SET_ROLE] = { "role", roles, COUNT(roles) },
	[SET_REASON] = { "reason", reasons, COUNT(reasons) },
	[SET_STATE] = { "state", states, COUNT(states) },
	[SET_OUTCOME] = { "outcome", outcomes, COUNT(outcomes) },
	[SET_LIMIT] = { "limit", limits, COUNT(limits) },
};

unsigned
metrics_method(struct span method)
{
	unsigned i = 0;

	while (i < COUNT(methods) - 1 && !span_is(method, methods[i]))
		i++;
	return i;
}

unsigned
metrics_code(int status)
{
	unsigned i = 0;

	while (i < COUNT(statuses) && statuses[i] != status)
		i++;
	return i;
}

/* ---- rows ---- */

/* Bounds of buckets: of microseconds, and of numbers. */
static const uint64_t seconds[] = { 500, 2000, 10000, 50000, 250000, 1000000,
	5000000, 30000000 };
static const uint64_t sizes[] = { 1, 2, 4, 8, 16, 32, 64, 256, 1024 };

const struct metrics_kind metrics_kinds[KINDS] = {
	[KIND_COUNTER] = { "counter", NULL, 0, 1 },
	[KIND_GAUGE] = { "gauge", NULL, 0, 1 },
	[KIND_SECONDS] = { "histogram", seconds, COUNT(seconds), MICRO },
	[KIND_SIZES] = { "histogram", sizes, COUNT(sizes), 1 },
};

const struct metrics_row metrics_rows[METRIC_COUNT] = {
#define METRIC(id, kind, name, one, two, three, help) \
	{ name, KIND_##kind, { SET_##one, SET_##two, SET_##three }, help },
#include "metrics.def"
#undef METRIC
};
