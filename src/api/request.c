/* SPDX-License-Identifier: ISC */
/*
 * request.c - FastCGI parameters to struct request. The table has a row for
 * each parameter that is read; all others are ignored.
 */

#include "request.h"

#include "base/digest.h"
#include "base/limits.h"
#include "protocol/utf8.h"

/* What the parameters say, before it is checked. */
struct raw {
	struct request request;
	struct span length;
	struct span sentinel;
};

struct parameter {
	const char *name;
	size_t member;
	size_t limit; /* bytes of its value; 0: what nginx lets through */
};

#define LENGTH_DIGITS 18 /* a length of more is over every limit */

#define PREFIX_BYTES \
	"abcdefghijklmnopqrstuvwxyz" \
	"ABCDEFGHIJKLMNOPQRSTUVWXYZ" \
	"0123456789-._~"

#define MEMBER(name) offsetof(struct raw, name)

static const struct parameter known[] = {
	{ "REQUEST_METHOD", MEMBER(request.method), 0 },
	{ "REQUEST_URI", MEMBER(request.target), LIMIT_PATH },
	{ "REMOTE_USER", MEMBER(request.user), LIMIT_USER },
	{ "REQUEST_ID", MEMBER(request.request_id), LIMIT_REQUEST_ID },
	{ "ARTIFACTD_ADDRESS", MEMBER(request.address), LIMIT_ADDRESS },
	{ "ARTIFACTD_PREFIX", MEMBER(request.prefix), LIMIT_PREFIX },
	{ "CONTENT_TYPE", MEMBER(request.content_type), 0 },
	{ "CONTENT_LENGTH", MEMBER(length), 0 },
	{ "HTTP_CONTENT_ENCODING", MEMBER(request.content_encoding), 0 },
	{ "HTTP_CONTENT_DIGEST", MEMBER(request.content_digest), 0 },
	{ "HTTP_REPR_DIGEST", MEMBER(request.repr_digest), 0 },
	{ "HTTP_IDEMPOTENCY_KEY", MEMBER(request.idempotency_key), 0 },
	{ "HTTP_IF_MATCH", MEMBER(request.if_match), 0 },
	{ "HTTP_IF_NONE_MATCH", MEMBER(request.if_none_match), 0 },
	{ "HTTP_IF_MODIFIED_SINCE", MEMBER(request.if_modified_since), 0 },
	{ "HTTP_IF_UNMODIFIED_SINCE", MEMBER(request.if_unmodified_since), 0 },
	{ "HTTP_IF_RANGE", MEMBER(request.if_range), 0 },
	{ "HTTP_RANGE", MEMBER(request.range), 0 },
	{ "HTTP_CONTENT_RANGE", MEMBER(request.content_range), 0 },
	{ "ARTIFACTD_PARAMS", MEMBER(sentinel), 0 },
};

#define KNOWN (COUNT_OF(known))

/* ---- parameters ---- */

static size_t
find_known(struct span name)
{
	size_t i;

	for (i = 0; i < KNOWN; i++)
		if (span_is(name, known[i].name))
			break;
	return i;
}

static const char *
say(struct arena *arena, const char *what, const char *name)
{
	return arena_printf(arena, "%s: %s", what, name).data;
}

/* NULL, or what is wrong with this value. */
static const char *
read_value(struct arena *arena, const struct parameter *parameter,
    struct span value, struct raw *raw)
{
	struct span *member = (void *)((char *)raw + parameter->member);

	if (span_has_control(value))
		return say(arena, "Control byte in parameter", parameter->name);
	if (parameter->limit > 0 && value.size > parameter->limit)
		return arena_printf(arena,
		    "Parameter %s has %zu bytes; the limit is %zu",
		    parameter->name, value.size, parameter->limit)
		    .data;
	/*
	 * nginx sends "" for what is not there, but HTTP_ only for a header
	 * that was sent: an empty If-Match names no state, and does not mean
	 * any.
	 */
	if (value.size > 0)
		*member = arena_copy(arena, value);
	else if (span_starts_with(span_str(parameter->name), "HTTP_"))
		*member = SPAN("");
	return NULL;
}

static const char *
read_parameters(struct arena *arena, char *const *parameters, struct raw *raw)
{
	bool seen[KNOWN] = { false };
	const char *wrong;
	struct span name, value;
	size_t i;

	for (; *parameters != NULL; parameters++) {
		value = span_str(*parameters);
		name = span_split(&value, '=');
		i = find_known(name);
		if (i == KNOWN)
			continue;
		if (seen[i])
			return say(
			    arena, "Parameter sent twice", known[i].name);
		seen[i] = true;
		wrong = read_value(arena, &known[i], value, raw);
		if (wrong != NULL)
			return wrong;
	}
	return NULL;
}

/* "/a/b": what needs no encoding in a URL, and cannot begin a host. */
static bool
is_prefix(struct span text)
{
	char before = '\0', byte;
	size_t i;

	if (text.size == 0)
		return true;
	for (i = 0; i < text.size; i++) {
		byte = text.data[i];
		if (byte == '/' ? before == '/'
				: i == 0 || strchr(PREFIX_BYTES, byte) == NULL)
			return false;
		before = byte;
	}
	return before != '/';
}

/* Is it our nginx that speaks, and did all that it says come? */
static const char *
check_peer(const struct raw *raw, struct span secret)
{
	if (raw->sentinel.size == 0)
		return "The FastCGI parameters are not complete: the last one, "
		       "ARTIFACTD_PARAMS, is missing. They were cut off, or "
		       "are not those of artifactd-params.conf";
	if (!digest_equal(raw->sentinel, secret))
		return "The FastCGI parameter ARTIFACTD_PARAMS is not the "
		       "secret of this service. Operator: let nginx include "
		       "the file that the setting `secret_file` names, and "
		       "reload both";
	return NULL;
}

static const char *
check(struct raw *raw)
{
	struct request *request = &raw->request;
	struct span rest = request->target;

	if (request->method.size == 0)
		return "The request has no method";
	if (!span_starts_with(request->target, "/"))
		return "The request target does not begin with '/'";
	if (!is_prefix(request->prefix))
		return "The FastCGI parameter ARTIFACTD_PREFIX is no path of "
		       "letters, digits and any of -._~ between slashes, "
		       "without one at its end";
	if (raw->length.size > LENGTH_DIGITS ||
	    (raw->length.size > 0 &&
		!span_number(raw->length, &request->content_length)))
		return "Content-Length is no number";
	/* nginx sends none for a request without a body: not even "0". */
	request->has_length = raw->length.data != NULL;
	/* Not repaired: two users must not become one. */
	if (!utf8_is_valid(request->user))
		return "The user name is not UTF-8";
	(void)span_split(&rest, '?'); /* the path, which target holds */
	request->query = rest;
	return NULL;
}

enum request_verdict
request_parse(struct arena *arena, char *const *parameters, struct span secret,
    struct request *ret_request, const char **ret_reason)
{
	struct raw raw = { .request = { .arena = arena } };
	enum request_verdict verdict = REQUEST_BAD;
	const char *wrong;

	wrong = read_parameters(arena, parameters, &raw);
	if (wrong == NULL) {
		wrong = check_peer(&raw, secret);
		if (wrong != NULL)
			verdict = REQUEST_NOT_OURS;
		else
			wrong = check(&raw);
	}
	if (wrong != NULL) {
		ret_request->request_id = raw.request.request_id;
		ret_request->user = raw.request.user;
		ret_request->address = raw.request.address;
		ret_request->method = raw.request.method;
		ret_request->target = raw.request.target;
		*ret_reason = wrong;
		return verdict;
	}
	*ret_request = raw.request;
	return REQUEST_GOOD;
}

bool
request_is_read(const struct request *request)
{
	return span_is(request->method, "GET") ||
	       span_is(request->method, "HEAD");
}
