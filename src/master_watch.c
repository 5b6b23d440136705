/* SPDX-License-Identifier: ISC */
/*
 * master_watch.c - what happens as time passes: deadlines, repeated
 * signals, the watchdog of the service manager.
 */

#include "master_state.h"

#include "log.h"
#include "notify.h"

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
	memcpy(id, slot->request_id, sizeof(id) - 1);
	id[sizeof(id) - 1] = '\0';
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

void
master_watch(struct master *master)
{
	int64_t now = scoreboard_now();
	size_t i;

	/* Stopped and continued, all at once: let the others go first. */
	if (now - master->last_tick > LOOP_LATE)
		master->grace_until = now + LOOP_LATE;
	master->last_tick = now;
	for (i = 0; i < SCOREBOARD_SLOTS; i++)
		if (master->children[i].pid != 0)
			watch_child(master, &master->children[i], now);
	watch_stop(master, now);
	beat(master, now);
}
