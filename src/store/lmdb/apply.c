/* SPDX-License-Identifier: ISC */
/*
 * apply.c - a batch: many changes, one commit, an outcome each.
 *
 * A change that is refused leaves no trace, so the others go on. A put that
 * fails spoils the transaction: it is aborted and the changes are applied
 * one by one, which fails only the guilty (RELIABILITY 9). What each kind of
 * change does is judge.c and stage.c.
 */

#include "state.h"

#include <assert.h>

static enum result (*const kinds[])(
    struct batch *batch, const struct change *change) = {
	[CHANGE_CREATE] = batch_create,
	[CHANGE_UPDATE] = batch_update,
	[CHANGE_CONTENT] = batch_content,
	[CHANGE_DELETE] = batch_delete,
	[CHANGE_STAGE] = batch_stage,
	[CHANGE_DROP] = batch_drop,
	[CHANGE_IMPORT] = batch_import,
};

/* ---- exactly once ---- */

/* Staging is harmless to repeat by itself, and far more frequent. */
static bool
is_numbered(const struct change *change)
{
	return change->number != 0 && change->kind <= CHANGE_DELETE;
}

/* RESULT_NOT_FOUND: it is new. */
static enum result
find_applied(struct batch *batch, const struct change *change)
{
	struct applied applied;
	enum result result;

	if (!is_numbered(change))
		return RESULT_NOT_FOUND;
	result = layout_get_applied(
	    &batch->view, change->owner.incarnation, &applied);
	if (result != RESULT_OK)
		return result;
	if (change->number > applied.number)
		return RESULT_NOT_FOUND;
	if (change->number < applied.number)
		return RESULT_MALFORMED; /* numbers rise */
	batch->is_repeat = true;
	batch->id = applied.id;
	return applied.result;
}

static enum result
keep_applied(struct batch *batch, const struct change *change)
{
	struct applied applied = {
		.number = change->number,
		.result = RESULT_OK,
		.id = batch->id,
	};

	if (!is_numbered(change) || batch->is_repeat)
		return RESULT_OK;
	return layout_put_applied(
	    &batch->view, change->owner.incarnation, &applied);
}

static enum result
apply_one(struct batch *batch, const struct change *change)
{
	enum result result;

	assert(change->kind >= CHANGE_CREATE && change->kind <= CHANGE_IMPORT);
	batch->is_repeat = batch->is_deleted = false;
	batch->id =
	    change->kind == CHANGE_CREATE ? change->artifact->id : change->id;
	result = find_applied(batch, change);
	if (result != RESULT_NOT_FOUND)
		return result;
	result = kinds[change->kind](batch, change);
	if (result != RESULT_OK)
		return result;
	return keep_applied(batch, change);
}

/* ---- a batch ---- */

static enum result
batch_begin(struct batch *batch)
{
	enum result result;

	result = layout_get_meta(&batch->view, &batch->meta);
	if (result == RESULT_NOT_FOUND)
		return layout_damaged(&batch->view, DB_META);
	batch->now = moment_now();
	batch->lmdb->shortage = (struct shortage){ 0 };
	lmdb_look_at_space(batch->lmdb, batch->lmdb->reserve, &batch->space);
	return result;
}

/* Anything but RESULT_OK: the transaction is to be aborted. */
static enum result
batch_fill(struct batch *batch, struct change *const *changes, size_t count,
    struct outcome *ret_outcomes)
{
	enum result result;
	size_t i;

	result = batch_begin(batch);
	if (result != RESULT_OK)
		return result;
	for (i = 0; i < count; i++) {
		result = apply_one(batch, changes[i]);
		arena_reset(batch->lmdb->scratch);
		if (batch->view.error != 0)
			return result;
		ret_outcomes[i] = (struct outcome){ .result = result,
			.id = batch->id,
			.is_deleted = batch->is_deleted,
			.shortage = batch->lmdb->shortage };
	}
	if (!batch->is_changed)
		return RESULT_OK;
	return layout_put_meta(&batch->view, &batch->meta);
}

/*
 * RESULT_OK: the outcomes stand. RESULT_UNKNOWN: nobody knows. Anything
 * else: nothing happened, and if there was but one change, that is why.
 */
static enum result
batch_run(struct lmdb *lmdb, struct change *const *changes, size_t count,
    struct outcome *ret_outcomes)
{
	struct batch batch = { .lmdb = lmdb };
	size_t waiting = lmdb->garbage.count;
	enum result result;

	result = lmdb_write_begin(lmdb, &batch.view);
	if (result != RESULT_OK)
		return result;
	result = batch_fill(&batch, changes, count, ret_outcomes);
	if (result == RESULT_OK && batch.is_changed)
		result = lmdb_write_commit(lmdb, &batch.view);
	else
		lmdb_write_abort(lmdb, &batch.view);
	if (result != RESULT_OK)
		garbage_rewind(&lmdb->garbage, waiting);
	return result;
}

static void
fill_outcomes(struct outcome *outcomes, size_t count, enum result result)
{
	size_t i;

	for (i = 0; i < count; i++)
		outcomes[i] = (struct outcome){ .result = result };
}

void
lmdb_apply(void *state, struct change *const *changes, size_t count,
    struct outcome *ret_outcomes)
{
	struct lmdb *lmdb = state;
	enum result result;
	size_t i;

	if (count == 0)
		return;
	result = batch_run(lmdb, changes, count, ret_outcomes);
	if (result == RESULT_OK)
		return;
	if (result == RESULT_UNKNOWN || count == 1) {
		fill_outcomes(ret_outcomes, count, result);
		return;
	}
	for (i = 0; i < count; i++) {
		/* On a slow disk each is a long wait, and there may be a
		 * thousand. */
		if (lmdb->beat != NULL)
			lmdb->beat(lmdb->beat_object);
		result = batch_run(lmdb, changes + i, 1, ret_outcomes + i);
		if (result != RESULT_OK)
			fill_outcomes(ret_outcomes + i, 1, result);
	}
}
