/* SPDX-License-Identifier: ISC */
/*
 * router.h - the table: method, path pattern, handler.
 *
 * As "3. Paths" of doc/contract.md has it: decode the path once, match; 307 for
 * trailing slashes, 404, 405 with Allow, 415 for a coded body. HEAD goes where
 * GET goes. All of it below the prefix, if nginx names one.
 */
#ifndef ROUTER_H
#define ROUTER_H

#include "base/metrics.h"
#include "base/scoreboard.h"
#include "config/config.h"
#include "response.h"

/* What a handler works with. */
struct context {
	const struct config *config;
	struct store *store;
	struct owner owner; /* of uploads: this worker, this request */
	uint64_t now;	    /* the clock, when the request came */
	struct metrics *metrics;
	struct scoreboard *scoreboard; /* NULL: there are no processes */
};

/* Where a route is answered. */
#define ROUTE_BARE 1u /* as its pattern stands */
#define ROUTE_BASE 2u /* below /api/v1 */
#define ROUTE_BOTH (ROUTE_BARE | ROUTE_BASE)

struct route {
	const char *pattern; /* "{id}" stands for one segment, not empty */
	const char *method;
	void (*handle)(const struct context *context, struct request *request,
	    struct response *response);
	unsigned where;
};

/*
 * Set request->id, base and route, and fill response by the route's handler or
 * with 307, 404, 405 or 415. Then judge the request's conditions, add the
 * store's numbers to a 507, and say what caches may do with the answer.
 */
void router_dispatch(const struct context *context, struct request *request,
    struct response *response);

/* For tests and the fuzzer: only fill the response, by this table. */
void
router_dispatch_in(const struct route *table, const struct context *context,
    struct request *request, struct response *response);

/*
 * The pattern of each row of the table, in order, and how many: the number of
 * a request's route is that of the first row with its pattern, from 1.
 */
size_t router_patterns(const char *ret_patterns[METRICS_ROUTES]);

/* The table itself, for tests: a route with pattern NULL ends it. */
const struct route *router_table(void);

#endif
