/* SPDX-License-Identifier: ISC */
/* trial.c - helpers that the tests of handlers share (trial.h). */

#include "trial.h"

#include "store/engine.h"
#include "store_mem.h"

#include <criterion/criterion.h>

#define PIECE 1000 /* of a body; cuts boundaries and sequences in two */

/* ---- a store that fails on demand ---- */

static bool
fails(struct failure *failure)
{
	if (failure->left == 0)
		return false;
	if (failure->left > 0)
		failure->left--;
	return true;
}

static enum result
fail_get(void *state, const struct id *id, struct arena *arena,
    struct artifact **ret_artifact)
{
	struct trial *trial = state;

	return fails(&trial->get)
		   ? trial->get.result
		   : store_get(trial->store, id, arena, ret_artifact);
}

static enum result
fail_find(void *state, struct span prefix, struct id ret_ids[LIMIT_CANDIDATES],
    size_t *ret_count)
{
	struct trial *trial = state;

	return store_find(trial->store, prefix, ret_ids, ret_count);
}

static enum result
fail_list(void *state, const struct filter *filter,
    const struct position *position, size_t limit, struct arena *arena,
    struct page *ret_page)
{
	struct trial *trial = state;

	return fails(&trial->list) ? trial->list.result
				   : store_list(trial->store, filter, position,
					 limit, arena, ret_page);
}

static enum result
fail_read(void *state, const struct content *content, uint64_t offset,
    char *data, size_t size, size_t *ret_size)
{
	struct trial *trial = state;

	return fails(&trial->read) ? trial->read.result
				   : store_read(trial->store, content, offset,
					 data, size, ret_size);
}

static enum result
fail_stat(void *state, struct store_stat *ret_stat)
{
	struct trial *trial = state;

	enum result result;

	if (fails(&trial->stat))
		return trial->stat.result;
	result = store_stat(trial->store, ret_stat);
	if (result == RESULT_OK)
		ret_stat->newest = trial->newest;
	return result;
}

static enum result
fail_stage_begin(void *state, struct staging *staging)
{
	return store_stage_begin(((struct trial *)state)->store, staging);
}

static enum result
fail_stage(void *state, struct staging *staging, struct span bytes)
{
	struct staging inner = *staging; /* both stores would count */
	struct trial *trial = state;
	enum result result;

	if (fails(&trial->stage))
		return trial->stage.result;
	trial->staged++;
	result = store_stage(trial->store, &inner, bytes);
	staging->blob = inner.blob;
	return result;
}

static enum result
fail_stage_end(void *state, struct staging *staging)
{
	return store_stage_end(((struct trial *)state)->store, staging);
}

static void
fail_stage_drop(void *state, struct staging *staging)
{
	struct trial *trial = state;

	trial->dropped++;
	store_stage_drop(trial->store, staging);
}

static void
fail_apply(void *state, struct change *const *changes, size_t count,
    struct outcome *ret_outcomes)
{
	struct trial *trial = state;

	trial->applied++;
	if (fails(&trial->apply))
		ret_outcomes[0].result = trial->apply.result;
	else
		store_apply_many(trial->store, changes, count, ret_outcomes);
}

static struct shortage
fail_shortage(const void *state)
{
	(void)state;
	return (struct shortage){ 600, 1000, 0 };
}

static const char *
fail_reason(const void *state)
{
	return store_reason(((const struct trial *)state)->store);
}

static void
fail_close(void *state)
{
	store_close(((struct trial *)state)->store);
}

static enum result
fail_figures(void *state,
    void (*visit)(void *object, const struct store_figure *figure),
    void *object)
{
	struct trial *trial = state;

	return fails(&trial->stat) ? trial->stat.result
				   : store_figures(trial->store, visit, object);
}

static enum result
fail_room(void *state, uint64_t reserve, uint64_t max_bytes,
    struct store_room *ret_room)
{
	struct trial *trial = state;

	return store_room(trial->store, reserve, max_bytes, ret_room);
}

static const struct store_reading failing_reading = {
	.get = fail_get,
	.find = fail_find,
	.list = fail_list,
	.read = fail_read,
	.stat = fail_stat,
	.figures = fail_figures,
	.room = fail_room,
	.reason = fail_reason,
	.close = fail_close,
};

static const struct store_changing failing_changing = {
	.stage_begin = fail_stage_begin,
	.stage = fail_stage,
	.stage_end = fail_stage_end,
	.stage_drop = fail_stage_drop,
	.apply = fail_apply,
	.reason = fail_reason,
	.shortage = fail_shortage,
};

/* ---- requests ---- */

void
trial_open(struct trial *trial)
{
	*trial = (struct trial){ .announced = UINT64_MAX, .later = 2 };
	cr_assert(digest_init());
	trial->config.max_content = 1048576;
	trial->config.max_json = 524288;
	trial->config.public_url = "";
	trial->arena = arena_open();
	trial->made = arena_open();
	trial->store = store_mem_open(0);
	trial->context.config = &trial->config;
	trial->context.store = store_new(&failing_reading, trial);
	store_add_changing(trial->context.store, &failing_changing, trial);
	trial->context.owner = (struct owner){ 7, 1 };
	trial->context.metrics = metrics_open();
	metrics_set(
	    trial->context.metrics, METRIC_HAS_ROOM, LABELS(METRICS_DISK), 1);
	metrics_set(
	    trial->context.metrics, METRIC_HAS_ROOM, LABELS(METRICS_QUOTA), 1);
}

void
trial_close(struct trial *trial)
{
	store_close(trial->context.store);
	metrics_close(trial->context.metrics);
	arena_close(trial->arena);
	arena_close(trial->made);
}

/* As daemon/fcgi.c: pieces, then END, or MALFORMED where the body is too short. */
static enum result
read_body(void *source, char *data, size_t size, size_t *ret_size)
{
	struct trial *trial = source;

	if (trial->left.size == 0)
		return trial->is_cut ? RESULT_MALFORMED : RESULT_END;
	if (size > PIECE)
		size = PIECE;
	if (size > trial->left.size)
		size = trial->left.size;
	memcpy(data, trial->left.data, size);
	trial->left = span_from(trial->left, size);
	*ret_size = size;
	return RESULT_OK;
}

void
trial_send(struct trial *trial, const char *method, const char *target,
    struct span body)
{
	struct span rest = span_str(target);

	arena_reset(trial->arena);
	trial->request = trial->headers;
	trial->request.arena = trial->arena;
	trial->request.method = span_str(method);
	trial->request.target = rest;
	(void)span_split(&rest, '?');
	trial->request.query = rest;
	trial->request.content_length =
	    trial->announced == UINT64_MAX ? body.size : trial->announced;
	trial->request.has_length = !trial->has_no_length;
	trial->is_cut = trial->request.content_length != body.size;
	trial->request.body = (struct body){ trial, read_body };
	trial->left = body;
	trial->context.owner.request++;
	trial->context.now = moment_now() + trial->later * MOMENT_SECOND;
	response_init(&trial->response, trial->arena);
	router_dispatch(&trial->context, &trial->request, &trial->response);
	trial->headers = (struct request){ .arena = NULL };
	trial->announced = UINT64_MAX;
	trial->has_no_length = false;
}

void
trial_get(struct trial *trial, const char *target)
{
	trial_send(trial, "GET", target, SPAN(""));
}

void
trial_json(struct trial *trial, const char *method, const char *target,
    const char *body)
{
	trial->headers.content_type = SPAN("application/json");
	trial_send(trial, method, target, span_str(body));
}

void
trial_form(struct trial *trial, const char *target, const char *body)
{
	struct buffer buffer;

	buffer_init(&buffer, trial->made);
	for (; *body != '\0'; body++) {
		if (*body == '#')
			buffer_append(&buffer, SPAN("--XBX"));
		else if (*body == '\n')
			buffer_append(&buffer, SPAN("\r\n"));
		else
			buffer_append_byte(&buffer, *body);
	}
	trial->headers.content_type = SPAN("multipart/form-data; boundary=XBX");
	trial_send(trial, "POST", target,
	    buffer.data == NULL ? SPAN("") : buffer_span(&buffer));
}

static void
keep_id(struct trial *trial, char ret_id[ID_TEXT + 1])
{
	struct span id = trial_member(trial, "id");

	trial_expect_status(trial, 201);
	cr_assert_eq(id.size, ID_TEXT);
	memcpy(ret_id, id.data, ID_TEXT);
	ret_id[ID_TEXT] = '\0';
}

void
trial_create(struct trial *trial, const char *content, char ret_id[ID_TEXT + 1])
{
	struct span body = arena_printf(trial->made,
	    "{\"workflow_id\":\"w\",\"artifact_type\":\"Text\","
	    "\"title\":\"t\",\"content\":\"%s\"}",
	    content);

	trial_json(trial, "POST", "/artifacts", body.data);
	keep_id(trial, ret_id);
}

void
trial_create_large(struct trial *trial, size_t size, char ret_id[ID_TEXT + 1])
{
	char *content = arena_alloc(trial->made, size + 1);
	struct span body;

	memset(content, 'x', size);
	body = arena_printf(trial->made,
	    "#\nContent-Disposition: form-data; name=\"workflow_id\"\n\nw\n"
	    "#\nContent-Disposition: form-data; name=\"artifact_type\"\n\nt\n"
	    "#\nContent-Disposition: form-data; name=\"file\"; "
	    "filename=\"x.txt\"\nContent-Type: text/plain\n\n%s\n#--\n",
	    content);
	trial_form(trial, "/artifacts", body.data);
	keep_id(trial, ret_id);
}

const char *
trial_path(struct trial *trial, const char *id, const char *suffix)
{
	return arena_printf(trial->made, "/artifacts/%s%s", id, suffix).data;
}

/* ---- answers ---- */

static struct span
read_content(struct trial *trial, uint64_t offset, uint64_t length)
{
	char *data = arena_alloc(trial->arena, (size_t)length);
	size_t size, filled = 0;

	while (filled < length) {
		cr_assert_eq(store_read(trial->store, &trial->response.content,
				 offset + filled, data + filled,
				 (size_t)length - filled, &size),
		    RESULT_OK);
		cr_assert_gt(size, 0);
		filled += size;
	}
	return span_of(data, filled);
}

struct span
trial_body(struct trial *trial)
{
	const struct response *response = &trial->response;
	struct json_escaper escaper = { 0 };
	struct buffer buffer;

	if (response->kind == RESPONSE_TEXT)
		return response->text;
	if (response->kind == RESPONSE_CONTENT)
		return read_content(trial, response->offset, response->size);
	buffer_init(&buffer, trial->arena);
	buffer_append(&buffer, response->text);
	json_escape(&escaper, read_content(trial, 0, response->content.size),
	    true, &buffer);
	buffer_append(&buffer, response->tail);
	return buffer_span(&buffer);
}

struct span
trial_header(struct trial *trial, const char *name)
{
	struct span found = SPAN_NONE;
	size_t i;

	for (i = 0; i < trial->response.header_count; i++) {
		if (strcmp(trial->response.headers[i].name, name) != 0)
			continue;
		cr_assert_null(found.data, "%s stands twice", name);
		found = trial->response.headers[i].value;
	}
	return found;
}

bool
trial_body_has(struct trial *trial, const char *text)
{
	struct span body = trial_body(trial);

	return memmem(body.data, body.size, text, strlen(text)) != NULL;
}

struct span
trial_member(struct trial *trial, const char *name)
{
	struct span key = arena_printf(trial->arena, "\"%s\":\"", name);
	struct span body = trial_body(trial);
	const char *at = memmem(body.data, body.size, key.data, key.size);

	cr_assert_not_null(
	    at, "no %s in %.*s", name, (int)body.size, body.data);
	body = span_from(body, (size_t)(at - body.data) + key.size);
	body.size = span_find(body, '"');
	return body;
}

void
trial_expect_status(struct trial *trial, int status)
{
	struct span body = trial_body(trial);

	cr_assert_eq(trial->response.status, status, "%d, not %d: %.*s",
	    trial->response.status, status, (int)body.size, body.data);
}

void
trial_expect(struct trial *trial, int status, const char *expected)
{
	struct span body = trial_body(trial);

	trial_expect_status(trial, status);
	cr_assert(span_is(body, expected), "%.*s\nis not\n%s", (int)body.size,
	    body.data, expected);
}

void
trial_expect_header(struct trial *trial, const char *name, const char *value)
{
	struct span found = trial_header(trial, name);

	cr_assert(value == NULL ? found.data == NULL : span_is(found, value),
	    "%s: %.*s", name, (int)found.size, found.data);
}

uint64_t
trial_count(struct trial *trial)
{
	struct store_stat stat;

	cr_assert_eq(store_stat(trial->store, &stat), RESULT_OK);
	cr_assert_eq(stat.staged, 0);
	return stat.artifacts;
}
