/* SPDX-License-Identifier: ISC */
/*
 * master_children.c - starting processes, and what follows when they end.
 *
 * A process that dies before it has done anything would die again: its role
 * is then held back, longer each time. Any other is replaced at once.
 */

#include "master_state.h"

#include "base/digest.h"
#include "base/log.h"
#include "notify.h"
#include "store/proxy/wire.h"
#include "worker.h"
#include "writer.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#define WRITER_YOUNG (SECOND / 10) /* what starts to fail, fails again */
#define CRASHES_MOST 5

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

/* The same as a label. */
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
	unsigned count = 0;
	size_t i;

	*ret_ending = 0;
	for (i = 0; i < SCOREBOARD_WORKERS; i++) {
		child = &master->children[i];
		if (child->pid == 0)
			continue;
		count++;
		if (child->is_ending)
			(*ret_ending)++;
	}
	return count;
}

/* ---- starting ---- */

/* In the child: let go of what is the master's or other children's. */
static void
let_go(struct master *master)
{
	size_t i;

	for (i = 0; i < SCOREBOARD_SLOTS; i++) {
		if (master->children[i].pid != 0 &&
		    master->children[i].control_fd >= 0)
			(void)close(master->children[i].control_fd);
		child_take_back(&master->children[i]);
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
		.control_fd = control_fd,
	};

	process_signals();
	if (getppid() != parent) /* it died before we asked to be told */
		_exit(PROCESS_DONE);
	let_go(master);
	if (is_writer)
		(void)close(master->listener.fd);
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
	/* While it is held back, the first death was told, and is enough. */
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
	master->crashes = 0; /* those to come are judged alone */
	for (i = 0; i < SCOREBOARD_SLOTS; i++)
		child_kill(&master->children[i]);
}

void
master_start_missing(struct master *master)
{
	struct throttle *throttle;
	struct child *child;
	unsigned ending;
	unsigned living = master_count(master, &ending);
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

static void
log_obituary(struct master *master, const struct child *child, int status)
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
	/* The one that it took with it: nobody else can log that. */
	if (id[0] != '\0')
		log_string("request", id);
	log_close();
}

static bool
is_early(struct master *master, const struct child *child, int status)
{
	if (child->is_ending ||
	    (WIFEXITED(status) && WEXITSTATUS(status) == PROCESS_DONE))
		return false;
	if (!child_is_writer(master, child))
		return child_slot(master, child)->requests == 0;
	return !child->is_ready ||
	       (child_slot(master, child)->requests == 0 &&
		   scoreboard_now() - child->born < WRITER_YOUNG);
}

/*
 * Did the writer find that it cannot serve, rather than die? What the system
 * refuses it once the service has run may be had again, so that is no reason
 * to stop; nor is what it finds when all are being killed. A worker has no say
 * in it: it may be in somebody else's hands.
 */
static bool
is_refusal(const struct master *master, const struct child *child, int status)
{
	if (!child_is_writer(master, child) || !WIFEXITED(status) ||
	    child->is_ending || child->is_ready)
		return false;
	/* For workers that drain it is tried on, not faster than others. */
	if (master->phase == PHASE_STOPPING || master->phase == PHASE_CLEARING)
		return false;
	return WEXITSTATUS(status) == PROCESS_REFUSED ||
	       (WEXITSTATUS(status) == PROCESS_FAILED && !master->has_served);
}

static void
take_refusal(struct master *master, const struct child *child, int code)
{
	log_open(LOG_CRIT, "child_refused");
	log_string("child", child_role(master, child));
	log_close();
	if (master->phase == PHASE_SERVING)
		master_start_over(master);
	else
		master_stop(master, code);
}

/*
 * A writer that crashes at once will crash again: there are bytes in the
 * store that LMDB stumbles over, or the disk does not give them. A change is
 * then sent to one after the other, so that several die of one cause.
 */
static void
judge_crash(struct master *master, const struct child *child, int status)
{
	if (!child_is_writer(master, child) || !WIFSIGNALED(status) ||
	    WTERMSIG(status) == SIGKILL || ++master->crashes != CRASHES_MOST)
		return;
	log_open(LOG_CRIT, "writer_crashes");
	log_number("signal", WTERMSIG(status));
	log_string("cause",
	    "one writer after the other crashes on this store: data.mdb is "
	    "damaged, or its disk fails; stop the service, restore a backup");
	log_close();
	if (master->phase == PHASE_STARTING)
		master_stop(master, PROCESS_FAILED);
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
bury(struct master *master, struct child *child, int status)
{
	bool is_told = true;

	if (is_refusal(master, child, status)) {
		take_refusal(master, child, WEXITSTATUS(status));
	} else if (is_early(master, child, status)) {
		is_told =
		    throttle_raise(child_throttle(master, child), child->born);
		judge_crash(master, child, status);
	} else {
		if (child_is_writer(master, child))
			master->crashes = 0;
		throttle_end(child_throttle(master, child), child->born);
	}
	if (is_told)
		log_obituary(master, child, status);
	metrics_add(master->metrics, METRIC_ENDS,
	    LABELS(child_label(master, child), reason_of(status)), 1);
	slot_vacate(child_slot(master, child));
	if (child->control_fd >= 0)
		(void)close(child->control_fd);
	child_take_back(child);
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
				bury(master, &master->children[i], status);
}
