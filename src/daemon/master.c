/* SPDX-License-Identifier: ISC */
/*
 * master.c - the master's loop: signals, phases, reload, what it watches,
 * beginning and end.
 *
 *	STARTING --the writer is ready--> SERVING --SIGTERM--> STOPPING
 *	   ^                                |
 *	   +-- all have ended -- CLEARING <-+ the store is another, or spoilt
 *
 * Each round looks at the whole state and does what is due, so that no event
 * has to be remembered, and an event that is lost costs half a second.
 */

#include "master.h"

#include "base/log.h"
#include "config/note.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#define TICK_MS 500
#define BUSY_TICK_MS 100 /* somebody ends, or is held back */
#define PREDECESSOR_WAIT (15 * SECOND)
#define WRITER_READY_WITHIN (60 * SECOND)
#define LOOP_LATE (5 * SECOND)

/* ---- what nobody tells the master: it looks in each round ---- */

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
	else if (writer->is_ready &&
		 silence(master, now) > SCOREBOARD_WRITER_SILENT)
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
	/* A signal that comes between the writer's look at its flag and its
	 * wait is lost, so it is repeated. */
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
	unsigned workers = master_count(master, NULL);
	size_t i;

	if (master->phase != PHASE_STOPPING || now < master->stop_deadline)
		return;
	if (workers > 0) {
		log_open(LOG_ERR, "drain_timed_out");
		log_number("workers", workers);
		log_close();
	}
	for (i = 0; i < SCOREBOARD_SLOTS; i++)
		child_kill(&master->children[i]);
	master->stop_deadline = INT64_MAX; /* said once */
}

/* Beat the service manager's watchdog while the service serves. */
static void
beat(struct master *master, int64_t now)
{
	uint64_t interval = notify_watchdog();

	if (interval == 0 || now < master->next_beat)
		return;
	if (master->phase == PHASE_SERVING &&
	    (!master_writer(master)->is_ready ||
		silence(master, now) > SCOREBOARD_WRITER_SILENT))
		return;
	notify_send("WATCHDOG=1");
	master->next_beat = now + (int64_t)(interval / 2);
}

/* ---- the files of state_dir ---- */

/* Look at a file there; 0, or an errno. */
static int
look_at(const struct master *master, const char *name, int flags,
    struct stat *ret_file)
{
	char path[4096]; /* state_dir is shorter */
	int size = snprintf(
	    path, sizeof(path), "%s/%s", master->config->state_dir, name);

	if (size < 0 || (size_t)size >= sizeof(path))
		return ENAMETOOLONG;
	return fstatat(AT_FDCWD, path, ret_file, flags) == 0 ? 0 : errno;
}

static const char *const store_files[STORE_FILES] = { "data.mdb", "lock.mdb" };

/* The writer is ready: these are the store's files from here on. */
static void
note_files(struct master *master)
{
	struct stat file;
	size_t i;

	for (i = 0; i < STORE_FILES; i++)
		master->store[i] =
		    look_at(master, store_files[i], 0, &file) == 0
			? (struct file_name){ file.st_dev, file.st_ino }
			: (struct file_name){ 0, 0 };
}

/* Is the file gone, or another one in its place? */
static bool
is_replaced(const struct master *master, size_t i)
{
	const struct file_name *old = &master->store[i];
	struct stat file;
	int error = look_at(master, store_files[i], 0, &file);

	if (old->inode == 0)
		return false; /* it was not known */
	if (error != 0)
		return error == ENOENT;
	return file.st_dev != old->device || file.st_ino != old->inode;
}

/*
 * Start over when the store's files were replaced. Otherwise the writer would
 * acknowledge changes that go to a file without a name, and workers that start
 * later would read another file than the writer writes. A writer that opens
 * the store anew says what is wrong with it, or serves what is there.
 */
static void
watch_files(struct master *master)
{
	size_t i;

	for (i = 0; i < STORE_FILES && master->phase == PHASE_SERVING; i++) {
		if (!is_replaced(master, i))
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

/* What artifactctl noted of the last check and the last backup. */
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
publish(struct master *master, size_t i)
{
	struct metrics *metrics = master->metrics;
	struct note note;

	/* What is no note, or gone, says that there was none. */
	if (note_read(master->config->state_dir, notes[i].file, &note) !=
	    RESULT_OK)
		note = (struct note){ 0 };
	metrics_set(metrics, notes[i].time, LABELS_NONE, note.finished);
	metrics_set(metrics, notes[i].succeeded, LABELS_NONE, note.succeeded);
	metrics_set(metrics, notes[i].success, LABELS_NONE, note.is_ok);
	metrics_set(metrics, notes[i].seconds, LABELS_NONE, note.duration);
	metrics_set(metrics, notes[i].count, LABELS_NONE,
	    notes[i].count == METRIC_BACKUP_BYTES ? note.bytes : note.problems);
}

/* Look at the notes once a second, and read those that are new. */
static void
watch_notes(struct master *master, int64_t now)
{
	struct stat file;
	size_t i;

	if (now < master->next_notes)
		return;
	master->next_notes = now + SECOND;
	for (i = 0; i < MASTER_NOTES; i++) {
		struct timespec *old = &master->notes[i];

		if (look_at(
			master, notes[i].file, AT_SYMLINK_NOFOLLOW, &file) != 0)
			file.st_mtim = (struct timespec){ 0 };
		if (file.st_mtim.tv_sec == old->tv_sec &&
		    file.st_mtim.tv_nsec == old->tv_nsec)
			continue;
		*old = file.st_mtim;
		publish(master, i);
	}
}

/*
 * Kill what is over its time, repeat SIGTERM, beat the watchdog, start over
 * when the store's files were replaced, publish new notes.
 */
static void
watch(struct master *master)
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
/* ---- phases ---- */

static void
serve(struct master *master)
{
	master->phase = PHASE_SERVING;
	master->has_served = true;
	note_files(master);
	master_start_missing(master);
	log_open(LOG_NOTICE, "serving");
	log_number("workers", master->config->workers);
	log_string("socket", master->listener.is_inherited
				 ? "inherited"
				 : master->listener.path);
	log_close();
	notify_send(
	    "READY=1\nSTATUS=serving with %u workers", master->config->workers);
}

/* Go on to the next phase if its time has come. */
static void
advance(struct master *master)
{
	struct child *writer = master_writer(master);

	if (master->phase == PHASE_CLEARING && writer->pid == 0 &&
	    master_count(master, NULL) == 0)
		master->phase = PHASE_STARTING;
	if (master->phase == PHASE_STARTING && writer->is_ready)
		serve(master);
}

void
master_stop(struct master *master, int exit_code)
{
	size_t i;

	if (master->phase == PHASE_STOPPING)
		return;
	master->phase = PHASE_STOPPING;
	master->exit_code = exit_code;
	master->stop_deadline =
	    scoreboard_now() + master->config->drain_timeout * SECOND;
	log_open(LOG_NOTICE, "stopping");
	log_close();
	notify_send("STOPPING=1\nSTATUS=finishing the requests in progress");
	for (i = 0; i < SCOREBOARD_WORKERS; i++)
		child_end(&master->children[i]);
}

/* The writer is the last to go: workers that drain need it. */
static bool
is_over(struct master *master)
{
	if (master->phase != PHASE_STOPPING || master_count(master, NULL) > 0)
		return false;
	if (master_writer(master)->pid == 0)
		return true;
	if (!master_writer(master)->is_ending)
		child_end(master_writer(master));
	return false;
}

/* ---- reload ---- */

/*
 * SIGHUP: a new configuration for a service that goes on. Workers are replaced
 * a few at a time, each after its present request, so that the others answer
 * meanwhile and no request fails.
 */

static const char *
find_refusal(const struct config *old, const struct config *new)
{
	if (strcmp(old->listen, new->listen) != 0)
		return "listen cannot change while the service runs: restart "
		       "it";
	if (strcmp(old->state_dir, new->state_dir) != 0)
		return "state_dir cannot change while the service runs: "
		       "restart it";
	return NULL;
}

/* The new configuration, or NULL: *ret_error says why. */
static struct config *
load(struct master *master, struct arena *arena, const char **ret_error)
{
	const struct master_options *options = master->options;
	struct config *config;

	config = config_load(arena, options->config_path, options->settings,
	    options->setting_count, ret_error);
	if (config == NULL)
		return NULL;
	*ret_error = find_refusal(master->config, config);
	if (*ret_error != NULL || !config_read_secret(arena, config, ret_error))
		return NULL;
	return config;
}

static void
tell_ready(const struct master *master)
{
	/* Before the first writer is ready, the service is not ready either. */
	if (master->phase == PHASE_SERVING)
		notify_send("READY=1\nSTATUS=serving with %u workers",
		    master->config->workers);
}

/* The processes that run now have the old configuration. */
static void
mark_outdated(struct master *master, const struct config *old)
{
	const struct config *new = master->config;
	size_t i;

	for (i = 0; i < SCOREBOARD_WORKERS; i++)
		master->children[i].is_outdated = true;
	if (old->max_bytes != new->max_bytes || old->reserve != new->reserve ||
	    old->log_level != new->log_level)
		child_end(master_writer(master));
}

static void
adopt(struct master *master, struct arena *arena, struct config *config)
{
	struct config *old = master->config;

	master->config = config;
	log_level(config->log_level);
	mark_outdated(master, old);
	arena_close(master->config_arena); /* children have their own copy */
	master->config_arena = arena;
	master->is_reloading = true;
}

static void
reload(struct master *master)
{
	struct arena *arena = arena_open();
	const char *error = NULL;
	struct config *config;

	if (master->phase == PHASE_SERVING)
		notify_send("RELOADING=1\nMONOTONIC_USEC=%lld\n"
			    "STATUS=reloading",
		    (long long)scoreboard_now());
	config = load(master, arena, &error);
	metrics_add(master->metrics, METRIC_RELOADS,
	    LABELS(config != NULL ? METRICS_TAKEN : METRICS_REFUSED), 1);
	if (config != NULL) {
		adopt(master, arena, config);
		return;
	}
	log_open(LOG_ERR, "reload_refused");
	log_string("cause", error);
	log_close();
	arena_close(arena);
	if (!master->is_reloading)
		tell_ready(master);
}

/* Ask some workers that are outdated or too many to end: an eighth of them at a
 * time. true: there are no more of them. */
static bool
end_some(struct master *master)
{
	unsigned ending;
	unsigned most = master->config->workers / 8;
	bool is_done;
	size_t i;

	(void)master_count(master, &ending);
	is_done = ending == 0;
	for (i = 0; i < SCOREBOARD_WORKERS; i++) {
		struct child *child = &master->children[i];

		if (child->pid == 0 || child->is_ending ||
		    (!child->is_outdated && i < master->config->workers))
			continue;
		is_done = false;
		if (ending >= (most > 0 ? most : 1))
			break;
		child_end(child);
		ending++;
	}
	return is_done;
}

/* Replace a few more; tell the service manager when all are replaced. */
static void
continue_reload(struct master *master)
{
	if (!master->is_reloading || master->phase != PHASE_SERVING)
		return;
	if (!end_some(master) || master_writer(master)->is_ending ||
	    !master_writer(master)->is_ready)
		return;
	master->is_reloading = false;
	log_open(LOG_NOTICE, "reloaded");
	log_number("workers", master->config->workers);
	log_close();
	tell_ready(master);
}

/* ---- signals ---- */

static bool
open_signals(struct master *master)
{
	struct sigaction ignore = { .sa_handler = SIG_IGN };
	sigset_t set;

	(void)sigemptyset(&set); /* these know their arguments */
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGINT);
	(void)sigaddset(&set, SIGHUP);
	(void)sigaddset(&set, SIGCHLD);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0 ||
	    sigaction(SIGPIPE, &ignore, NULL) < 0 ||
	    sigaction(SIGXFSZ, &ignore, NULL) < 0)
		return false;
	master->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return master->signal_fd >= 0;
}

static void
read_signals(struct master *master)
{
	struct signalfd_siginfo info;

	while (read(master->signal_fd, &info, sizeof(info)) ==
	       (ssize_t)sizeof(info)) {
		bool is_end =
		    info.ssi_signo == SIGTERM || info.ssi_signo == SIGINT;

		if (is_end && master->phase == PHASE_STOPPING)
			master->stop_deadline = 0; /* wait no longer */
		else if (is_end)
			master_stop(master, PROCESS_DONE);
		else if (info.ssi_signo == SIGHUP &&
			 master->phase != PHASE_STOPPING)
			reload(master);
		/* SIGCHLD only wakes us: master_reap looks each round. */
	}
}

/* ---- the loop ---- */

static bool
is_busy(struct master *master)
{
	unsigned ending;

	(void)master_count(master, &ending);
	return ending > 0 || master_writer(master)->is_ending ||
	       master->worker_throttle.delay > 0 ||
	       master->writer_throttle.delay > 0;
}

static void
wait_event(struct master *master)
{
	struct child *writer = master_writer(master);
	struct pollfd ready[2] = {
		{ .fd = master->signal_fd, .events = POLLIN },
		{ .fd = -1, .events = POLLIN },
	};

	if (writer->pid != 0)
		ready[1].fd = writer->control_fd;
	/* Whatever comes of it, the round looks for itself. */
	(void)poll(ready, 2, is_busy(master) ? BUSY_TICK_MS : TICK_MS);
}

static void
run(struct master *master)
{
	for (;;) {
		read_signals(master);
		master_hear_writer(master);
		master_reap(master);
		if (is_over(master))
			break;
		advance(master);
		master_start_missing(master);
		if (scoreboard_needs_help(master->scoreboard))
			pool_call_for_help(&master->pool);
		master_connect(master);
		continue_reload(master);
		watch(master);
		log_tell_lost();
		wait_event(master);
	}
}

/* ---- beginning and end ---- */

/* Allow as many descriptors as the system lets us have: those of channels that
 * are on their way count, beside what is open. */
static void
raise_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &limit); /* then it is as it was */
}

static void
log_refusal(const char *cause)
{
	log_open(LOG_CRIT, "start_refused");
	log_string("cause", cause);
	log_close();
}

/* Wait, and say whether the service was asked to end. A request to reload is
 * noted, for when the service has begun. */
static bool
was_ended(struct master *master, int timeout_ms, bool *ret_is_reload)
{
	struct pollfd ready = { .fd = master->signal_fd, .events = POLLIN };
	struct signalfd_siginfo info;

	(void)poll(&ready, 1, timeout_ms); /* the read finds out */
	while (read(master->signal_fd, &info, sizeof(info)) ==
	       (ssize_t)sizeof(info)) {
		if (info.ssi_signo == SIGTERM || info.ssi_signo == SIGINT)
			return true;
		if (info.ssi_signo == SIGHUP)
			*ret_is_reload = true;
	}
	return false;
}

/*
 * Wait while somebody answers on the socket: the workers of a master that was
 * killed end their requests first, and hold the socket meanwhile, so that a
 * service that is started again at once would fail.
 */
static bool
open_listener(struct master *master)
{
	int64_t until = scoreboard_now() + PREDECESSOR_WAIT;
	char error[256];
	enum result result;
	bool is_reload = false;

	for (;;) {
		result = listen_open(
		    master->config->listen, error, &master->listener);
		if (result != RESULT_UNAVAILABLE || scoreboard_now() > until)
			break;
		if (was_ended(master, BUSY_TICK_MS, &is_reload)) {
			master->exit_code = PROCESS_DONE;
			return false;
		}
	}
	if (result != RESULT_OK)
		log_refusal(error);
	if (is_reload)
		(void)raise(SIGHUP); /* held until the loop takes it */
	return result == RESULT_OK;
}

static bool
begin(struct master *master)
{
	size_t i;

	for (i = 0; i < SCOREBOARD_SLOTS; i++)
		master->children[i].control_fd =
		    master->children[i].offered_fd = -1;
	master->last_tick = scoreboard_now();
	raise_descriptors();
	if (!open_signals(master)) {
		log_refusal(strerror(errno));
		return false;
	}
	master->scoreboard = scoreboard_open();
	master->metrics = metrics_open();
	if (master->scoreboard == NULL || master->metrics == NULL ||
	    !pool_open(&master->pool)) {
		log_refusal(strerror(errno));
		return false;
	}
	log_count_lost(master->metrics);
	metrics_set(
	    master->metrics, METRIC_STARTED, LABELS_NONE, (uint64_t)time(NULL));
	return open_listener(master);
}

int
master_run(const struct master_options *options, struct config *config)
{
	static struct master master; /* large */

	master = (struct master){
		.options = options,
		.config = config,
		.listener = { .fd = -1 },
		.pool = POOL_NONE,
		.signal_fd = -1,
		.exit_code = PROCESS_REFUSED,
		.scratch = arena_open(),
	};
	log_own();
	log_role("master");
	log_level(config->log_level);
	if (begin(&master)) {
		notify_send("STATUS=opening the store");
		run(&master);
		log_open(LOG_NOTICE, "stopped");
		log_close();
	}
	listen_close(&master.listener);
	pool_close(&master.pool);
	scoreboard_close(master.scoreboard);
	log_count_lost(NULL);
	metrics_close(master.metrics);
	if (master.signal_fd >= 0)
		(void)close(master.signal_fd);
	arena_close(master.scratch);
	arena_close(master.config_arena);
	return master.exit_code;
}
