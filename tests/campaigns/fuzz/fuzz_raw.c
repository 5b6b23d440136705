/* SPDX-License-Identifier: ISC */
/*
 * fuzz_raw.c - GET /raw of an artifact. Its content type, filename and size,
 * and the headers of the request, come from the input: a line each, in the
 * order of struct input; an empty line means absent.
 *
 * Each header is one line of ASCII. Only types of the short list are shown
 * inline. A type is sent as it was stored exactly when a regular expression
 * from RFC 9110 matches it. The numbers of a range are right.
 */
#include "protocol/header.h"
#include "fuzz.h"
#include "api/handle.h"
#include "store/engine.h"
#include "protocol/utf8.h"

#include <regex.h>

#define TOKEN "[!#$%&'*+.^_`|~0-9A-Za-z-]+"
#define QUOTED "\"([] !#-[^-~]|\\\\[ -~])*\""
/* A type with a '*' in it says nothing of the content. */
#define NAME "[!#$%&'+.^_`|~0-9A-Za-z-]+"
#define MEDIA_TYPE \
	"^" NAME "/" NAME "([ \t]*;[ \t]*(" TOKEN "=(" TOKEN "|" QUOTED \
	"))?)*[ \t]*$"

struct input {
	struct span type;
	struct span filename;
	struct span size;
	struct span if_none_match;
	struct span if_modified_since;
	struct span if_match;
	struct span if_unmodified_since;
	struct span if_range;
	struct span range;
};

static struct artifact artifact;
static regex_t media_type;

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	DEMAND(digest_init());
	DEMAND(regcomp(&media_type, MEDIA_TYPE, REG_EXTENDED | REG_NOSUB) == 0);
	return 0;
}

/* ---- a store with one artifact ---- */

static enum result
get(void *state, const struct id *id, struct arena *arena,
    struct artifact **ret_artifact)
{
	(void)state;
	(void)id;
	(void)arena;
	*ret_artifact = &artifact;
	return RESULT_OK;
}

static enum result
read_content(void *state, const struct content *content, uint64_t offset,
    char *data, size_t size, size_t *ret_size)
{
	(void)state;
	DEMAND(offset <= content->size && size > 0);
	if (size > content->size - offset)
		size = (size_t)(content->size - offset);
	memset(data, 'x', size);
	*ret_size = size;
	return RESULT_OK;
}

static const struct store_reading reading = { .get = get,
	.read = read_content };

/* As an upload leaves it: UTF-8 within bounds, absent rather than empty. */
static struct span
stored(struct arena *arena, struct span text, size_t limit)
{
	if (text.size == 0)
		return SPAN_NONE;
	return utf8_cut(utf8_repair(arena, text), limit);
}

static void
store(struct arena *arena, const struct input *input)
{
	uint64_t size = 0;
	size_t i;

	for (i = 0; i < input->size.size && i < 19; i++)
		size = size * 10 + (unsigned char)input->size.data[i] % 10;
	artifact = (struct artifact){ .workflow = SPAN("w") };
	artifact.content = (struct content){ .size = size,
		.stored = UINT64_C(784111777000000), /* 6 Nov 1994 */
		.type = stored(arena, input->type, LIMIT_CONTENT_TYPE),
		.filename = stored(arena, input->filename, LIMIT_FILENAME) };
	if (artifact.content.type.data == NULL)
		artifact.content.type = SPAN("application/octet-stream");
}

/* ---- what must hold ---- */

/* It stands there once at most. */
static struct span
header(const struct response *response, const char *name)
{
	struct span value = SPAN_NONE;
	size_t i;

	for (i = 0; i < response->header_count; i++) {
		if (strcmp(response->headers[i].name, name) != 0)
			continue;
		DEMAND(value.data == NULL);
		value = response->headers[i].value;
	}
	return value;
}

static void
demand_lines(const struct response *response)
{
	struct span value;
	size_t i, k;

	for (i = 0; i < response->header_count; i++) {
		value = response->headers[i].value;
		for (k = 0; k < value.size; k++)
			DEMAND(value.data[k] == '\t' ||
			       (value.data[k] >= ' ' && value.data[k] < 0x7f));
	}
}

static bool
is_media_type(struct arena *arena, struct span text)
{
	return span_find(text, '\0') == text.size &&
	       regexec(&media_type, arena_string(arena, text), 0, NULL, 0) == 0;
}

static bool
is_safe(struct span type)
{
	static const char *const safe[] = { "text/plain", "image/png",
		"image/jpeg", "image/gif", "image/webp" };
	size_t i;

	type.size = span_find(type, ';');
	type = span_trim(type);
	for (i = 0; i < sizeof(safe) / sizeof(*safe); i++)
		if (span_is_nocase(type, safe[i]))
			return true;
	return false;
}

static void
demand_description(struct arena *arena, const struct response *response)
{
	struct span type = artifact.content.type;
	bool is_legal = is_media_type(arena, type);
	struct span disposition = header(response, "Content-Disposition");

	DEMAND(span_equal(header(response, "Content-Type"),
	    is_legal ? type : SPAN("application/octet-stream")));
	DEMAND(span_starts_with(
	    disposition, is_legal && is_safe(type) ? "inline" : "attachment"));
	DEMAND((span_find(disposition, ';') < disposition.size) ==
	       (artifact.content.filename.data != NULL));
	DEMAND(span_is(header(response, "X-Content-Type-Options"), "nosniff"));
	DEMAND(span_is(header(response, "Content-Security-Policy"),
	    "sandbox; default-src 'none'"));
}

static void
demand_range(struct arena *arena, const struct response *response)
{
	unsigned long long offset = response->offset, length = response->size;
	unsigned long long size = artifact.content.size;
	struct span range = header(response, "Content-Range");

	switch (response->status) {
	case 200:
		DEMAND(offset == 0 && length == size && range.data == NULL);
		break;
	case 206:
		DEMAND(length > 0 && offset < size && length <= size - offset);
		DEMAND(span_equal(
		    range, arena_printf(arena, "bytes %llu-%llu/%llu", offset,
			       offset + length - 1, size)));
		break;
	case 416:
		DEMAND(span_equal(
		    range, arena_printf(arena, "bytes */%llu", size)));
		break;
	case 412:
		DEMAND(range.data == NULL);
		break;
	default:
		DEMAND(response->status == 304 && range.data == NULL);
	}
	if (response->status != 416 && response->status != 412)
		DEMAND(header(response, "ETag").size == 66 &&
		       span_is(header(response, "Last-Modified"),
			   "Sun, 06 Nov 1994 08:49:37 GMT"));
}

/* ---- the target ---- */

static struct span
line(struct span *rest)
{
	struct span text = span_split(rest, '\n');

	return text.size == 0 ? SPAN_NONE : text;
}

static void
ask(struct arena *arena, struct span method, const struct input *input)
{
	static const struct config config = { .public_url = "" };
	struct store one = { .reading = &reading };
	const struct context context = { .config = &config,
		.store = &one,
		.now = UINT64_C(784111778000000) }; /* a second later */
	struct request request = { .arena = arena,
		.method = method,
		.id = SPAN("00000000-0000-0000-0000-000000000000"),
		.if_none_match = input->if_none_match,
		.if_modified_since = input->if_modified_since,
		.if_match = input->if_match,
		.if_unmodified_since = input->if_unmodified_since,
		.if_range = input->if_range,
		.range = input->range };
	struct response response;

	response_init(&response, arena);
	handle_raw_get(&context, &request, &response);
	demand_lines(&response);
	demand_range(arena, &response);
	if (response.status == 200 || response.status == 206) {
		demand_description(arena, &response);
		DEMAND(response.kind == RESPONSE_CONTENT);
	}
	if (span_is(method, "HEAD"))
		DEMAND(response.status == 200 || response.status == 304 ||
		       response.status == 412);
	if (response.status == 412)
		DEMAND(input->if_match.data != NULL ||
		       input->if_unmodified_since.data != NULL);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_open();
	struct span rest = arena_copy(arena, span_of(data, size));
	struct input input;

	input.type = line(&rest);
	input.filename = line(&rest);
	input.size = line(&rest);
	input.if_none_match = line(&rest);
	input.if_modified_since = line(&rest);
	input.if_range = line(&rest);
	input.range = line(&rest);
	input.if_match = line(&rest);
	input.if_unmodified_since = line(&rest);
	store(arena, &input);
	ask(arena, SPAN("GET"), &input);
	ask(arena, SPAN("HEAD"), &input);
	arena_close(arena);
	return 0;
}
