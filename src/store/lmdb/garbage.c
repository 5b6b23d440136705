/* SPDX-License-Identifier: ISC */
/*
 * garbage.c - the queue of content that waits to be swept.
 *
 * pending is the truth; the queue remembers what of it is when due. When it
 * is full the rest is left to a scan, once it is empty.
 */

#include "state.h"

void
garbage_push(struct garbage_queue *queue, uint64_t blob)
{
	size_t place;

	/* Behind something that is not in here it would be out of order. */
	if (queue->count == GARBAGE_ROOM || queue->has_more) {
		queue->has_more = true;
		return;
	}
	place = (queue->head + queue->count) % GARBAGE_ROOM;
	queue->entries[place] = (struct garbage){ .blob = blob };
	queue->count++;
}

void
garbage_rewind(struct garbage_queue *queue, size_t count)
{
	queue->count = count;
}

static enum result
load(struct garbage_queue *queue, struct view *view, MDB_cursor *cursor)
{
	struct pending pending;
	struct span bytes;
	MDB_val key, value;
	struct key blob;
	int code;

	code = mdb_cursor_get(cursor, &key, &value, MDB_FIRST);
	while (code == MDB_SUCCESS && !queue->has_more) {
		blob = key_from(&key);
		/* A damaged row stays for check to name: it holds nobody up. */
		if (layout_verify(view, DB_PENDING, &key, &value, &bytes) ==
			RESULT_OK &&
		    blob.size == 8 && pending_decode(bytes, &pending) &&
		    pending.kind == PENDING_GARBAGE)
			garbage_push(queue, key_last_number(&blob));
		code = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
	}
	if (code == MDB_NOTFOUND)
		code = MDB_SUCCESS;
	return layout_note(view, DB_PENDING, code);
}

enum result
garbage_load(struct garbage_queue *queue, struct view *view)
{
	MDB_cursor *cursor;
	enum result result;

	queue->head = queue->count = queue->tagged = 0;
	queue->has_more = false;
	result = layout_note(view, DB_PENDING,
	    mdb_cursor_open(view->txn, view->databases[DB_PENDING], &cursor));
	if (result != RESULT_OK)
		return result;
	result = load(queue, view, cursor);
	mdb_cursor_close(cursor);
	return result;
}
