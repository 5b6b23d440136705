/* SPDX-License-Identifier: ISC */
/*
 * fuzz_handle.c - a whole request, from the router to the answer, on the
 * memory engine. The input is "METHOD target", lines of headers, an empty
 * line, the body. Two lines are not headers: "Cut:" announces one byte more
 * than comes, and "Types:" allows only two types.
 *
 * No request gets a 5xx. A refusal changes nothing and says why in JSON.
 * Nothing is left staged. A body that comes a byte at a time gets the same
 * answer, and leaves the same store, as one that comes at once. A create with
 * an Idempotency-Key happens once, however often it is sent.
 */
#include "fuzz.h"
#include "api/router.h"
#include "kit/store_mem.h"

#define ID_MADE "00000000-0000-4000-8000-000000000001"
#define CONTENT "content of \xff the first"

struct body_left {
	struct span left;
	size_t piece;
	bool is_cut;
	bool has_types;
};

/* What a request led to. */
struct outcome_of {
	struct arena *arena;
	struct store *store;
	struct response response;
	struct span text;
	struct store_stat before, after;
	bool has_key;
};

/* /readyz looks at these for room. */
static struct metrics *metrics;

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	DEMAND(digest_init());
	metrics = metrics_open();
	DEMAND(metrics != NULL);
	metrics_set(metrics, METRIC_HAS_ROOM, LABELS(METRICS_DISK), 1);
	metrics_set(metrics, METRIC_HAS_ROOM, LABELS(METRICS_QUOTA), 1);
	return 0;
}

/* ---- a store with one artifact ---- */

static struct store *
open_store(struct arena *arena)
{
	struct store *store = store_mem_open(0);
	struct artifact artifact = { .workflow = SPAN("w"),
		.type = SPAN("plan"),
		.title = SPAN("t"),
		.is_primary = true,
		.content.type = SPAN("text/plain") };
	struct change change = { .kind = CHANGE_CREATE, .artifact = &artifact };
	struct outcome outcome;
	struct upload *upload;

	DEMAND(id_parse(SPAN(ID_MADE), &artifact.id));
	upload = upload_open(store, arena, change.owner);
	DEMAND(upload_write(upload, SPAN(CONTENT)) == RESULT_OK);
	DEMAND(upload_finish(upload, &artifact.content, &change.bytes) ==
	       RESULT_OK);
	change.id = artifact.id;
	DEMAND(store_apply(store, &change, &outcome) == RESULT_OK);
	return store;
}

/* ---- a request ---- */

/* As daemon/fcgi.c: pieces, then the end, or that it is too short. */
static enum result
read_body(void *source, char *data, size_t size, size_t *ret_size)
{
	struct body_left *body = source;

	if (body->left.size == 0)
		return body->is_cut ? RESULT_MALFORMED : RESULT_END;
	if (size > body->piece)
		size = body->piece;
	if (size > body->left.size)
		size = body->left.size;
	memcpy(data, body->left.data, size);
	body->left = span_from(body->left, size);
	*ret_size = size;
	return RESULT_OK;
}

static void
take_header(struct request *request, struct span name, struct span value,
    struct body_left *body)
{
	struct {
		const char *name;
		struct span *value;
	} known[] = {
		{ "Content-Type", &request->content_type },
		{ "Content-Digest", &request->content_digest },
		{ "Repr-Digest", &request->repr_digest },
		{ "Idempotency-Key", &request->idempotency_key },
		{ "If-Match", &request->if_match },
		{ "If-None-Match", &request->if_none_match },
		{ "If-Modified-Since", &request->if_modified_since },
		{ "If-Unmodified-Since", &request->if_unmodified_since },
		{ "If-Range", &request->if_range },
		{ "Range", &request->range },
		{ "Content-Range", &request->content_range },
		{ "User", &request->user },
	};
	size_t i;

	for (i = 0; i < sizeof(known) / sizeof(*known); i++)
		if (span_is(name, known[i].name))
			*known[i].value = value;
	if (span_is(name, "Cut"))
		body->is_cut = true;
	if (span_is(name, "Types"))
		body->has_types = true;
}

/* false: api/request.c would not let it pass. */
static bool
read_request(struct span input, struct request *request, struct body_left *body)
{
	struct span line = span_split(&input, '\n');
	struct span name;

	request->method = span_split(&line, ' ');
	request->target = line;
	while (input.data != NULL) {
		line = span_split(&input, '\n');
		if (line.size == 0)
			break;
		name = span_split(&line, ':');
		take_header(request, name, span_trim(line), body);
	}
	body->left = input;
	request->content_length = input.size + (body->is_cut ? 1 : 0);
	request->query = request->target;
	(void)span_split(&request->query, '?');
	return request->method.size > 0 &&
	       span_starts_with(request->target, "/");
}

static struct span
text_of(struct outcome_of *outcome)
{
	const struct response *response = &outcome->response;
	struct json_escaper escaper = { 0 };
	struct buffer buffer;
	char *data;
	size_t size, filled = 0;

	if (response->kind == RESPONSE_TEXT)
		return response->text;
	data = arena_alloc(outcome->arena, (size_t)response->content.size);
	while (filled < response->content.size) {
		DEMAND(
		    store_read(outcome->store, &response->content, filled,
			data + filled, (size_t)response->content.size - filled,
			&size) == RESULT_OK);
		filled += size;
	}
	if (response->kind == RESPONSE_CONTENT)
		return span_of(data + response->offset, response->size);
	buffer_init(&buffer, outcome->arena);
	buffer_append(&buffer, response->text);
	json_escape(&escaper, span_of(data, filled), true, &buffer);
	buffer_append(&buffer, response->tail);
	return buffer_span(&buffer);
}

/* Ask the store, the body in pieces of a size. false: this is no request. */
static bool
ask(struct store *store, struct arena *arena, struct span input, size_t piece,
    struct outcome_of *outcome)
{
	static const char *types[] = { "plan", "Report" };
	struct config config = { .max_content = 200,
		.max_json = 1000,
		.public_url = "",
		.artifact_types = { types, 0 } };
	struct context context = { .config = &config,
		.store = store,
		.owner = { 7, 1 },
		.metrics = metrics };
	struct body_left body = { .piece = piece };
	struct request request = { .arena = arena,
		.body = { &body, read_body } };

	if (!read_request(input, &request, &body))
		return false;
	config.artifact_types.count = body.has_types ? 2 : 0;
	*outcome = (struct outcome_of){ .arena = arena, .store = store };
	outcome->has_key = request.idempotency_key.data != NULL;
	DEMAND(store_stat(store, &outcome->before) == RESULT_OK);
	response_init(&outcome->response, arena);
	router_dispatch(&context, &request, &outcome->response);
	DEMAND(store_stat(store, &outcome->after) == RESULT_OK);
	outcome->text = text_of(outcome);
	return true;
}

/* ---- what must hold ---- */

static bool
has_header(const struct response *response, const char *name, const char *value)
{
	size_t i;

	for (i = 0; i < response->header_count; i++)
		if (strcmp(response->headers[i].name, name) == 0)
			return span_is(response->headers[i].value, value);
	return false;
}

static bool
is_same_stat(const struct store_stat *one, const struct store_stat *other)
{
	return memcmp(one, other, sizeof(*one)) == 0;
}

static void
demand_sound(struct outcome_of *outcome)
{
	const struct response *response = &outcome->response;
	struct json_shape shape;

	DEMAND(response->status >= 200 && response->status < 500);
	DEMAND(response_reason(response->status)[0] != '\0');
	DEMAND(outcome->after.staged == 0);
	if (response->status >= 300)
		DEMAND(is_same_stat(&outcome->before, &outcome->after));
	if (response->status >= 400)
		DEMAND(
		    has_header(response, "Content-Type", "application/json"));
	if (has_header(response, "Content-Type", "application/json") &&
	    response->kind != RESPONSE_CONTENT)
		DEMAND(json_check(outcome->arena, outcome->text, &shape) ==
		       JSON_VALID);
}

static void
demand_same(const struct outcome_of *one, const struct outcome_of *other)
{
	DEMAND(one->response.status == other->response.status);
	DEMAND(one->response.header_count == other->response.header_count);
	DEMAND(is_same_stat(&one->after, &other->after));
	/* Of what was made, ids and moments differ. */
	if (one->response.status >= 300)
		DEMAND(span_equal(one->text, other->text));
	else
		DEMAND(one->text.size == other->text.size);
}

/* The store has answered this, and is asked again. */
static void
demand_once(struct arena *arena, struct span input,
    const struct outcome_of *first, struct store *store)
{
	struct outcome_of again;

	if (first->response.status != 201 || !first->has_key)
		return;
	DEMAND(ask(store, arena, input, 7, &again));
	DEMAND(again.response.status == 201);
	DEMAND(span_equal(again.text, first->text));
	DEMAND(is_same_stat(&again.after, &first->after));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_open();
	struct span input = arena_copy(arena, span_of(data, size));
	struct store *store = open_store(arena), *other = open_store(arena);
	struct outcome_of whole, pieces;

	if (ask(store, arena, input, size + 1, &whole)) {
		demand_sound(&whole);
		DEMAND(ask(other, arena, input, 1, &pieces));
		demand_same(&whole, &pieces);
		demand_once(arena, input, &whole, store);
	}
	store_close(store);
	store_close(other);
	arena_close(arena);
	return 0;
}
