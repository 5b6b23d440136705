/* SPDX-License-Identifier: ISC */
/*
 * fuzz_route.c - a method, a space and a target, through the router's own
 * table with handlers that only note that they were called. A plain reader,
 * written from doc/contract.md 3, says which answer is right. A redirect stays
 * on this host, and leads to a path that is answered.
 */
#include "fuzz.h"
#include "protocol/query.h"
#include "api/router.h"

#define ROUTES 32

static struct route table[ROUTES];

static void
say_called(const struct context *context, struct request *request,
    struct response *response)
{
	(void)context;
	response->status = 200;
	response->text = request->id;
}

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	const struct route *routes = router_table();
	size_t i;

	(void)argc;
	(void)argv;
	for (i = 0; routes[i].pattern != NULL; i++) {
		DEMAND(i + 1 < ROUTES);
		table[i] = routes[i];
		table[i].handle = say_called;
	}
	return 0;
}

/* ---- a plain reading ---- */

struct plain {
	int status;
	struct span id;
	struct span base;
};

/* The id's place in a path of this pattern; false: it is not of it. */
static bool
matches(const char *pattern, struct span path, struct span *ret_id)
{
	const char *hole = strstr(pattern, "{id}");
	size_t before, after;

	*ret_id = SPAN_NONE;
	if (hole == NULL)
		return span_is(path, pattern);
	before = (size_t)(hole - pattern);
	after = strlen(hole + 4);
	if (path.size < before + 1 + after ||
	    memcmp(path.data, pattern, before) != 0 ||
	    memcmp(path.data + path.size - after, hole + 4, after) != 0)
		return false;
	*ret_id = span_of(path.data + before, path.size - before - after);
	return span_find(*ret_id, '/') == ret_id->size;
}

/* What a path and a method are: 200, 405 or 404. */
static struct plain
look_up(struct span path, struct span method)
{
	struct plain plain = { .status = 404 };
	const struct span base = SPAN("/api/v1");
	bool is_below = span_starts_with(path, base.data);
	const struct route *route;
	struct span id;

	if (span_is(method, "HEAD"))
		method = SPAN("GET");
	for (route = table; route->pattern != NULL; route++) {
		if ((route->where & ROUTE_BARE) != 0 &&
		    matches(route->pattern, path, &id))
			plain.base = SPAN("");
		else if ((route->where & ROUTE_BASE) != 0 && is_below &&
			 matches(
			     route->pattern, span_from(path, base.size), &id))
			plain.base = base;
		else
			continue;
		plain.id = id;
		plain.status = 405;
		if (!span_is(method, route->method))
			continue;
		plain.status = 200;
		return plain;
	}
	return plain;
}

static struct plain
judge(struct arena *arena, struct span target, struct span method)
{
	struct span path = query_decode_path(
	    arena, span_of(target.data, span_find(target, '?')));
	struct plain plain = look_up(path, method);

	if (plain.status != 404)
		return plain;
	if (path.size == 0 || path.data[path.size - 1] != '/')
		return plain;
	while (path.size > 0 && path.data[path.size - 1] == '/')
		path.size--;
	if (look_up(path, method).status != 404)
		plain.status = 307;
	return plain;
}

/* ---- what must hold ---- */

static struct span
header(const struct response *response, const char *name)
{
	size_t i;

	for (i = 0; i < response->header_count; i++)
		if (strcmp(response->headers[i].name, name) == 0)
			return response->headers[i].value;
	return SPAN_NONE;
}

static void
demand_allow(const struct response *response, struct span method)
{
	struct span allow = header(response, "Allow");

	DEMAND(allow.size > 0);
	while (allow.data != NULL)
		DEMAND(!span_equal(span_trim(span_split(&allow, ',')), method));
}

static void
demand_redirect(struct arena *arena, const struct response *response,
    const struct request *request)
{
	struct span location = header(response, "Location");
	struct span query = request->query;
	size_t i;
	int status;

	DEMAND(location.size > 1 && location.data[0] == '/' &&
	       location.data[1] != '/' && location.data[1] != '\\');
	for (i = 0; i < location.size; i++)
		DEMAND(location.data[i] > ' ' && location.data[i] < 0x7f);
	status = judge(arena, location, request->method).status;
	DEMAND(status == 200 || status == 405);
	DEMAND((span_find(location, '?') < location.size) == (query.size > 0));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_open();
	struct context context = { .config = NULL };
	struct request request = { .arena = arena };
	struct response response;
	struct plain plain;

	request.target = arena_copy(arena, span_of(data, size));
	request.method = span_split(&request.target, ' ');
	/* That much api/request.c has seen to. */
	if (span_starts_with(request.target, "/")) {
		request.query = request.target;
		(void)span_split(&request.query, '?');
		plain = judge(arena, request.target, request.method);
		response_init(&response, arena);
		router_dispatch_in(table, &context, &request, &response);
		DEMAND(response.status == plain.status);
		if (plain.status == 200)
			DEMAND(span_equal(response.text, plain.id) &&
			       span_equal(request.base, plain.base));
		if (plain.status == 405)
			demand_allow(&response, request.method);
		if (plain.status == 307)
			demand_redirect(arena, &response, &request);
	}
	arena_close(arena);
	return 0;
}
