/* SPDX-License-Identifier: ISC */
/*
 * local_run.c - work on the store in a process of its own, and what
 * becomes of both when a signal asks for the end.
 *
 * From a terminal or systemd it comes to both, by kill to one. The worker
 * dies by it, wherever it is; we pass it on, wait, clean up, and then die by
 * it too, so that whoever sent it sees that.
 */

#include "local.h"

#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define LOOK_EVERY_US 100000
#define STOPPED_MOST 30 /* seconds that a reader may be stopped */

static const int signals[] = { SIGINT, SIGTERM, SIGHUP };

#define SIGNALS (sizeof(signals) / sizeof(signals[0]))

static volatile sig_atomic_t caught; /* the first one; 0: none */
static volatile sig_atomic_t worker; /* 0: none */
static unsigned holds;
static struct sigaction before[SIGNALS];

/* ---- signals ---- */

static void
pass_on(int number)
{
	int error = errno;

	if (caught == 0)
		caught = number;
	if (worker != 0)
		(void)kill(worker, number); /* it may have it already */
	errno = error;
}

/* What nohup or a shell's & have ignored stays so. */
void
ctl_local_hold(void)
{
	struct sigaction action = { .sa_handler = pass_on,
		.sa_flags = SA_RESTART };
	size_t i;

	if (holds++ > 0)
		return;
	for (i = 0; i < SIGNALS; i++) {
		(void)sigaction(signals[i], NULL, &before[i]);
		if (before[i].sa_handler != SIG_IGN)
			(void)sigaction(signals[i], &action, NULL);
	}
}

void
ctl_local_let_go(void)
{
	size_t i;

	if (--holds > 0)
		return;
	for (i = 0; i < SIGNALS; i++)
		(void)sigaction(signals[i], &before[i], NULL);
	if (caught == 0)
		return;
	fflush(stdout); /* what is said is done */
	(void)raise(caught);
}

static void
block(sigset_t *ret_before)
{
	sigset_t set;
	size_t i;

	(void)sigemptyset(&set);
	for (i = 0; i < SIGNALS; i++)
		(void)sigaddset(&set, signals[i]);
	(void)sigprocmask(SIG_BLOCK, &set, ret_before);
}

/* ---- the process ---- */

struct work {
	struct ctl_local *local;
	int (*job)(void *object);
	void *object;
	bool is_last; /* done also behind a signal, which does not end it */
};

/*
 * Has the process of this number been stopped, by Ctrl-Z, SIGSTOP or a
 * debugger? As proc(5) says: "pid (name) state ...".
 */
static bool
is_stopped(pid_t pid)
{
	char path[64], text[512] = "";
	const char *state;
	FILE *file;

	(void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	file = fopen(path, "re");
	if (file == NULL)
		return false;
	if (fgets(text, sizeof(text), file) == NULL)
		text[0] = '\0';
	(void)fclose(file); /* it was only read */
	state = strrchr(text, ')');
	return state != NULL && (state[2] == 'T' || state[2] == 't');
}

/*
 * While somebody is stopped in the middle of reading, no page that the service
 * lets go of is written again, and data.mdb grows by all that is written. So
 * this process, which no Ctrl-Z reaches, ends it after a while. A timer would
 * end it in a sync that takes long, too.
 */
static void
watch(pid_t reader)
{
	unsigned stopped = 0;

	(void)setsid();				/* a child leads no group */
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* takes any signal */
	while (getppid() == reader) {
		(void)sleep(1);
		stopped = is_stopped(reader) ? stopped + 1 : 0;
		if (stopped < STOPPED_MOST)
			continue;
		(void)ctl_fail("it was stopped for %u seconds, in which the "
			       "store kept what it was reading: ended",
		    stopped);
		(void)kill(reader, SIGKILL); /* our parent, so it is there */
	}
	_exit(CTL_OK);
}

void
ctl_local_end_when_stopped(void)
{
	pid_t reader = getpid();

	fflush(stdout); /* or both would print it */
	if (fork() == 0)
		watch(reader);
}

/* Never returns. Signals are blocked, and as they were then. */
static void
run_child(const struct work *work, pid_t parent, const sigset_t *mask)
{
	int exit_code;
	size_t i;

	for (i = 0; i < SIGNALS; i++)
		if (work->is_last)
			(void)signal(signals[i], SIG_IGN);
		else
			(void)sigaction(signals[i], &before[i], NULL);
	(void)sigprocmask(SIG_SETMASK, mask, NULL);
	exit_code = ctl_local_become(work->local);
	/* Behind the change of user, which clears it. */
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* takes any signal */
	if (getppid() != parent)
		_exit(CTL_FAILED);
	if (exit_code == CTL_OK)
		exit_code = work->job(work->object);
	if (fflush(stdout) != 0 || ferror(stdout))
		exit_code = ctl_fail("cannot write to standard output");
	_exit(exit_code);
}

static int
died(const struct ctl_local *local, int number)
{
	if (local->ctl->is_watched)
		fputs("\r\033[K", stderr); /* its progress */
	if (number != SIGSEGV && number != SIGBUS && number != SIGABRT)
		return ctl_fail("ended by signal %d (%s) before it was "
				"through: run it again",
		    number, strsignal(number));
	return ctl_error(CTL_INTEGRITY,
	    "ended by signal %d while it read a data.mdb (the store in %s, or "
	    "a copy of it): pages of it are damaged, or the disk cannot read "
	    "them; look into the kernel's log, and restore a backup",
	    number, local->directory);
}

/* Its number stays its own until no signal is passed on to it any more. */
static int
wait_for(pid_t child, void (*while_it_runs)(void *object), void *object)
{
	int flags = WEXITED | WNOWAIT | (while_it_runs != NULL ? WNOHANG : 0);
	siginfo_t info = { 0 };
	int status = CTL_FAILED << 8;

	while (info.si_pid == 0) {
		if (waitid(P_PID, (id_t)child, &info, flags) != 0 &&
		    errno != EINTR)
			break;
		if (info.si_pid != 0 || while_it_runs == NULL)
			continue;
		while_it_runs(object);
		(void)usleep(LOOK_EVERY_US); /* shorter does no harm */
	}
	worker = 0;
	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		continue; /* what else goes wrong stays a failure */
	return status;
}

/* The number of the process; -1: errno says why there is none. */
static pid_t
start(const struct work *work)
{
	pid_t parent = getpid();
	pid_t child = -1;
	sigset_t mask;

	fflush(stdout); /* or both would print it */
	block(&mask);
	errno = EINTR;
	if (caught == 0 || work->is_last)
		child = fork();
	if (child == 0)
		run_child(work, parent, &mask);
	if (child > 0 && !work->is_last)
		worker = child;
	(void)sigprocmask(SIG_SETMASK, &mask, NULL);
	return child;
}

static int
run(const struct work *work, void (*while_it_runs)(void *object))
{
	pid_t child = start(work);
	int status;

	if (child < 0 && caught != 0 && !work->is_last)
		return died(work->local, caught);
	if (child < 0)
		return ctl_fail("cannot start a process: %s", strerror(errno));
	status = wait_for(child, while_it_runs, work->object);
	if (WIFSIGNALED(status))
		return died(work->local, WTERMSIG(status));
	return WEXITSTATUS(status);
}

int
ctl_local_run(struct ctl_local *local, int (*job)(void *object), void *object,
    void (*while_it_runs)(void *object))
{
	const struct work work = { local, job, object, false };
	int exit_code;

	ctl_local_hold();
	exit_code = run(&work, while_it_runs);
	ctl_local_let_go();
	return exit_code;
}

int
ctl_local_run_last(
    struct ctl_local *local, int (*job)(void *object), void *object)
{
	const struct work work = { local, job, object, true };
	int exit_code;

	ctl_local_hold();
	exit_code = run(&work, NULL);
	ctl_local_let_go();
	return exit_code;
}
