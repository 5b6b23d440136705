/* SPDX-License-Identifier: ISC */
/* writer_count.c - what the writer adds to the metrics, and says of room. */

#include "writer.h"

#include "base/log.h"

void
writer_count(struct metrics *metrics, size_t changes, int64_t duration)
{
	metrics_observe(metrics, METRIC_BATCHES, LABELS_NONE, changes);
	metrics_observe(
	    metrics, METRIC_COMMIT_SECONDS, LABELS_NONE, (uint64_t)duration);
}

static void
tell_no_room(const struct store_room *room)
{
	bool is_quota = room->verdict == RESULT_QUOTA;

	log_open(LOG_WARNING, "no_room");
	log_number(is_quota ? "used" : "free", (int64_t)room->shortage.have);
	log_number(
	    is_quota ? "max_bytes" : "reserve", (int64_t)room->shortage.limit);
	log_close();
}

/* Once when it is used up, and once when there is some again. */
static void
tell_room(const struct store_room *room)
{
	static enum result told = RESULT_OK;

	if (room->verdict == told)
		return;
	told = room->verdict;
	if (told != RESULT_OK) {
		tell_no_room(room);
		return;
	}
	log_open(LOG_NOTICE, "room_again");
	log_close();
}

void
writer_publish(const struct process *process, struct store *store)
{
	const struct config *config = process->config;
	struct metrics *metrics = process->metrics;
	struct store_room room;

	/* What cannot be read is for a batch, and its log line, to find. */
	if (store_room(store, config->reserve, config->max_bytes, &room) !=
	    RESULT_OK)
		return;
	tell_room(&room);
	metrics_set(metrics, METRIC_DISK_FREE, LABELS_NONE, room.disk_free);
	metrics_set(metrics, METRIC_REUSABLE, LABELS_NONE, room.reusable);
	metrics_set(metrics, METRIC_DISK_RESERVE, LABELS_NONE, config->reserve);
	metrics_set(metrics, METRIC_QUOTA, LABELS_NONE, config->max_bytes);
	metrics_set(metrics, METRIC_FILE_BYTES, LABELS_NONE, room.file_bytes);
	metrics_set(metrics, METRIC_HAS_ROOM, LABELS(METRICS_DISK),
	    room.verdict != RESULT_NO_SPACE);
	metrics_set(metrics, METRIC_HAS_ROOM, LABELS(METRICS_QUOTA),
	    room.verdict != RESULT_QUOTA);
}
