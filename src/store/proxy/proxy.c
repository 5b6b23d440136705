/* SPDX-License-Identifier: ISC */
/*
 * proxy.c - the store as a worker has it: reads through a read-only
 * engine, sends changes to the writer and waits for their answers.
 */

#include "proxy.h"
#include "state.h"

#include <stdlib.h>

/* ---- changes ---- */

static bool
names_staged(const struct remote *remote, const struct change *change)
{
	return change->artifact != NULL && remote->staging.blob != 0 &&
	       change->artifact->content.blob == remote->staging.blob;
}

/* What came of a change whose staged content the writer does not know. */
static enum result
settle_staging(struct remote *remote, struct change *change)
{
	enum result result = remote->stage_result;

	if (result == RESULT_OK || result == RESULT_STALE)
		result = remote_stage_again(remote);
	change->artifact->content.blob = remote->staging.blob;
	return result;
}

static enum result
apply_one(
    struct remote *remote, struct change *change, struct outcome *ret_outcome)
{
	struct wire_message message = { .kind = WIRE_CHANGE, .change = change };
	struct wire_message answer;
	enum result result;
	int try;

	for (try = 0; try < REMOTE_TRIES; try++) {
		change->number = ++remote->last_number;
		result = remote_ask(remote, &message, change->number, &answer);
		if (result != RESULT_OK)
			return result;
		*ret_outcome = answer.outcome;
		if (answer.outcome.result != RESULT_STALE ||
		    !names_staged(remote, change)) {
			remote->shortage = answer.outcome.shortage;
			return answer.outcome.result;
		}
		result = settle_staging(remote, change);
		if (result != RESULT_OK)
			return result;
	}
	return RESULT_UNAVAILABLE;
}

static void
remote_apply(void *state, struct change *const *changes, size_t count,
    struct outcome *ret_outcomes)
{
	struct remote *remote = state;
	size_t i;

	for (i = 0; i < count; i++) {
		changes[i]->owner.incarnation = remote->incarnation;
		ret_outcomes[i].result = remote_enter(remote);
		if (ret_outcomes[i].result == RESULT_OK)
			ret_outcomes[i].result =
			    apply_one(remote, changes[i], &ret_outcomes[i]);
		remote_leave(remote);
		if (names_staged(remote, changes[i]) &&
		    ret_outcomes[i].result == RESULT_OK) {
			remote_forget(remote);
			remote->staging.blob = 0;
		}
	}
}

/* ---- reading: the other engine's ---- */

static struct store *
reader_of(void *state)
{
	struct remote *remote = state;

	remote->reason = NULL; /* the reader's is asked for from now on */
	return remote->reader;
}

static enum result
remote_get(void *state, const struct id *id, struct arena *arena,
    struct artifact **ret_artifact)
{
	return store_get(reader_of(state), id, arena, ret_artifact);
}

static enum result
remote_find(void *state, struct span prefix,
    struct id ret_ids[LIMIT_CANDIDATES], size_t *ret_count)
{
	return store_find(reader_of(state), prefix, ret_ids, ret_count);
}

static enum result
remote_list(void *state, const struct filter *filter,
    const struct position *position, size_t limit, struct arena *arena,
    struct page *ret_page)
{
	return store_list(
	    reader_of(state), filter, position, limit, arena, ret_page);
}

static enum result
remote_read(void *state, const struct content *content, uint64_t offset,
    char *data, size_t size, size_t *ret_size)
{
	return store_read(
	    reader_of(state), content, offset, data, size, ret_size);
}

static enum result
remote_stat(void *state, struct store_stat *ret_stat)
{
	return store_stat(reader_of(state), ret_stat);
}

static enum result
remote_figures(void *state,
    void (*visit)(void *object, const struct store_figure *figure),
    void *object)
{
	return store_figures(reader_of(state), visit, object);
}

static enum result
remote_room(void *state, uint64_t reserve, uint64_t max_bytes,
    struct store_room *ret_room)
{
	return store_room(reader_of(state), reserve, max_bytes, ret_room);
}

static const char *
remote_reason(const void *state)
{
	const struct remote *remote = state;

	return remote->reason != NULL ? remote->reason
				      : store_reason(remote->reader);
}

static struct shortage
remote_shortage(const void *state)
{
	const struct remote *remote = state;

	return remote->shortage;
}

static void
remote_close(void *state)
{
	struct remote *remote = state;

	remote_forget(remote);
	remote_disconnect(remote);
	arena_close(remote->scratch);
	store_close(remote->reader);
	free(remote);
}

static const struct store_engine remote_engine = {
	.name = "remote",
	.get = remote_get,
	.find = remote_find,
	.list = remote_list,
	.read = remote_read,
	.stat = remote_stat,
	.figures = remote_figures,
	.room = remote_room,
	.stage_begin = remote_stage_begin,
	.stage = remote_stage,
	.stage_end = remote_stage_end,
	.stage_drop = remote_stage_drop,
	.apply = remote_apply,
	.reason = remote_reason,
	.shortage = remote_shortage,
	.close = remote_close,
};

struct store *
store_remote_open(
    struct store *reader, const struct store_remote_options *options)
{
	struct remote *remote = calloc(1, sizeof(*remote));

	if (remote == NULL)
		abort();
	remote->reader = reader;
	remote->control_fd = options->control_fd;
	remote->channel_fd = -1;
	remote->incarnation = options->incarnation;
	remote->scoreboard = options->scoreboard;
	remote->slot = options->slot;
	remote->scratch = arena_open();
	return store_new(&remote_engine, remote);
}

bool
store_remote_is_cut_off(const struct store *store)
{
	const struct remote *remote = store->state;

	return remote->is_cut_off;
}
