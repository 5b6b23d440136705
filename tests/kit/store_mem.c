/* SPDX-License-Identifier: ISC */
/* store_mem.c - tables, reads, opening; store_mem_apply.c has the changes. */

#include "store_mem.h"

#include "store_mem_state.h"

#include <assert.h>
#include <stdlib.h>

/* ---- tables ---- */

void *
mem_row(const struct table *table, size_t place)
{
	assert(place < table->count);
	return table->rows + place * table->row_size;
}

void *
mem_row_add(struct mem *mem, struct table *table)
{
	size_t size = table->capacity * table->row_size;

	if (table->count == table->capacity) {
		table->capacity = table->capacity == 0 ? 16 : 2 * table->count;
		table->rows = arena_resize(mem->arena, table->rows, size,
		    table->capacity * table->row_size);
	}
	table->count++;
	memset(mem_row(table, table->count - 1), 0, table->row_size);
	return mem_row(table, table->count - 1);
}

void
mem_row_remove(struct table *table, size_t place)
{
	char *gone = mem_row(table, place);

	table->count--;
	memmove(gone, gone + table->row_size,
	    (table->count - place) * table->row_size);
}

struct artifact *
mem_record(const struct mem *mem, size_t place)
{
	return *(struct artifact **)mem_row(&mem->records, place);
}

size_t
mem_record_find(const struct mem *mem, const struct id *id)
{
	size_t i;

	for (i = 0; i < mem->records.count; i++)
		if (memcmp(&mem_record(mem, i)->id, id, sizeof(*id)) == 0)
			return i;
	return MEM_NOWHERE;
}

struct blob *
mem_blob(const struct mem *mem, uint64_t number)
{
	size_t i;

	for (i = 0; i < mem->blobs.count; i++) {
		struct blob *blob = mem_row(&mem->blobs, i);

		if (blob->number == number)
			return blob;
	}
	return NULL;
}

struct artifact *
mem_copy(const struct artifact *artifact, struct arena *arena)
{
	struct artifact *copy = NULL;
	struct buffer buffer;
	enum result result;

	buffer_init(&buffer, arena);
	artifact_encode(artifact, &buffer);
	result = artifact_decode(buffer_span(&buffer), arena, &copy);
	assert(result == RESULT_OK);
	copy->created = artifact->created;
	return copy;
}

/* ---- reading ---- */

static enum result
mem_get(void *state, const struct id *id, struct arena *arena,
    struct artifact **ret_artifact)
{
	struct mem *mem = state;
	size_t place = mem_record_find(mem, id);

	if (place == MEM_NOWHERE)
		return RESULT_NOT_FOUND;
	*ret_artifact = mem_copy(mem_record(mem, place), arena);
	return RESULT_OK;
}

/* Put it where it belongs; of too many the last ones go. */
static void
insert_id(struct id ids[LIMIT_CANDIDATES], size_t *count, const struct id *id)
{
	size_t place = *count;

	while (place > 0 && memcmp(&ids[place - 1], id, sizeof(*id)) > 0)
		place--;
	if (place == LIMIT_CANDIDATES)
		return;
	if (*count < LIMIT_CANDIDATES)
		++*count;
	memmove(
	    ids + place + 1, ids + place, (*count - place - 1) * sizeof(*ids));
	ids[place] = *id;
}

static enum result
mem_find(void *state, struct span prefix, struct id ret_ids[LIMIT_CANDIDATES],
    size_t *ret_count)
{
	struct mem *mem = state;
	char text[ID_TEXT + 1];
	size_t i;

	*ret_count = 0;
	for (i = 0; i < mem->records.count && prefix.size <= ID_TEXT; i++) {
		id_format(&mem_record(mem, i)->id, text);
		if (span_equal(span_of(text, prefix.size), prefix))
			insert_id(ret_ids, ret_count, &mem_record(mem, i)->id);
	}
	return RESULT_OK;
}

static bool
is_wanted(struct span filter, struct span member)
{
	return filter.size == 0 || span_equal(filter, member);
}

static bool
matches(const struct filter *filter, const struct artifact *artifact)
{
	return is_wanted(filter->workflow, artifact->workflow) &&
	       is_wanted(filter->phase, artifact->phase) &&
	       is_wanted(filter->type, artifact->type) &&
	       is_wanted(filter->session, artifact->session);
}

/* A position is the moment of the last artifact that was given. */
static bool
moment_of(const struct position *position, uint64_t *ret_moment)
{
	*ret_moment = UINT64_MAX;
	if (position->size == sizeof(*ret_moment))
		memcpy(ret_moment, position->bytes, sizeof(*ret_moment));
	return position->size == 0 || position->size == sizeof(*ret_moment);
}

static enum result
mem_list(void *state, const struct filter *filter,
    const struct position *position, size_t limit, struct arena *arena,
    struct page *ret_page)
{
	struct page page = { 0 };
	struct mem *mem = state;
	struct artifact *artifact;
	uint64_t moment;
	size_t i;

	if (!moment_of(position, &moment))
		return RESULT_MALFORMED;
	page.artifacts = arena_alloc(arena, limit * sizeof(*page.artifacts));
	for (i = mem->records.count; i-- > 0 && !page.has_more;) {
		artifact = mem_record(mem, i);
		if (artifact->created >= moment || !matches(filter, artifact))
			continue;
		if (page.count == limit)
			page.has_more = true;
		else
			page.artifacts[page.count++] =
			    mem_copy(artifact, arena);
	}
	if (page.has_more) {
		moment = page.artifacts[page.count - 1]->created;
		page.next.size = sizeof(moment);
		memcpy(page.next.bytes, &moment, sizeof(moment));
	}
	*ret_page = page;
	return RESULT_OK;
}

static enum result
mem_read(void *state, const struct content *content, uint64_t offset,
    char *data, size_t size, size_t *ret_size)
{
	struct blob *blob = mem_blob(state, content->blob);

	if (blob == NULL)
		return RESULT_GONE;
	if (offset > blob->size)
		offset = blob->size;
	if (size > blob->size - offset)
		size = blob->size - (size_t)offset;
	memcpy(data, blob->data + offset, size);
	*ret_size = size;
	return RESULT_OK;
}

struct store_stat
mem_count(const struct mem *mem)
{
	struct store_stat stat = { 0 };
	size_t i;

	stat.artifacts = mem->records.count;
	for (i = 0; i < mem->blobs.count; i++) {
		struct blob *blob = mem_row(&mem->blobs, i);

		*(blob->is_named ? &stat.bytes : &stat.staged) += blob->size;
	}
	return stat;
}

static enum result
mem_stat(void *state, struct store_stat *ret_stat)
{
	*ret_stat = mem_count(state);
	return RESULT_OK;
}

static enum result
mem_figures(void *state,
    void (*visit)(void *object, const struct store_figure *figure),
    void *object)
{
	struct store_stat stat = mem_count(state);
	const struct store_figure figures[] = {
		{ "artifacts", "Artifacts that are there", stat.artifacts },
		{ "content_bytes", "Bytes of their content", stat.bytes },
		{ "staged_bytes", "Bytes of uploads in progress", stat.staged },
	};
	size_t i;

	for (i = 0; i < sizeof(figures) / sizeof(*figures); i++)
		visit(object, &figures[i]);
	return RESULT_OK;
}

/* Memory is not a disk: only the quota can be used up. */
static enum result
mem_room(void *state, uint64_t reserve, uint64_t max_bytes,
    struct store_room *ret_room)
{
	struct store_stat stat = mem_count(state);
	uint64_t used = stat.bytes + stat.staged;

	(void)reserve;
	*ret_room = (struct store_room){ .verdict = RESULT_OK,
		.disk_free = UINT64_MAX,
		.file_bytes = used };
	if (max_bytes != 0 && used >= max_bytes) {
		ret_room->verdict = RESULT_QUOTA;
		ret_room->shortage = (struct shortage){ used, max_bytes, 0 };
	}
	return RESULT_OK;
}

/* ---- opening ---- */

static struct shortage
mem_shortage(const void *state)
{
	const struct mem *mem = state;

	return mem->shortage;
}

static const char *
mem_reason(const void *state)
{
	(void)state; /* nothing fails in memory */
	return "";
}

static void
mem_close(void *state)
{
	struct mem *mem = state;
	size_t i;

	for (i = 0; i < mem->blobs.count; i++)
		free(((struct blob *)mem_row(&mem->blobs, i))->data);
	arena_close(mem->arena);
	free(mem);
}

static const struct store_reading reading = {
	.get = mem_get,
	.find = mem_find,
	.list = mem_list,
	.read = mem_read,
	.stat = mem_stat,
	.figures = mem_figures,
	.room = mem_room,
	.reason = mem_reason,
	.close = mem_close,
};

static const struct store_changing changing = {
	.stage_begin = mem_stage_begin,
	.stage = mem_stage,
	.stage_end = mem_stage_end,
	.stage_drop = mem_stage_drop,
	.apply = mem_apply,
	.reason = mem_reason,
	.shortage = mem_shortage,
};

struct store *
store_mem_open_reader(void)
{
	struct mem *mem = calloc(1, sizeof(*mem));

	if (mem == NULL)
		abort();
	mem->arena = arena_open();
	mem->records.row_size = sizeof(struct artifact *);
	mem->blobs.row_size = sizeof(struct blob);
	mem->keys.row_size = sizeof(struct idempotency);
	mem->last_changes.row_size = sizeof(struct last_change);
	return store_new(&reading, mem);
}

struct store *
store_mem_open(uint64_t max_bytes)
{
	struct store *store = store_mem_open_reader();
	struct mem *mem = store->read_state;

	mem->max_bytes = max_bytes;
	store_add_changing(store, &changing, mem);
	return store;
}
