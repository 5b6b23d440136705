/* SPDX-License-Identifier: ISC */
/*
 * router.c - the table, and how a path finds its row. It knows the names of
 * the handlers and nothing of what they do.
 *
 * A new pattern also needs a location in nginx/artifactd-locations.conf.in, and
 * an entry in doc/openapi.json and doc/contract.md.
 */

#include "handle.h"

#include "protocol/header.h"
#include "protocol/query.h"

#include <assert.h>

#define BASE "/api/v1"

static const struct route routes[] = {
	{ "/artifacts", "GET", handle_list, ROUTE_BOTH },
	{ "/artifacts", "POST", handle_create, ROUTE_BOTH },
	{ "/artifacts/{id}", "GET", handle_detail, ROUTE_BOTH },
	{ "/artifacts/{id}", "PUT", handle_update, ROUTE_BOTH },
	{ "/artifacts/{id}", "DELETE", handle_delete, ROUTE_BOTH },
	{ "/artifacts/{id}/content", "GET", handle_content, ROUTE_BOTH },
	{ "/artifacts/{id}/upload", "POST", handle_upload, ROUTE_BOTH },
	{ "/artifacts/{id}/raw", "GET", handle_raw_get, ROUTE_BOTH },
	{ "/artifacts/{id}/raw", "PUT", handle_raw_put, ROUTE_BOTH },
	{ "/health", "GET", handle_health, ROUTE_BASE },
	{ "/healthz", "GET", handle_healthz, ROUTE_BOTH },
	{ "/readyz", "GET", handle_readyz, ROUTE_BOTH },
	{ "/metrics", "GET", handle_metrics, ROUTE_BOTH },
	{ "/openapi.json", "GET", handle_openapi, ROUTE_BOTH },
	{ .pattern = NULL },
};

const struct route *
router_table(void)
{
	return routes;
}

size_t
router_patterns(const char *ret_patterns[METRICS_ROUTES])
{
	size_t count = 0;

	while (routes[count].pattern != NULL) {
		assert(count < METRICS_ROUTES - 1);
		ret_patterns[count] = routes[count].pattern;
		count++;
	}
	return count;
}

/* ---- matching ---- */

/* Segment by segment; both begin with '/'. Only a match sets *ret_id. */
static bool
pattern_matches(const char *pattern, struct span path, struct span *ret_id)
{
	struct span expected = span_str(pattern);
	struct span id = SPAN_NONE;
	struct span want, have;

	while (expected.data != NULL && path.data != NULL) {
		want = span_split(&expected, '/');
		have = span_split(&path, '/');
		if (span_is(want, "{id}") && have.size > 0)
			id = have;
		else if (!span_equal(want, have))
			return false;
	}
	if (expected.data != NULL || path.data != NULL)
		return false;
	*ret_id = id;
	return true;
}

/* Does this route answer this path, below which base? */
static bool
route_matches(const struct route *route, struct span path, struct span *ret_id,
    struct span *ret_base)
{
	struct span base = SPAN(BASE);

	if ((route->where & ROUTE_BARE) != 0 &&
	    pattern_matches(route->pattern, path, ret_id)) {
		*ret_base = SPAN("");
		return true;
	}
	if ((route->where & ROUTE_BASE) != 0 && span_starts_with(path, BASE) &&
	    pattern_matches(
		route->pattern, span_from(path, base.size), ret_id)) {
		*ret_base = base;
		return true;
	}
	return false;
}

static bool
is_method(const struct route *route, struct span method)
{
	if (span_is(method, "HEAD"))
		method = SPAN("GET");
	return span_is(method, route->method);
}

/* Rows of a pattern stand together. */
static unsigned
route_number(const struct route *table, const struct route *route)
{
	while (route > table && strcmp(route->pattern, route[-1].pattern) == 0)
		route--;
	return (unsigned)(route - table) + 1;
}

/*
 * The route of this path and method. NULL: allow holds the methods that the
 * path has, and is empty for an unknown path.
 */
static const struct route *
find_route(const struct route *table, struct span path, struct request *request,
    struct buffer *allow)
{
	const struct route *route;

	for (route = table; route->pattern != NULL; route++) {
		if (!route_matches(route, path, &request->id, &request->base))
			continue;
		request->route = route_number(table, route);
		if (is_method(route, request->method))
			return route;
		buffer_printf(allow, "%s%s%s", allow->size == 0 ? "" : ", ",
		    route->method,
		    strcmp(route->method, "GET") == 0 ? ", HEAD" : "");
	}
	return NULL;
}

/*
 * Would the bytes of this request become content, or mean it, in a coding
 * that this service does not undo? Bodies of other methods are ignored.
 */
static bool
is_coded(const struct route *route, const struct request *request)
{
	return (strcmp(route->method, "POST") == 0 ||
		   strcmp(route->method, "PUT") == 0) &&
	       !header_is_uncoded(request->content_encoding);
}

/* ---- the prefix ---- */

/*
 * The decoded path less the prefix below which nginx serves us. Another path
 * is a 404: nginx picks a location by a path in which it has resolved ".." and
 * "//", and we do not.
 */
static struct span
below_prefix(const struct request *request, struct span path)
{
	struct span prefix = request->prefix;

	if (prefix.size == 0)
		return path;
	if (path.size <= prefix.size || path.data[prefix.size] != '/' ||
	    memcmp(path.data, prefix.data, prefix.size) != 0)
		return SPAN("");
	return span_from(path, prefix.size);
}

/* ---- trailing slashes ---- */

static struct span
without_slashes(struct span path)
{
	while (path.size > 0 && path.data[path.size - 1] == '/')
		path.size--;
	return path;
}

/* The same for a path as sent, where %2F is a slash too. */
static struct span
without_raw_slashes(struct span path)
{
	while (path.size > 0) {
		if (path.data[path.size - 1] == '/')
			path.size--;
		else if (span_is_nocase(span_end(path, 3), "%2F"))
			path.size -= 3;
		else
			break;
	}
	return path;
}

static void
append_visible(struct buffer *buffer, struct span text)
{
	unsigned char byte;
	size_t i;

	for (i = 0; i < text.size; i++) {
		byte = (unsigned char)text.data[i];
		if (byte > 0x20 && byte < 0x7f)
			buffer_append_byte(buffer, text.data[i]);
		else
			buffer_printf(buffer, "%%%02X", byte);
	}
}

/*
 * A path that matches begins with one '/' and a literal, so that this can
 * never begin with "//", which would lead to another host.
 */
static void
redirect(struct request *request, struct response *response)
{
	struct span rest = request->target;
	struct span path = span_split(&rest, '?');
	struct buffer location;

	buffer_init(&location, request->arena);
	append_visible(&location, without_raw_slashes(path));
	if (request->query.size > 0) {
		buffer_append_byte(&location, '?');
		append_visible(&location, request->query);
	}
	response->status = 307;
	response->text = SPAN("");
	response_header(response, "Location", buffer_span(&location));
}

/* ---- dispatch ---- */

static void
no_route(const struct route *table, struct span path, struct request *request,
    struct response *response)
{
	struct span shorter = without_slashes(path);
	struct buffer allow;

	buffer_init(&allow, request->arena);
	if (shorter.size < path.size &&
	    (find_route(table, shorter, request, &allow) != NULL ||
		allow.size > 0))
		redirect(request, response);
	else
		response_error(response, 404, "Not Found");
}

void
router_dispatch_in(const struct route *table, const struct context *context,
    struct request *request, struct response *response)
{
	struct span rest = request->target;
	struct span path = span_split(&rest, '?');
	const struct route *route;
	struct buffer allow;

	buffer_init(&allow, request->arena);
	path = below_prefix(request, query_decode_path(request->arena, path));
	route = find_route(table, path, request, &allow);
	if (request->prefix.size > 0)
		request->base = arena_printf(request->arena, "%.*s%.*s",
		    (int)request->prefix.size, request->prefix.data,
		    (int)request->base.size, request->base.data);
	if (route != NULL && is_coded(route, request)) {
		response_coded(response, request->content_encoding);
	} else if (route != NULL) {
		route->handle(context, request, response);
	} else if (allow.size > 0) {
		response_error(response, 405, "Method Not Allowed");
		response_header(response, "Allow", buffer_span(&allow));
	} else {
		no_route(table, path, request, response);
	}
}

/*
 * The conditions of a read of what has neither ETag nor date: lists, health,
 * metrics. Others their handlers have judged, before they read content.
 */
static void
judge_conditions(const struct request *request, struct response *response)
{
	const struct validators none = { .content = NULL };

	if (response->is_judged || response->status != 200 ||
	    !request_is_read(request))
		return;
	if (response_is_decided(response, request, &none) &&
	    response->status == 304) {
		response->header_count = 0;
		response->text = SPAN("");
	}
}

void
router_dispatch(const struct context *context, struct request *request,
    struct response *response)
{
	struct shortage shortage;

	router_dispatch_in(routes, context, request, response);
	if (response->cause == RESULT_NO_SPACE ||
	    response->cause == RESULT_QUOTA) {
		shortage = store_shortage(context->store);
		response_shortage(response, &shortage);
	}
	judge_conditions(request, response);
	response_caching(response, request);
}
