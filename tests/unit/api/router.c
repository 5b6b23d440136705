/* SPDX-License-Identifier: ISC */
/* router.c - paths to handlers, 307, 404, 405, and their description. */

#include "api/router.h"

#include <ctype.h>

#include <criterion/criterion.h>

/* doc/openapi.json */
extern const char openapi_json[];

static const char *called;

static void
list(const struct context *context, struct request *request,
    struct response *response)
{
	(void)context;
	(void)request;
	response->status = 200;
	called = "list";
}

static void
create(const struct context *context, struct request *request,
    struct response *response)
{
	(void)context;
	(void)request;
	response->status = 201;
	called = "create";
}

static void
part(const struct context *context, struct request *request,
    struct response *response)
{
	(void)context;
	(void)request;
	response->status = 200;
	called = "part";
}

static const struct route table[] = {
	{ "/things", "GET", list, ROUTE_BOTH },
	{ "/things", "POST", create, ROUTE_BOTH },
	{ "/things/{id}/part", "GET", part, ROUTE_BOTH },
	{ "/alive", "GET", list, ROUTE_BARE },
	{ "/mode", "GET", list, ROUTE_BASE },
	{ .pattern = NULL },
};

static void
dispatch(struct arena *arena, const struct route *routes, const char *method,
    const char *target, struct request *request, struct response *response)
{
	struct span rest = span_str(target);

	*request = (struct request){ .arena = arena,
		.method = span_str(method),
		.target = span_str(target) };
	(void)span_split(&rest, '?');
	request->query = rest;
	response_init(response, arena);
	called = "nobody";
	router_dispatch_in(routes, NULL, request, response);
}

static const char *
header(struct response *response, const char *name)
{
	size_t i;

	for (i = 0; i < response->header_count; i++)
		if (strcmp(response->headers[i].name, name) == 0)
			return arena_string(
			    response->arena, response->headers[i].value);
	return "none";
}

Test(router, leads_to_the_handler_of_path_and_method)
{
	static const struct {
		const char *method, *target, *called, *base, *id;
	} cases[] = {
		{ "GET", "/things", "list", "", "" },
		{ "HEAD", "/things", "list", "", "" },
		{ "POST", "/things?a=/b", "create", "", "" },
		{ "GET", "/api/v1/things", "list", "/api/v1", "" },
		{ "GET", "/thing%73", "list", "", "" },
		{ "GET", "/%61pi/v1/things", "list", "/api/v1", "" },
		{ "GET", "/things/7/part", "part", "", "7" },
		{ "GET", "/things%2F7%2fpart", "part", "", "7" },
		{ "GET", "/things/a%20+b/part", "part", "", "a +b" },
		{ "GET", "/api/v1/things/%7Bid%7D/part", "part", "/api/v1",
		    "{id}" },
		{ "GET", "/things/../part", "part", "", ".." },
		{ "GET", "/alive", "list", "", "" },
		{ "GET", "/api/v1/mode", "list", "/api/v1", "" },
	};
	struct arena *arena = arena_open();
	struct request request;
	struct response response;
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		dispatch(arena, table, cases[i].method, cases[i].target,
		    &request, &response);
		cr_assert_str_eq(
		    called, cases[i].called, "%s", cases[i].target);
		cr_assert(span_is(request.base, cases[i].base), "%s",
		    cases[i].target);
		cr_assert(
		    span_is(request.id, cases[i].id), "%s", cases[i].target);
	}
	arena_close(arena);
}

static void
dispatch_below(struct arena *arena, const char *prefix, const char *target,
    struct request *request, struct response *response)
{
	struct span rest = span_str(target);

	*request = (struct request){ .arena = arena,
		.method = SPAN("GET"),
		.prefix = span_str(prefix),
		.target = span_str(target) };
	(void)span_split(&rest, '?');
	request->query = rest;
	response_init(response, arena);
	called = "nobody";
	router_dispatch_in(table, NULL, request, response);
}

Test(router, knows_paths_below_a_prefix_and_no_others)
{
	static const struct {
		const char *target, *called, *base;
		int status;
	} cases[] = {
		{ "/store/things", "list", "/store", 200 },
		{ "/st%6fre/things", "list", "/store", 200 },
		{ "/store/api/v1/things", "list", "/store/api/v1", 200 },
		{ "/store%2Fthings/7/part", "part", "/store", 200 },
		{ "/store/store/things", "nobody", NULL, 404 },
		{ "/things", "nobody", NULL, 404 },
		{ "/storethings", "nobody", NULL, 404 },
		{ "/store", "nobody", NULL, 404 },
		{ "/store/", "nobody", NULL, 404 },
		{ "/stor", "nobody", NULL, 404 },
		{ "//store/things", "nobody", NULL, 404 },
		{ "/store//things", "nobody", NULL, 404 },
		{ "/x/../store/things", "nobody", NULL, 404 },
		{ "/api/v1/store/things", "nobody", NULL, 404 },
	};
	struct arena *arena = arena_open();
	struct request request;
	struct response response;
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		dispatch_below(
		    arena, "/store", cases[i].target, &request, &response);
		cr_assert_str_eq(
		    called, cases[i].called, "%s", cases[i].target);
		cr_assert_eq(response.status, cases[i].status, "%s",
		    cases[i].target);
		if (cases[i].base != NULL)
			cr_assert(span_is(request.base, cases[i].base), "%s",
			    cases[i].target);
	}
	dispatch_below(arena, "/store", "/store/api/v1/things/?a=b", &request,
	    &response);
	cr_assert_eq(response.status, 307);
	cr_assert_str_eq(
	    header(&response, "Location"), "/store/api/v1/things?a=b");
	arena_close(arena);
}

Test(router, answers_404_for_what_it_does_not_know)
{
	static const char *const targets[] = { "/", "//", "/nope", "/Things",
		"//things", "/%2Fthings", "/api/v1", "/api/v1/",
		"/api/v1things", "/api/v1/api/v1/things", "/api/v2/things",
		"/things/x", "/things//part", "/things/x/part/z",
		"/things/x/Part", "/things/a%2Fb/part", "/api/v1/alive",
		"/mode", "/mode/", "/things%", "/things%00" };
	struct arena *arena = arena_open();
	struct request request;
	struct response response;
	size_t i;

	for (i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
		dispatch(arena, table, "GET", targets[i], &request, &response);
		cr_assert_eq(response.status, 404, "%s", targets[i]);
		cr_assert(span_is(response.text, "{\"detail\":\"Not Found\"}"));
		cr_assert_str_eq(
		    header(&response, "Content-Type"), "application/json");
		cr_assert_str_eq(called, "nobody");
	}
	arena_close(arena);
}

Test(router, answers_405_with_every_method_that_there_is)
{
	struct arena *arena = arena_open();
	struct request request;
	struct response response;

	dispatch(arena, table, "PUT", "/api/v1/things", &request, &response);
	cr_assert_eq(response.status, 405);
	cr_assert(
	    span_is(response.text, "{\"detail\":\"Method Not Allowed\"}"));
	cr_assert_str_eq(header(&response, "Allow"), "GET, HEAD, POST");

	dispatch(arena, table, "get", "/things/x/part", &request, &response);
	cr_assert_eq(response.status, 405);
	cr_assert_str_eq(header(&response, "Allow"), "GET, HEAD");
	arena_close(arena);
}

Test(router, redirects_trailing_slashes_as_the_client_wrote_the_rest)
{
	static const struct {
		const char *method, *target, *location;
	} cases[] = {
		{ "GET", "/things/", "/things" },
		{ "POST", "/things///", "/things" },
		{ "PUT", "/things/", "/things" }, /* 307 before 405 */
		{ "GET", "/things%2F/%2f", "/things" },
		{ "GET", "/api/v1/things/?limit=0&x=%20",
		    "/api/v1/things?limit=0&x=%20" },
		{ "GET", "/things/?", "/things" },
		{ "GET", "/thing%73/", "/thing%73" },
		{ "GET", "/things/a%20b/part/", "/things/a%20b/part" },
		{ "GET", "/things/\xff/part/?\xfe", "/things/%FF/part?%FE" },
	};
	struct arena *arena = arena_open();
	struct request request;
	struct response response;
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		dispatch(arena, table, cases[i].method, cases[i].target,
		    &request, &response);
		cr_assert_eq(response.status, 307, "%s", cases[i].target);
		cr_assert_eq(response.text.size, 0);
		cr_assert_str_eq(
		    header(&response, "Location"), cases[i].location);
		cr_assert_str_eq(called, "nobody");
	}
	arena_close(arena);
}

Test(router, never_redirects_to_another_host)
{
	static const char *const targets[] = { "//evil.example/",
		"//evil.example/things/", "/%2Fevil.example/things/",
		"//things/", "/\\evil.example/", "///things/x/part/" };
	struct arena *arena = arena_open();
	struct request request;
	struct response response;
	size_t i;

	for (i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
		dispatch(arena, table, "GET", targets[i], &request, &response);
		cr_assert_eq(response.status, 404, "%s", targets[i]);
		cr_assert_str_eq(header(&response, "Location"), "none");
	}
	arena_close(arena);
}

Test(router, has_the_paths_of_the_contract)
{
	static const struct {
		const char *target, *allow;
	} cases[] = {
		{ "/artifacts", "GET, HEAD, POST" },
		{ "/artifacts/x", "GET, HEAD, PUT, DELETE" },
		{ "/artifacts/x/content", "GET, HEAD" },
		{ "/artifacts/x/upload", "POST" },
		{ "/artifacts/x/raw", "GET, HEAD, PUT" },
		{ "/api/v1/artifacts", "GET, HEAD, POST" },
		{ "/api/v1/artifacts/x", "GET, HEAD, PUT, DELETE" },
		{ "/api/v1/artifacts/x/content", "GET, HEAD" },
		{ "/api/v1/artifacts/x/upload", "POST" },
		{ "/api/v1/artifacts/x/raw", "GET, HEAD, PUT" },
		{ "/healthz", "GET, HEAD" },
		{ "/readyz", "GET, HEAD" },
		{ "/metrics", "GET, HEAD" },
		{ "/openapi.json", "GET, HEAD" },
		{ "/api/v1/health", "GET, HEAD" },
		{ "/health", "none" },
		{ "/api/v1/healthz", "GET, HEAD" },
		{ "/api/v1/readyz", "GET, HEAD" },
		{ "/api/v1/metrics", "GET, HEAD" },
		{ "/api/v1/openapi.json", "GET, HEAD" },
	};
	struct arena *arena = arena_open();
	struct request request;
	struct response response;
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		dispatch(arena, router_table(), "OPTIONS", cases[i].target,
		    &request, &response);
		cr_assert_str_eq(header(&response, "Allow"), cases[i].allow,
		    "%s", cases[i].target);
	}
	arena_close(arena);
}

/* ---- the description ---- */

#define NAMES 32 /* of paths, or of members of one */

/* An object, of which the test wants members. */
static struct json_document
read_object(struct arena *arena, struct span text)
{
	struct json_document document;
	struct faults faults;

	faults_init(&faults, arena);
	cr_assert_eq(json_read(arena, text, &faults, &document), JSON_VALID);
	cr_assert_neq(document.root, NULL);
	return document;
}

static struct span
find_object(const struct json_document *document, const char *name)
{
	struct faults faults;

	faults_init(&faults, document->arena);
	return json_get_object_text(document, name, 1 << 20, &faults);
}

/* There is no other member than these; NULL ends them. */
static void
refuse_others(const struct json_document *document, const char *const *names)
{
	struct faults faults;

	faults_init(&faults, document->arena);
	json_refuse_extra(document, names, &faults);
	cr_assert_eq(faults.count, 0, "no route has this: %.*s",
	    (int)faults.list[0].name.size, faults.list[0].name.data);
}

/* "/artifacts/{id}" as the description has it. */
static const char *
described(struct arena *arena, const char *pattern)
{
	const char *id = strstr(pattern, "{id}");

	if (id == NULL)
		return pattern;
	return arena_printf(arena, "%.*s{artifact_id}%s", (int)(id - pattern),
	    pattern, id + strlen("{id}"))
	    .data;
}

static const char *
lower(struct arena *arena, const char *method)
{
	char *text = arena_string(arena, span_str(method));
	size_t i;

	for (i = 0; text[i] != '\0'; i++)
		text[i] = (char)tolower((unsigned char)text[i]);
	return text;
}

/* Below which bases a path is answered, where not below both. */
static const char *
bases_of(const struct route *route)
{
	if (route->where == ROUTE_BOTH)
		return NULL;
	return route->where == ROUTE_BARE ? "\"x-bases\":[\"/\"]"
					  : "\"x-bases\":[\"/api/v1\"]";
}

static bool
contains(struct span text, const char *what)
{
	return memmem(text.data, text.size, what, strlen(what)) != NULL;
}

/* All methods of the pattern but HEAD, and nothing else. */
static void
expect_path(const char *pattern, struct span text, struct arena *arena)
{
	const char *names[NAMES] = { "x-bases" };
	struct json_document path = read_object(arena, text);
	const struct route *route;
	const char *bases = NULL;
	size_t count = 1, i;

	for (route = router_table(); route->pattern != NULL; route++) {
		if (strcmp(route->pattern, pattern) != 0)
			continue;
		bases = bases_of(route);
		names[count++] = lower(arena, route->method);
	}
	cr_assert_lt(count, NAMES);
	for (i = 1; i < count; i++)
		cr_assert_neq(find_object(&path, names[i]).data, NULL,
		    "%s is not described: %s", pattern, names[i]);
	refuse_others(&path, names);
	cr_assert_eq(
	    contains(text, "\"x-bases\":"), bases != NULL, "%s", pattern);
	cr_assert(bases == NULL || contains(text, bases), "%s", pattern);
}

Test(router, is_described_path_by_path_and_method_by_method)
{
	struct arena *arena = arena_open();
	struct json_document document =
	    read_object(arena, span_str(openapi_json));
	struct json_document paths =
	    read_object(arena, find_object(&document, "paths"));
	const char *names[NAMES] = { NULL };
	const struct route *route;
	struct span text;
	size_t count = 0;

	for (route = router_table(); route->pattern != NULL; route++) {
		cr_assert_lt(count, NAMES - 1);
		names[count] = described(arena, route->pattern);
		text = find_object(&paths, names[count]);
		cr_assert_neq(
		    text.data, NULL, "not described: %s", names[count]);
		count++;
		expect_path(route->pattern, text, arena);
	}
	refuse_others(&paths, names);
	arena_close(arena);
}

Test(router, tells_which_route_it_was)
{
	static const struct {
		const char *target, *route; /* NULL: none */
	} cases[] = {
		{ "/artifacts", "/artifacts" },
		{ "/api/v1/artifacts", "/artifacts" },
		{ "/artifacts/", "/artifacts" },
		{ "/artifacts/x", "/artifacts/{id}" },
		{ "/artifacts/x/raw", "/artifacts/{id}/raw" },
		{ "/metrics", "/metrics" },
		{ "/artifact", NULL },
		{ "/artifacts/x/y/z", NULL },
	};
	const char *patterns[METRICS_ROUTES];
	size_t count = router_patterns(patterns);
	struct arena *arena = arena_open();
	struct request request;
	struct response response;
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		/* Nothing is called: the handlers want a store. */
		dispatch(arena, router_table(), "OPTIONS", cases[i].target,
		    &request, &response);
		cr_assert_leq(request.route, count);
		if (cases[i].route == NULL)
			cr_assert_eq(request.route, 0, "%s", cases[i].target);
		else
			cr_assert_str_eq(patterns[request.route - 1],
			    cases[i].route, "%s", cases[i].target);
		/* One number for all rows of a pattern. */
		if (request.route > 1)
			cr_assert_str_neq(patterns[request.route - 2],
			    patterns[request.route - 1]);
	}
	arena_close(arena);
}

Test(router, keeps_the_rows_of_a_pattern_together)
{
	const char *patterns[METRICS_ROUTES];
	size_t count = router_patterns(patterns);
	const char *seen = "";
	size_t i;

	for (i = 0; i < count; i++) {
		if (strcmp(patterns[i], seen) == 0)
			continue;
		seen = patterns[i];
		for (size_t k = 0; k < i; k++)
			cr_assert_str_neq(patterns[k], seen);
	}
}
