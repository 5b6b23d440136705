/* SPDX-License-Identifier: ISC */
/*
 * master_notes.c - from what artifactctl noted of the last check and the last
 * backup to gauges. The files are looked at once a second, and read when they
 * are others.
 */

#include "master_state.h"

#include "config/note.h"

#include <sys/stat.h>

static const struct {
	const char *file;
	enum metric time, succeeded, success, seconds, count;
} notes[MASTER_NOTES] = {
	{ NOTE_CHECK, METRIC_CHECK_TIME, METRIC_CHECK_SUCCEEDED,
	    METRIC_CHECK_SUCCESS, METRIC_CHECK_SECONDS, METRIC_CHECK_PROBLEMS },
	{ NOTE_BACKUP, METRIC_BACKUP_TIME, METRIC_BACKUP_SUCCEEDED,
	    METRIC_BACKUP_SUCCESS, METRIC_BACKUP_SECONDS, METRIC_BACKUP_BYTES },
};

static void
publish(struct metrics *metrics, size_t i, const struct note *note)
{
	metrics_set(metrics, notes[i].time, LABELS_NONE, note->finished);
	metrics_set(metrics, notes[i].succeeded, LABELS_NONE, note->succeeded);
	metrics_set(metrics, notes[i].success, LABELS_NONE, note->is_ok);
	metrics_set(metrics, notes[i].seconds, LABELS_NONE, note->duration);
	metrics_set(metrics, notes[i].count, LABELS_NONE,
	    notes[i].count == METRIC_BACKUP_BYTES ? note->bytes
						  : note->problems);
}

/* All 0 where there is none. */
static struct timespec
look_at(const struct master *master, size_t i)
{
	char path[4096]; /* state_dir is shorter */
	struct stat file;
	int size;

	size = snprintf(path, sizeof(path), "%s/%s", master->config->state_dir,
	    notes[i].file);
	if (size < 0 || (size_t)size >= sizeof(path) || lstat(path, &file) != 0)
		return (struct timespec){ 0 };
	return file.st_mtim;
}

static void
take(struct master *master, size_t i)
{
	struct timespec now = look_at(master, i), *old = &master->notes[i];
	struct note note = { 0 };

	if (now.tv_sec == old->tv_sec && now.tv_nsec == old->tv_nsec)
		return;
	*old = now;
	/* What is no note, or gone, says that there was none. */
	if (note_read(master->config->state_dir, notes[i].file, &note) !=
	    RESULT_OK)
		note = (struct note){ 0 };
	publish(master->metrics, i, &note);
}

void
master_take_notes(struct master *master, int64_t now)
{
	size_t i;

	if (now < master->next_notes)
		return;
	master->next_notes = now + SECOND;
	for (i = 0; i < MASTER_NOTES; i++)
		take(master, i);
}
