/* SPDX-License-Identifier: ISC */
/*
 * children.c - the processes that the master starts: how they begin, how a
 * worker and the writer are brought together, and what follows when one ends.
 */

#include "master.h"

#include "base/digest.h"
#include "base/log.h"
#include "store/proxy/wire.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#define WRITER_YOUNG (SECOND / 10) /* what starts to fail, fails again */
#define CRASHES_MOST 5
#define THROTTLE_FIRST (SECOND / 10)
#define THROTTLE_MOST (2 * SECOND) /* a worker waits 10 s for a writer */

bool
child_is_writer(const struct master *master, const struct child *child)
{
	return child == &master->children[SCOREBOARD_WRITER];
}

struct child *
master_writer(struct master *master)
{
	return &master->children[SCOREBOARD_WRITER];
}

struct slot *
child_slot(struct master *master, const struct child *child)
{
	return &master->scoreboard->slots[child - master->children];
}

static const char *
child_role(const struct master *master, const struct child *child)
{
	return child_is_writer(master, child) ? "writer" : "worker";
}

/* The role as a label of metrics. */
static unsigned
child_label(const struct master *master, const struct child *child)
{
	return child_is_writer(master, child) ? METRICS_WRITER : METRICS_WORKER;
}

static struct throttle *
child_throttle(struct master *master, const struct child *child)
{
	return child_is_writer(master, child) ? &master->writer_throttle
					      : &master->worker_throttle;
}

unsigned
master_count(const struct master *master, unsigned *ret_ending)
{
	const struct child *child;
	unsigned count = 0, ending = 0;
	size_t i;

	for (i = 0; i < SCOREBOARD_WORKERS; i++) {
		child = &master->children[i];
		count += child->pid != 0;
		ending += child->pid != 0 && child->is_ending;
	}
	if (ret_ending != NULL)
		*ret_ending = ending;
	return count;
}

/* Close the end that the writer has not taken. */
static void
withdraw_offer(struct child *child)
{
	if (child->offered_fd >= 0)
		(void)close(child->offered_fd);
	child->offered_fd = -1;
}

/* ---- throttles: how long a role is held back ---- */

/*
 * A process died before it did anything: hold its role back, twice as long as
 * the last time. All workers may die of one cause at once, so a death counts
 * only if the process was started after the last one that counted. true: the
 * role was not held back before.
 */
static bool
throttle_raise(struct throttle *throttle, int64_t born)
{
	int64_t now = scoreboard_now();
	bool is_first = throttle->delay == 0;

	if (!is_first && born < throttle->raised)
		return false;
	throttle->delay = is_first ? THROTTLE_FIRST : 2 * throttle->delay;
	if (throttle->delay > THROTTLE_MOST)
		throttle->delay = THROTTLE_MOST;
	throttle->raised = now;
	throttle->until = now + throttle->delay;
	return is_first;
}

/* A process did some work: if it was started after the last death that counted,
 * the role is held back no more. */
static void
throttle_end(struct throttle *throttle, int64_t born)
{
	if (born >= throttle->raised)
		throttle->delay = 0;
}

/* Nor is it when the processes that were started since live for a while. */
static void
throttle_relax(struct throttle *throttle)
{
	if (throttle->delay > 0 &&
	    scoreboard_now() > throttle->until + throttle->delay + SECOND)
		throttle->delay = 0;
}

/* ---- starting ---- */

/* In the child: close what is the master's or other children's. */
static void
close_others(struct master *master)
{
	size_t i;

	for (i = 0; i < SCOREBOARD_SLOTS; i++) {
		if (master->children[i].pid != 0 &&
		    master->children[i].control_fd >= 0)
			(void)close(master->children[i].control_fd);
		withdraw_offer(&master->children[i]);
	}
	(void)close(master->signal_fd);
	notify_forget();
}

_Noreturn static void
run_child(struct master *master, const struct child *child, int control_fd,
    pid_t parent)
{
	bool is_writer = child_is_writer(master, child);
	struct process process = {
		.config = master->config,
		.scoreboard = master->scoreboard,
		.metrics = master->metrics,
		.slot = child_slot(master, child),
		.listen_fd = is_writer ? -1 : master->listener.fd,
		.pool = master->pool,
		.control_fd = control_fd,
	};

	process_signals();
	if (getppid() != parent) /* it died before PR_SET_PDEATHSIG was set */
		_exit(PROCESS_DONE);
	close_others(master);
	if (is_writer) {
		(void)close(master->listener.fd);
		pool_close(&master->pool);
	}
	log_role(is_writer ? "writer" : "worker");
	_exit(is_writer ? writer_run(&process) : worker_run(&process));
}

static uint64_t
new_incarnation(void)
{
	uint64_t incarnation = 0;

	while (incarnation == 0)
		digest_random(&incarnation, sizeof(incarnation));
	return incarnation;
}

static void
start_failed(struct master *master, struct child *child, int error)
{
	slot_vacate(child_slot(master, child));
	if (!throttle_raise(child_throttle(master, child), scoreboard_now()))
		return;
	log_open(LOG_ERR, "start_failed");
	log_string("child", child_role(master, child));
	log_errno("cause", error);
	log_close();
}

static void
child_start(struct master *master, struct child *child)
{
	struct slot *slot = child_slot(master, child);
	pid_t parent = getpid();
	int fds[2];
	pid_t pid;

	slot_occupy(slot, new_incarnation());
	if (!wire_pair(fds)) {
		start_failed(master, child, errno);
		return;
	}
	pid = fork();
	if (pid == 0) {
		(void)close(fds[0]);
		slot->pid = getpid();
		run_child(master, child, fds[1], parent);
	}
	(void)close(fds[1]);
	if (pid < 0) {
		start_failed(master, child, errno);
		(void)close(fds[0]);
		return;
	}
	slot->pid = pid;
	*child = (struct child){ .pid = pid,
		.control_fd = fds[0],
		.offered_fd = -1,
		.born = scoreboard_now() };
	metrics_add(master->metrics, METRIC_STARTS,
	    LABELS(child_label(master, child)), 1);
	/* While a role is held back, the log has the first death and no more. */
	if (child_throttle(master, child)->delay > 0)
		return;
	log_open(LOG_INFO, "child_started");
	log_string("child", child_role(master, child));
	log_number("child_pid", pid);
	log_close();
}

static bool
is_wanted(const struct master *master, size_t index, unsigned living)
{
	if (master->phase == PHASE_CLEARING)
		return false;
	if (index == SCOREBOARD_WRITER)
		/* Workers that still drain need it. */
		return master->phase != PHASE_STOPPING || living > 0;
	return master->phase == PHASE_SERVING &&
	       index < master->config->workers;
}

void
master_start_over(struct master *master)
{
	size_t i;

	log_open(LOG_ERR, "starting_over");
	log_close();
	master->phase = PHASE_CLEARING;
	master->crashes = 0; /* those before are no reason to stop now */
	for (i = 0; i < SCOREBOARD_SLOTS; i++)
		child_kill(&master->children[i]);
}

void
master_start_missing(struct master *master)
{
	struct throttle *throttle;
	struct child *child;
	unsigned living = master_count(master, NULL);
	size_t i;

	throttle_relax(&master->worker_throttle);
	throttle_relax(&master->writer_throttle);
	for (i = 0; i < SCOREBOARD_SLOTS; i++) {
		child = &master->children[i];
		throttle = child_throttle(master, child);
		if (child->pid == 0 && is_wanted(master, i, living) &&
		    (throttle->delay == 0 ||
			scoreboard_now() >= throttle->until))
			child_start(master, child);
	}
}

/* ---- ending ---- */

void
child_end(struct child *child)
{
	if (child->pid == 0)
		return;
	child->is_ending = true;
	(void)kill(child->pid, SIGTERM); /* not reaped yet, so it is ours */
}

void
child_kill(struct child *child)
{
	if (child->pid == 0 || child->is_killed)
		return;
	child->is_killed = true;
	(void)kill(child->pid, SIGKILL); /* not reaped yet, so it is ours */
}

/*
 * What follows when a process ends.
 *
 * A process that dies before it has worked would die again: its role is then
 * held back, longer each time. Any other is replaced at once.
 *
 * The writer may also find that it cannot serve, and say so by its exit code.
 * What the system refuses it (FAILED) may be had again once the service has
 * run, so that is a reason to stop only before. While all processes are killed
 * or drain, the service is not stopped for it either: the writer is started
 * again, held back like any other. A worker's exit code does not count: an
 * attacker may run the worker.
 *
 *	who     how it ended    had it served   when           what follows
 *	anyone  asked to        (either)        at any time    ignore
 *	anyone  in any way      yes             at any time    ignore
 *	writer  refused         never ready     at a start     stop
 *	writer  refused         never ready     while serving  start over
 *	writer  failed          never ready     first start    stop
 *	writer  crash in a row  no              at a start     stop
 *	anyone  in any way      no              at any time    throttle
 *
 * A process that retires ends as one that was asked to. The first row that fits
 * counts.
 */

/* Who. */
#define WORKER 1U
#define WRITER 2U
#define ANYONE 3U

/* How it ended. */
#define DONE 1U	       /* it was asked to, or has retired */
#define REFUSED 2U     /* PROCESS_REFUSED */
#define FAILED 4U      /* PROCESS_FAILED */
#define CRASHED_ROW 8U /* the writer; CRASHES_MOST of them in a row */
#define OTHERWISE 16U
#define ANYHOW 31U

/* What it had done by then. */
#define NOT_READY 1U /* the writer: it was still opening the store */
#define IDLE 2U	     /* it was ready, and has done nothing */
#define WORKED 4U
#define NOTHING (NOT_READY | IDLE)
#define ANYTHING 7U

/* When. */
#define FIRST_START 1U
#define LATER_START 2U
#define SERVING 4U
#define ENDING 8U /* all are being killed, or drain */
#define STARTING (FIRST_START | LATER_START)
#define ANYTIME 15U

enum consequence { IGNORE, THROTTLE, START_OVER, STOP };

static const struct rule {
	unsigned who, how, had_done, when;
	enum consequence consequence;
} rules[] = {
	{ ANYONE, DONE, ANYTHING, ANYTIME, IGNORE },
	{ ANYONE, ANYHOW, WORKED, ANYTIME, IGNORE },
	{ WRITER, REFUSED, NOT_READY, STARTING, STOP },
	{ WRITER, REFUSED, NOT_READY, SERVING, START_OVER },
	{ WRITER, FAILED, NOT_READY, FIRST_START, STOP },
	{ WRITER, CRASHED_ROW, NOTHING, STARTING, STOP },
	{ ANYONE, ANYHOW, NOTHING, ANYTIME, THROTTLE },
};

static unsigned
what_it_had_done(struct master *master, const struct child *child)
{
	bool is_writer = child_is_writer(master, child);

	if (is_writer && !child->is_ready)
		return NOT_READY;
	if (child_slot(master, child)->requests > 0 ||
	    (is_writer && scoreboard_now() - child->born >= WRITER_YOUNG))
		return WORKED;
	return IDLE;
}

/*
 * Is this the last of CRASHES_MOST crashes of writers that did nothing else?
 * Then the next would crash too: LMDB crashes on bytes of the store, or the
 * disk does not give them. Fewer say nothing, since one change that crashes the
 * writer is sent to the next writer again.
 */
static bool
count_crash(struct master *master, const struct child *child, int status)
{
	if (!child_is_writer(master, child) || !WIFSIGNALED(status) ||
	    WTERMSIG(status) == SIGKILL || ++master->crashes != CRASHES_MOST)
		return false;
	log_open(LOG_CRIT, "writer_crashes");
	log_number("signal", WTERMSIG(status));
	log_string("cause",
	    "one writer after the other crashes on this store: data.mdb is "
	    "damaged, or its disk fails; stop the service, restore a backup");
	log_close();
	return true;
}

static unsigned
how_it_ended(struct master *master, const struct child *child, int status,
    unsigned had_done)
{
	if (child->is_ending ||
	    (WIFEXITED(status) && WEXITSTATUS(status) == PROCESS_DONE))
		return DONE;
	if (WIFEXITED(status) && WEXITSTATUS(status) == PROCESS_REFUSED)
		return REFUSED;
	if (WIFEXITED(status) && WEXITSTATUS(status) == PROCESS_FAILED)
		return FAILED;
	if ((had_done & NOTHING) != 0 && count_crash(master, child, status))
		return CRASHED_ROW;
	return OTHERWISE;
}

static unsigned
present_time(const struct master *master)
{
	switch (master->phase) {
	case PHASE_STARTING:
		return master->has_served ? LATER_START : FIRST_START;
	case PHASE_SERVING:
		return SERVING;
	default:
		return ENDING;
	}
}

static enum consequence
find_consequence(struct master *master, const struct child *child, int status)
{
	unsigned who = child_is_writer(master, child) ? WRITER : WORKER;
	unsigned had_done = what_it_had_done(master, child);
	unsigned how = how_it_ended(master, child, status, had_done);
	unsigned when = present_time(master);
	const struct rule *rule = rules;

	/* The search ends: the last row fits what the ones above leave. */
	while ((rule->who & who) == 0 || (rule->how & how) == 0 ||
	       (rule->had_done & had_done) == 0 || (rule->when & when) == 0)
		rule++;
	return rule->consequence;
}

/* Do what follows; true: the log has a line for this end. */
static bool
act_on_end(struct master *master, const struct child *child, int status)
{
	struct throttle *throttle = child_throttle(master, child);
	enum consequence consequence = find_consequence(master, child, status);

	if (consequence == THROTTLE)
		return throttle_raise(throttle, child->born);
	if (consequence == IGNORE) {
		if (child_is_writer(master, child))
			master->crashes = 0;
		throttle_end(throttle, child->born);
		return true;
	}
	if (WIFEXITED(status)) {
		log_open(LOG_CRIT, "child_refused");
		log_string("child", child_role(master, child));
		log_close();
	}
	if (consequence == START_OVER)
		master_start_over(master);
	else
		master_stop(master,
		    WIFEXITED(status) ? WEXITSTATUS(status) : PROCESS_FAILED);
	return true;
}

static void
log_end(struct master *master, const struct child *child, int status)
{
	bool is_usual =
	    WIFEXITED(status) &&
	    (WEXITSTATUS(status) == PROCESS_DONE || child->is_ending);
	char id[SCOREBOARD_REQUEST_ID];

	slot_request(child_slot(master, child), id);
	log_open(is_usual ? LOG_INFO : LOG_WARNING, "child_ended");
	log_string("child", child_role(master, child));
	log_number("child_pid", child->pid);
	if (WIFSIGNALED(status))
		log_number("signal", WTERMSIG(status));
	else
		log_number("status", WEXITSTATUS(status));
	log_number("requests", (int64_t)child_slot(master, child)->requests);
	log_number("age", (scoreboard_now() - child->born) / SECOND);
	/* The request that was cut short: no other process can log it. */
	if (id[0] != '\0')
		log_string("request", id);
	log_close();
}

static unsigned
reason_of(int status)
{
	if (WIFSIGNALED(status))
		return WTERMSIG(status) == SIGKILL ? METRICS_KILLED
						   : METRICS_CRASHED;
	return WEXITSTATUS(status) == PROCESS_DONE ? METRICS_DONE
						   : METRICS_FAILED;
}

static void
note_end(struct master *master, struct child *child, int status)
{
	if (act_on_end(master, child, status))
		log_end(master, child, status);
	metrics_add(master->metrics, METRIC_ENDS,
	    LABELS(child_label(master, child), reason_of(status)), 1);
	slot_vacate(child_slot(master, child));
	if (child->control_fd >= 0)
		(void)close(child->control_fd);
	withdraw_offer(child);
	*child = (struct child){ .control_fd = -1, .offered_fd = -1 };
}

void
master_reap(struct master *master)
{
	int status;
	pid_t pid;
	size_t i;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		for (i = 0; i < SCOREBOARD_SLOTS; i++)
			if (master->children[i].pid == pid)
				note_end(master, &master->children[i], status);
	scoreboard_end_turns(master->scoreboard);
	pool_settle(&master->pool, master->scoreboard);
}

/* ---- channels ---- */

/*
 * Each worker has a channel to the writer: a pair of sockets, of which each
 * side has one end and the master none, so that the death of either side is EOF
 * for the other. When a channel breaks and both sides live, the writer says so,
 * and the worker gets another.
 *
 * A writer that waits for its disk takes no channel meanwhile, and its control
 * socket may be full. That does not mean that it hangs, which master.c watches:
 * the master keeps the writer's end and offers it again in each round. The
 * worker has its own end by then; what it sends waits in the channel.
 */

static void
disconnect(struct child *worker)
{
	withdraw_offer(worker);
	worker->is_connected = false;
}

static void
forget_channels(struct master *master)
{
	size_t i;

	for (i = 0; i < SCOREBOARD_WORKERS; i++)
		disconnect(&master->children[i]);
}

/* The writer lost this channel, most often since its worker has ended. */
static void
forget_channel(struct master *master, uint64_t incarnation)
{
	size_t i;

	for (i = 0; i < SCOREBOARD_WORKERS; i++)
		if (master->scoreboard->slots[i].incarnation == incarnation)
			disconnect(&master->children[i]);
}

/* Do what a message of the writer asks for; false: a writer has no reason to
 * send it now. */
static bool
believe(struct master *master, const struct wire_message *message)
{
	struct child *writer = master_writer(master);

	if (message->kind == WIRE_READY && !writer->is_ready) {
		writer->is_ready = true;
		forget_channels(master);
		return true;
	}
	if (message->kind == WIRE_LOST && writer->is_ready) {
		forget_channel(master, message->incarnation);
		return true;
	}
	return false;
}

void
master_hear_writer(struct master *master)
{
	struct child *writer = master_writer(master);
	struct wire_message message;
	enum wire_result result;

	if (writer->pid == 0 || writer->control_fd < 0)
		return;
	arena_reset(master->scratch);
	result = wire_receive(writer->control_fd, 0, master->scratch, &message);
	if (result == WIRE_NOT_NOW)
		return;
	if (result == WIRE_DONE && believe(master, &message))
		return; /* the next round hears more */
	/* The writer has ended, or sent what a writer does not send. */
	(void)close(writer->control_fd);
	writer->control_fd = -1;
	child_kill(writer);
}

static enum wire_result
send_channel(
    struct master *master, const struct child *to, uint64_t incarnation, int fd)
{
	struct wire_message message = {
		.kind = WIRE_CHANNEL,
		.incarnation = incarnation,
		.fd = fd,
	};

	arena_reset(master->scratch);
	return wire_send(to->control_fd, &message, false, master->scratch);
}

/*
 * Make a channel and send the worker its end. A worker whose control socket is
 * full of ends from writers that it never needed is asked to end, and another
 * is started; no request is lost by that.
 */
static void
connect_worker(struct master *master, struct child *worker)
{
	uint64_t incarnation = child_slot(master, worker)->incarnation;
	int fds[2];

	if (!wire_pair(fds)) {
		log_open(LOG_ERR, "channel_failed");
		log_errno("cause", errno);
		log_close();
		return;
	}
	worker->offered_fd = fds[1];
	if (send_channel(master, worker, incarnation, fds[0]) == WIRE_DONE) {
		worker->is_connected = true;
	} else {
		withdraw_offer(worker);
		child_end(worker);
	}
	(void)close(fds[0]);
}

/* Send the writer its end of the channel; it may have no room for it now. */
static void
offer(struct master *master, struct child *worker)
{
	uint64_t incarnation = child_slot(master, worker)->incarnation;
	enum wire_result result;

	result = send_channel(
	    master, master_writer(master), incarnation, worker->offered_fd);
	/* A writer that has ended is followed by one that gets new channels. */
	if (result != WIRE_NOT_NOW)
		withdraw_offer(worker);
}

void
master_connect(struct master *master)
{
	struct child *writer = master_writer(master);
	struct child *worker;
	size_t i;

	if (!writer->is_ready || writer->is_killed)
		return;
	for (i = 0; i < SCOREBOARD_WORKERS; i++) {
		worker = &master->children[i];
		if (worker->pid != 0 && !worker->is_connected)
			connect_worker(master, worker);
		if (worker->offered_fd >= 0)
			offer(master, worker);
	}
}
