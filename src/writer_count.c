/* SPDX-License-Identifier: ISC */
/* writer_count.c - what the writer adds to the metrics. */

#include "writer.h"

void
writer_count(struct metrics *metrics, size_t changes, int64_t duration)
{
	metrics_observe(metrics, METRIC_BATCHES, LABELS_NONE, changes);
	metrics_observe(
	    metrics, METRIC_COMMIT_SECONDS, LABELS_NONE, (uint64_t)duration);
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
	metrics_set(metrics, METRIC_DISK_FREE, LABELS_NONE, room.disk_free);
	metrics_set(metrics, METRIC_DISK_RESERVE, LABELS_NONE, config->reserve);
	metrics_set(metrics, METRIC_QUOTA, LABELS_NONE, config->max_bytes);
	metrics_set(metrics, METRIC_FILE_BYTES, LABELS_NONE, room.file_bytes);
	metrics_set(metrics, METRIC_HAS_ROOM, LABELS(METRICS_DISK),
	    room.verdict != RESULT_NO_SPACE);
	metrics_set(metrics, METRIC_HAS_ROOM, LABELS(METRICS_QUOTA),
	    room.verdict != RESULT_QUOTA);
}
