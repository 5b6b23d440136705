/* SPDX-License-Identifier: ISC */
/*
 * watch.c - what nobody tells the master, looked at in each round: deadlines,
 * repeated signals, the watchdog of the service manager, whether the store's
 * files are still the same, and what artifactctl noted of the last check and
 * the last backup.
 */

#include "master_state.h"

#include "base/log.h"
#include "config/note.h"
#include "notify.h"

#include <errno.h>
#include <sys/stat.h>

#define WRITER_READY_WITHIN (60 * SECOND)
#define WRITER_BEATS_WITHIN (30 * SECOND)
#define LOOP_LATE (5 * SECOND)

static int64_t
silence(struct master *master, int64_t now)
{
	struct child *writer = master_writer(master);

	return now - child_slot(master, writer)->heartbeat;
}

static void
watch_worker(struct master *master, struct child *worker, int64_t now)
{
	struct slot *slot = child_slot(master, worker);
	int64_t began = slot->began;
	char id[SCOREBOARD_REQUEST_ID];

	if (worker->is_killed || began == 0 ||
	    now - began <= master->config->request_timeout * SECOND)
		return;
	slot_request(slot, id);
	log_open(LOG_ERR, "request_timed_out");
	log_string("request", id);
	log_number("child_pid", worker->pid);
	log_number("age", (now - began) / SECOND);
	log_close();
	child_kill(worker);
}

static void
watch_writer(struct master *master, struct child *writer, int64_t now)
{
	const char *event = NULL;

	if (writer->is_killed)
		return;
	if (!writer->is_ready && now - writer->born > WRITER_READY_WITHIN)
		event = "writer_not_ready";
	else if (writer->is_ready && silence(master, now) > WRITER_BEATS_WITHIN)
		event = "writer_silent";
	if (event == NULL)
		return;
	log_open(LOG_ERR, event);
	log_number("child_pid", writer->pid);
	log_close();
	if (writer->is_ready || master->phase != PHASE_SERVING)
		child_kill(writer);
	else
		master_start_over(master);
}

static void
watch_child(struct master *master, struct child *child, int64_t now)
{
	/*
	 * A signal that comes between a worker's look at its flag and its
	 * accept is lost, so it is repeated.
	 */
	if (child->is_ending)
		child_end(child);
	if (now < master->grace_until)
		return;
	if (child_is_writer(master, child))
		watch_writer(master, child, now);
	else
		watch_worker(master, child, now);
}

static void
watch_stop(struct master *master, int64_t now)
{
	unsigned ending;
	size_t i;

	if (master->phase != PHASE_STOPPING || now < master->stop_deadline)
		return;
	if (master_count(master, &ending) > 0) {
		log_open(LOG_ERR, "drain_timed_out");
		log_number("workers", master_count(master, &ending));
		log_close();
	}
	for (i = 0; i < SCOREBOARD_SLOTS; i++)
		child_kill(&master->children[i]);
	master->stop_deadline = INT64_MAX; /* said once */
}

/* Only while the service does what it is there for. */
static void
beat(struct master *master, int64_t now)
{
	uint64_t interval = notify_watchdog();

	if (interval == 0 || now < master->next_beat)
		return;
	if (master->phase == PHASE_SERVING &&
	    (!master_writer(master)->is_ready ||
		silence(master, now) > WRITER_BEATS_WITHIN))
		return;
	notify_send("WATCHDOG=1");
	master->next_beat = now + (int64_t)(interval / 2);
}

/* ---- the store's files ---- */

static const char *const store_files[STORE_FILES] = { "data.mdb", "lock.mdb" };

/* RESULT_NOT_FOUND: it is not there. RESULT_IO: nobody can say. */
static enum result
find_file(const struct master *master, size_t i, struct file_name *ret_name)
{
	char path[4096]; /* state_dir is shorter */
	struct stat file;
	int size;

	size = snprintf(path, sizeof(path), "%s/%s", master->config->state_dir,
	    store_files[i]);
	if (size < 0 || (size_t)size >= sizeof(path))
		return RESULT_IO;
	if (stat(path, &file) != 0)
		return errno == ENOENT ? RESULT_NOT_FOUND : RESULT_IO;
	*ret_name = (struct file_name){ file.st_dev, file.st_ino };
	return RESULT_OK;
}

void
master_watch_files(struct master *master)
{
	size_t i;

	for (i = 0; i < STORE_FILES; i++)
		if (find_file(master, i, &master->store[i]) != RESULT_OK)
			master->store[i].inode = 0;
}

static bool
is_other_file(const struct master *master, size_t i)
{
	const struct file_name *old = &master->store[i];
	struct file_name now;
	enum result result = find_file(master, i, &now);

	if (old->inode == 0 || result == RESULT_IO)
		return false;
	return result != RESULT_OK || now.device != old->device ||
	       now.inode != old->inode;
}

/*
 * Changes would be acknowledged that go to a file without a name, and a
 * worker that comes later would read another than the writer writes. Whoever
 * opens the store anew says what is wrong with it, or serves what is there.
 */
static void
watch_files(struct master *master)
{
	size_t i;

	for (i = 0; i < STORE_FILES && master->phase == PHASE_SERVING; i++) {
		if (!is_other_file(master, i))
			continue;
		log_open(LOG_CRIT, "store_replaced");
		log_string("file", store_files[i]);
		log_string("cause",
		    "it was removed, or another put in its place, while in "
		    "use; changes of the last second may be lost. Stop the "
		    "service before touching its files");
		log_close();
		master_start_over(master);
	}
}

/* ---- notes: looked at once a second, read when they are others ---- */

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

/* When the note was written; all 0 where there is none. */
static struct timespec
time_of_note(const struct master *master, size_t i)
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
publish_if_new(struct master *master, size_t i)
{
	struct timespec now = time_of_note(master, i), *old = &master->notes[i];
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

static void
watch_notes(struct master *master, int64_t now)
{
	size_t i;

	if (now < master->next_notes)
		return;
	master->next_notes = now + SECOND;
	for (i = 0; i < MASTER_NOTES; i++)
		publish_if_new(master, i);
}

/* ---- the whole ---- */

void
master_watch(struct master *master)
{
	int64_t now = scoreboard_now();
	size_t i;

	/* All processes may have been stopped and continued at once: the
	 * others get time to show that they live. */
	if (now - master->last_tick > LOOP_LATE)
		master->grace_until = now + LOOP_LATE;
	master->last_tick = now;
	for (i = 0; i < SCOREBOARD_SLOTS; i++)
		if (master->children[i].pid != 0)
			watch_child(master, &master->children[i], now);
	watch_files(master);
	watch_notes(master, now);
	watch_stop(master, now);
	beat(master, now);
}
