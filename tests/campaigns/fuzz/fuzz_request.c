/* SPDX-License-Identifier: ISC */
/*
 * fuzz_request.c - parameters, one on a line, as a hostile peer may send them.
 * A second reader, written from api/request.h, says which are a request, and
 * what its members are. Each line is also tried as a Content-Type, and a
 * regular expression says which of them mean JSON.
 */
#include "protocol/header.h"
#include "fuzz.h"
#include "base/limits.h"
#include "api/request.h"
#include "protocol/utf8.h"

#include <regex.h>

#define PARAMETERS 64
#define SECRET "complete"
#define PREFIX "^(/[A-Za-z0-9._~-]+)+$"
#define JSON_TYPE "^[ \t]*application/(json|[^/;]*[+]json)[ \t]*(;.*)?$"

static regex_t json_type;
static regex_t path_prefix;

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	DEMAND(regcomp(&json_type, JSON_TYPE,
		   REG_EXTENDED | REG_ICASE | REG_NOSUB) == 0);
	DEMAND(regcomp(&path_prefix, PREFIX, REG_EXTENDED | REG_NOSUB) == 0);
	return 0;
}

/* ---- the second reading ---- */

/* The value of a name; *ret_count: how many there are. */
static struct span
value_of(char *const *list, const char *name, size_t *ret_count)
{
	struct span value = SPAN_NONE;
	size_t size = strlen(name);

	for (*ret_count = 0; *list != NULL; list++) {
		if (strncmp(*list, name, size) != 0)
			continue;
		if ((*list)[size] == '=')
			value = span_str(*list + size + 1);
		else if ((*list)[size] == '\0')
			value = SPAN_NONE;
		else
			continue;
		++*ret_count;
	}
	return value;
}

static bool
is_clean(struct span value)
{
	size_t i;

	for (i = 0; i < value.size; i++)
		if (((unsigned char)value.data[i] < ' ' &&
			value.data[i] != '\t') ||
		    value.data[i] == 0x7f)
			return false;
	return true;
}

/* Take a parameter of at most limit bytes; false: there is no request. */
static bool
take(char *const *list, const char *name, size_t limit, struct span *ret_value)
{
	struct span value;
	size_t count;

	value = value_of(list, name, &count);
	if (count > 1 || !is_clean(value) || value.size > limit)
		return false;
	/* "" is absent, but a header of that name was sent. */
	*ret_value = value;
	if (value.size == 0)
		*ret_value = count == 1 && strncmp(name, "HTTP_", 5) == 0
				 ? SPAN("")
				 : SPAN_NONE;
	return true;
}

static bool
is_prefix(struct span prefix)
{
	char text[LIMIT_PREFIX + 1];

	if (prefix.size == 0)
		return true;
	memcpy(text, prefix.data, prefix.size);
	text[prefix.size] = '\0';
	return regexec(&path_prefix, text, 0, NULL, 0) == 0;
}

static bool
plain_parse(char *const *list, struct request *request)
{
	struct span length, sentinel;
	struct {
		const char *name;
		struct span *value;
		size_t limit;
	} all[] = {
		{ "REQUEST_METHOD", &request->method, SIZE_MAX },
		{ "REQUEST_URI", &request->target, LIMIT_PATH },
		{ "REMOTE_USER", &request->user, LIMIT_USER },
		{ "REQUEST_ID", &request->request_id, LIMIT_REQUEST_ID },
		{ "ARTIFACTD_ADDRESS", &request->address, LIMIT_ADDRESS },
		{ "ARTIFACTD_PREFIX", &request->prefix, LIMIT_PREFIX },
		{ "CONTENT_TYPE", &request->content_type, SIZE_MAX },
		{ "CONTENT_LENGTH", &length, 18 },
		{ "HTTP_CONTENT_DIGEST", &request->content_digest, SIZE_MAX },
		{ "HTTP_REPR_DIGEST", &request->repr_digest, SIZE_MAX },
		{ "HTTP_IDEMPOTENCY_KEY", &request->idempotency_key, SIZE_MAX },
		{ "HTTP_IF_MATCH", &request->if_match, SIZE_MAX },
		{ "HTTP_IF_NONE_MATCH", &request->if_none_match, SIZE_MAX },
		{ "HTTP_IF_MODIFIED_SINCE", &request->if_modified_since,
		    SIZE_MAX },
		{ "HTTP_IF_UNMODIFIED_SINCE", &request->if_unmodified_since,
		    SIZE_MAX },
		{ "HTTP_IF_RANGE", &request->if_range, SIZE_MAX },
		{ "HTTP_RANGE", &request->range, SIZE_MAX },
		{ "HTTP_CONTENT_RANGE", &request->content_range, SIZE_MAX },
		{ "ARTIFACTD_PARAMS", &sentinel, SIZE_MAX },
	};
	size_t i;

	for (i = 0; i < sizeof(all) / sizeof(*all); i++)
		if (!take(list, all[i].name, all[i].limit, all[i].value))
			return false;
	request->content_length = 0;
	for (i = 0; i < length.size; i++) {
		if (length.data[i] < '0' || length.data[i] > '9')
			return false;
		request->content_length = request->content_length * 10 +
					  (uint64_t)(length.data[i] - '0');
	}
	return span_is(sentinel, SECRET) && request->method.size > 0 &&
	       request->target.size > 0 && request->target.data[0] == '/' &&
	       utf8_is_valid(request->user) && is_prefix(request->prefix);
}

/* ---- what must hold ---- */

static bool
is_same(struct span one, struct span other)
{
	return span_equal(one, other) &&
	       (one.data == NULL) == (other.data == NULL);
}

static void
demand_same(const struct request *one, const struct request *other)
{
	struct span path = other->target;

	DEMAND(is_same(one->method, other->method));
	DEMAND(is_same(one->target, other->target));
	DEMAND(is_same(one->user, other->user));
	DEMAND(is_same(one->request_id, other->request_id));
	DEMAND(is_same(one->address, other->address));
	DEMAND(is_same(one->prefix, other->prefix));
	DEMAND(is_same(one->content_type, other->content_type));
	DEMAND(one->content_length == other->content_length);
	DEMAND(is_same(one->content_digest, other->content_digest));
	DEMAND(is_same(one->repr_digest, other->repr_digest));
	DEMAND(is_same(one->idempotency_key, other->idempotency_key));
	DEMAND(is_same(one->if_match, other->if_match));
	DEMAND(is_same(one->if_none_match, other->if_none_match));
	DEMAND(is_same(one->if_modified_since, other->if_modified_since));
	DEMAND(is_same(one->if_range, other->if_range));
	DEMAND(is_same(one->range, other->range));
	DEMAND(is_same(one->content_range, other->content_range));
	path.size = span_find(path, '?');
	DEMAND(path.size == other->target.size
		   ? one->query.data == NULL
		   : span_equal(
			 one->query, span_from(other->target, path.size + 1)));
}

static void
demand_media_type(const char *line)
{
	DEMAND(header_media_is_json(span_str(line)) ==
	       (regexec(&json_type, line, 0, NULL, 0) == 0));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_open();
	struct span text = arena_copy(arena, span_of(data, size));
	char *list[PARAMETERS + 1] = { NULL };
	struct request request, plain;
	const char *reason = NULL;
	bool is_good;
	size_t i;

	for (i = 0; i < PARAMETERS && text.data != NULL; i++) {
		list[i] = arena_string(arena, span_split(&text, '\n'));
		demand_media_type(list[i]);
	}
	is_good = request_parse(arena, list, SPAN(SECRET), &request, &reason) ==
		  REQUEST_GOOD;
	DEMAND(is_good == (reason == NULL));
	DEMAND(plain_parse(list, &plain) == is_good);
	if (is_good)
		demand_same(&request, &plain);
	arena_close(arena);
	return 0;
}
