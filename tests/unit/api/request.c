/* SPDX-License-Identifier: ISC */
/* request.c - FastCGI parameters. */

#include "api/request.h"

#include "base/limits.h"

#include <criterion/criterion.h>

#define MOST 8

/* What nginx always sends; tests add to it. */
#define COMPLETE "ARTIFACTD_PARAMS=complete"
#define GET_LIST \
	"REQUEST_METHOD=GET", "REQUEST_URI=/artifacts?limit=5", COMPLETE

static enum request_verdict
parse(struct arena *arena, const char *const *strings, struct request *request,
    const char **reason)
{
	char *list[MOST + 1] = { NULL };
	size_t i;

	for (i = 0; i < MOST && strings[i] != NULL; i++)
		list[i] = arena_string(arena, span_str(strings[i]));
	return request_parse(arena, list, SPAN("complete"), request, reason);
}

Test(request, takes_what_nginx_sends)
{
	const char *const strings[MOST + 1] = { GET_LIST,
		"CONTENT_TYPE=a/b; c=d", "CONTENT_LENGTH=52428800",
		"REMOTE_USER=jos\xc3\xa9", "HTTP_RANGE=bytes=0-4",
		"ARTIFACTD_ADDRESS=2001:db8::1", "SERVER_NAME=\x01" };
	struct arena *arena = arena_open();
	struct request request;
	const char *reason = NULL;

	cr_assert_eq(parse(arena, strings, &request, &reason), REQUEST_GOOD);
	cr_assert(span_is(request.method, "GET"));
	cr_assert(span_is(request.target, "/artifacts?limit=5"));
	cr_assert(span_is(request.query, "limit=5"));
	cr_assert(span_is(request.content_type, "a/b; c=d"));
	cr_assert_eq(request.content_length, 52428800);
	cr_assert(request.has_length);
	cr_assert(span_is(request.user, "jos\xc3\xa9"));
	cr_assert(span_is(request.address, "2001:db8::1"));
	cr_assert(span_is(request.range, "bytes=0-4"));
	cr_assert_null(request.if_match.data);
	cr_assert_null(reason);
	arena_close(arena);
}

Test(request, takes_empty_parameters_as_not_there)
{
	const char *const strings[MOST + 1] = { GET_LIST,
		"CONTENT_LENGTH=", "CONTENT_TYPE=", "REMOTE_USER=" };
	struct arena *arena = arena_open();
	struct request request;
	const char *reason;

	cr_assert_eq(parse(arena, strings, &request, &reason), REQUEST_GOOD);
	cr_assert_eq(request.content_length, 0);
	cr_assert_not(request.has_length);
	cr_assert_null(request.content_type.data);
	cr_assert_null(request.user.data);
	cr_assert_null(request.if_match.data);
	cr_assert_null(request.idempotency_key.data);
	arena_close(arena);
}

Test(request, keeps_headers_that_were_sent_empty)
{
	const char *const strings[MOST + 1] = { GET_LIST,
		"HTTP_IF_MATCH=", "HTTP_IDEMPOTENCY_KEY=" };
	struct arena *arena = arena_open();
	struct request request;
	const char *reason;

	cr_assert_eq(parse(arena, strings, &request, &reason), REQUEST_GOOD);
	cr_assert_not_null(request.if_match.data);
	cr_assert_not_null(request.idempotency_key.data);
	cr_assert_eq(request.if_match.size, 0);
	arena_close(arena);
}

Test(request, takes_nothing_without_the_secret)
{
	static const struct {
		const char *sentinel;
		const char *reason;
	} cases[] = {
		{ NULL, "not complete" },
		{ "ARTIFACTD_PARAMS=", "not complete" },
		{ "ARTIFACTD_PARAMS=complet", "not the secret" },
		{ "ARTIFACTD_PARAMS=completed", "not the secret" },
		{ "ARTIFACTD_PARAMS=COMPLETE", "not the secret" },
		{ "ARTIFACTD_PARAMS=incomple", "not the secret" },
		{ "HTTP_ARTIFACTD_PARAMS=complete", "not complete" },
	};
	struct arena *arena = arena_open();
	struct request request = { .content_length = 7 };
	const char *reason;
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *const strings[MOST + 1] = { "REQUEST_METHOD=GET",
			"REQUEST_URI=/", cases[i].sentinel };

		reason = "nothing";
		cr_assert_eq(parse(arena, strings, &request, &reason),
		    REQUEST_NOT_OURS, "case %zu", i);
		cr_assert_not_null(strstr(reason, cases[i].reason),
		    "case %zu says: %s", i, reason);
		cr_assert_eq(request.content_length, 7, "case %zu", i);
	}
	arena_close(arena);
}

Test(request, refuses_what_no_nginx_sends)
{
	static const struct {
		const char *strings[MOST + 1];
		const char *reason;
	} cases[] = {
		{ { "REQUEST_URI=/", COMPLETE }, "no method" },
		{ { "REQUEST_METHOD=", "REQUEST_URI=/", COMPLETE },
		    "no method" },
		{ { "REQUEST_METHOD=GET", COMPLETE }, "target" },
		{ { "REQUEST_METHOD=GET", "REQUEST_URI=x", COMPLETE },
		    "target" },
		{ { GET_LIST, COMPLETE }, "twice: ARTIFACTD_PARAMS" },
		{ { GET_LIST, "REMOTE_USER=a", "REMOTE_USER=" },
		    "twice: REMOTE_USER" },
		{ { GET_LIST, "HTTP_IF_MATCH=a\nb" }, "HTTP_IF_MATCH" },
		{ { GET_LIST, "HTTP_IF_MATCH=a\x7f" }, "HTTP_IF_MATCH" },
		{ { GET_LIST, "REMOTE_USER=\xff" }, "UTF-8" },
		{ { GET_LIST, "ARTIFACTD_ADDRESS=::1", "ARTIFACTD_ADDRESS=" },
		    "twice: ARTIFACTD_ADDRESS" },
		{ { GET_LIST, "ARTIFACTD_ADDRESS=::1\n" },
		    "Control byte in parameter: ARTIFACTD_ADDRESS" },
		{ { GET_LIST, "ARTIFACTD_PREFIX=x" }, "ARTIFACTD_PREFIX" },
		{ { GET_LIST, "ARTIFACTD_PREFIX=/" }, "ARTIFACTD_PREFIX" },
		{ { GET_LIST, "ARTIFACTD_PREFIX=/x/" }, "ARTIFACTD_PREFIX" },
		{ { GET_LIST, "ARTIFACTD_PREFIX=//x" }, "ARTIFACTD_PREFIX" },
		{ { GET_LIST, "ARTIFACTD_PREFIX=/x//y" }, "ARTIFACTD_PREFIX" },
		{ { GET_LIST, "ARTIFACTD_PREFIX=/x y" }, "ARTIFACTD_PREFIX" },
		{ { GET_LIST, "ARTIFACTD_PREFIX=/x%y" }, "ARTIFACTD_PREFIX" },
		{ { GET_LIST, "CONTENT_LENGTH=-1" }, "Content-Length" },
		{ { GET_LIST, "CONTENT_LENGTH=+1" }, "Content-Length" },
		{ { GET_LIST, "CONTENT_LENGTH=1x" }, "Content-Length" },
		{ { GET_LIST, "CONTENT_LENGTH= 1" }, "Content-Length" },
		{ { GET_LIST, "CONTENT_LENGTH=18446744073709551617" },
		    "Content-Length" },
	};
	struct arena *arena = arena_open();
	struct request request = { .content_length = 7 };
	const char *reason;
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		reason = "nothing";
		cr_assert_eq(parse(arena, cases[i].strings, &request, &reason),
		    REQUEST_BAD, "case %zu", i);
		cr_assert_not_null(strstr(reason, cases[i].reason),
		    "case %zu says: %s", i, reason);
		cr_assert_eq(request.content_length, 7, "case %zu", i);
	}
	arena_close(arena);
}

Test(request, names_what_it_refuses_for_the_log)
{
	const char *strings[] = { "REQUEST_ID=01234567", "REQUEST_METHOD=PUT",
		"REQUEST_URI=/x", "REMOTE_USER=ann",
		"ARTIFACTD_ADDRESS=192.0.2.1", "CONTENT_LENGTH=none", COMPLETE,
		NULL };
	struct arena *arena = arena_open();
	struct request request = { .arena = arena };
	const char *reason;

	cr_assert_eq(parse(arena, strings, &request, &reason), REQUEST_BAD);
	cr_assert(span_is(request.request_id, "01234567"));
	cr_assert(span_is(request.method, "PUT"));
	cr_assert(span_is(request.target, "/x"));
	cr_assert(span_is(request.user, "ann"));
	cr_assert(span_is(request.address, "192.0.2.1"));
	arena_close(arena);
}

Test(request, refuses_values_over_their_limits)
{
	static const struct {
		const char *name;
		size_t limit;
	} cases[] = {
		{ "REQUEST_URI", LIMIT_PATH },
		{ "REMOTE_USER", LIMIT_USER },
		{ "REQUEST_ID", LIMIT_REQUEST_ID },
		{ "ARTIFACTD_ADDRESS", LIMIT_ADDRESS },
	};
	struct arena *arena = arena_open();
	struct request request;
	const char *reason;
	struct buffer text;
	size_t i, over;

	for (i = 0; i < 2 * sizeof(cases) / sizeof(cases[0]); i++) {
		const char *strings[MOST + 1] = { "REQUEST_METHOD=GET",
			COMPLETE, i / 2 == 0 ? "X=" : "REQUEST_URI=/" };

		over = i % 2;
		buffer_init(&text, arena);
		buffer_printf(&text, "%s=", cases[i / 2].name);
		while (text.size < strlen(cases[i / 2].name) + 1 +
				       cases[i / 2].limit + over)
			buffer_append_byte(&text, '/');
		strings[3] = arena_string(arena, buffer_span(&text));
		cr_assert_eq(parse(arena, strings, &request, &reason),
		    over ? REQUEST_BAD : REQUEST_GOOD, "%s", cases[i / 2].name);
	}
	arena_close(arena);
}

Test(request, tells_a_body_of_no_bytes_from_none)
{
	const char *const strings[MOST + 1] = { GET_LIST, "CONTENT_LENGTH=0" };
	struct arena *arena = arena_open();
	struct request request;
	const char *reason;

	cr_assert_eq(parse(arena, strings, &request, &reason), REQUEST_GOOD);
	cr_assert_eq(request.content_length, 0);
	cr_assert(request.has_length);
	arena_close(arena);
}
