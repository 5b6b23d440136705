/* SPDX-License-Identifier: ISC */
/*
 * ending.c - what is said and done when something ends a command half way: a
 * signal, damage under the memory map of a data.mdb, or being stopped for so
 * long that the store suffers.
 *
 * All of it is done in a handler of signals, where neither stdio nor malloc
 * may be called. So the sentences are ready before, and what cleans up makes
 * system calls alone.
 */

#include "local.h"
#include "tool/output.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define LOOK_EVERY_US 200000
#define STOPPED_MOST 30 /* seconds that a reader may be stopped */
#define STOPPED_KILL \
	35 /* then a debugger holds it, or a shell stopped it anew */

/* Our own, from the watcher: you were stopped for too long. */
#define SIGNAL_STOPPED SIGALRM

enum kind {
	ASKED,	 /* somebody wants us to end: die by that signal */
	STOPPED, /* exit as after any failure */
	DAMAGE,	 /* a page that cannot be read, or an assertion of LMDB's */
};

static const struct {
	int number;
	enum kind kind;
} signals[] = {
	{ SIGINT, ASKED },
	{ SIGTERM, ASKED },
	{ SIGHUP, ASKED },
	{ SIGNAL_STOPPED, STOPPED },
	{ SIGBUS, DAMAGE },
	{ SIGSEGV, DAMAGE },
	{ SIGABRT, DAMAGE },
};

#define SIGNALS (COUNT_OF(signals))

static struct ctl_ending guard;
static struct span sentences[SIGNALS];
static pid_t watcher; /* 0: none */

/* ---- the sentences ---- */

/* A line for standard error, on which no progress stays before it. */
static struct span
line_of(struct arena *arena, const struct ctl *ctl, struct span text)
{
	text = ctl_visible(arena, text);
	return arena_printf(arena, "%sartifactctl: %.*s\n",
	    ctl->is_watched ? "\r\033[K" : "", (int)text.size, text.data);
}

static struct span
sentence_for(struct arena *arena, size_t i, const struct ctl_ending *ending)
{
	int number = signals[i].number;

	if (signals[i].kind == ASKED)
		return arena_printf(arena,
		    "ended by signal %d (%s) before it was through: run it "
		    "again",
		    number, strsignal(number));
	if (signals[i].kind == STOPPED)
		return arena_printf(arena,
		    "it was stopped for %d seconds, in which the store kept "
		    "what it was reading: ended",
		    STOPPED_MOST);
	return arena_printf(arena,
	    "ended by signal %d while it read a data.mdb (the store in %s, or "
	    "a copy of it): pages of it are damaged, or the disk cannot read "
	    "them; look into the kernel's log, and restore a backup",
	    number, ending->local->directory);
}

/* ---- the handler ---- */

static void
write_line(struct span line)
{
	/* Where nobody takes it, it cannot be said. */
	(void)!write(STDERR_FILENO, line.data, line.size);
}

static void
end(int number)
{
	size_t i = 0;

	while (signals[i].number != number)
		i++;
	ctl_local_unwatch();
	write_line(sentences[i]);
	if (signals[i].kind == DAMAGE && guard.if_damaged != NULL)
		write_line(span_str(guard.if_damaged));
	if (guard.clean_up != NULL)
		guard.clean_up(guard.object, signals[i].kind == DAMAGE);
	if (signals[i].kind != ASKED)
		_exit(signals[i].kind == DAMAGE ? CTL_INTEGRITY : CTL_FAILED);
	/* Blocked as long as this handler runs; so whoever sent it sees what
	 * became of it. */
	(void)signal(number, SIG_DFL);
	(void)raise(number);
}

/* What nohup or a shell's & have ignored stays so. */
static bool
is_ignored(int number)
{
	struct sigaction now;

	return sigaction(number, NULL, &now) == 0 && now.sa_handler == SIG_IGN;
}

static void
set_handlers(void (*handler)(int number))
{
	struct sigaction action = { .sa_handler = handler,
		.sa_flags = SA_RESTART };
	size_t i;

	/* Also the one for writing to a terminal in the background. */
	(void)sigfillset(&action.sa_mask);
	for (i = 0; i < SIGNALS; i++)
		if (signals[i].kind != ASKED || !is_ignored(signals[i].number))
			(void)sigaction(signals[i].number, &action, NULL);
}

static void
mask(int how)
{
	sigset_t set;
	size_t i;

	(void)sigemptyset(&set);
	for (i = 0; i < SIGNALS; i++)
		if (signals[i].kind != DAMAGE)
			(void)sigaddset(&set, signals[i].number);
	(void)sigprocmask(how, &set, NULL);
}

void
ctl_local_guard(const struct ctl_ending *ending)
{
	/* For good: a signal may come as long as the process lives. */
	static struct arena *arena;
	const struct ctl *ctl = ending->local->ctl;
	size_t i;

	arena = arena_open();
	guard = *ending;
	for (i = 0; i < SIGNALS; i++)
		sentences[i] =
		    line_of(arena, ctl, sentence_for(arena, i, ending));
	if (guard.if_damaged != NULL)
		guard.if_damaged = arena_string(
		    arena, line_of(arena, ctl, span_str(guard.if_damaged)));
	set_handlers(end);
	mask(SIG_UNBLOCK);
}

void
ctl_local_hold(void)
{
	mask(SIG_BLOCK);
}

void
ctl_local_let_go(void)
{
	set_handlers(SIG_DFL);
	fflush(stdout); /* what is said is done */
	mask(SIG_UNBLOCK);
}

/* ---- the process that watches ---- */

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
 * lets go of is written again, and data.mdb grows by all that is written. A
 * process that is stopped cannot end itself, so that this one, which no Ctrl-Z
 * reaches, ends it. A timer would end a sync that takes long, too.
 */
static void
watch(pid_t reader, bool is_reader, void (*look)(void *object), void *object)
{
	const unsigned second = 1000000 / LOOK_EVERY_US;
	unsigned stopped = 0; /* looks that found it so */

	while (getppid() == reader) {
		(void)usleep(LOOK_EVERY_US); /* shorter does no harm */
		if (look != NULL)
			look(object);
		stopped = is_reader && is_stopped(reader) ? stopped + 1 : 0;
		if (stopped == STOPPED_MOST * second) {
			(void)kill(reader, SIGNAL_STOPPED);
			(void)kill(reader, SIGCONT);
		} else if (stopped >= STOPPED_KILL * second) {
			(void)kill(reader, SIGKILL);
		}
	}
	_exit(CTL_OK);
}

void
ctl_local_watch(bool is_reader, void (*look)(void *object), void *object)
{
	pid_t parent = getpid();

	if (!is_reader && look == NULL)
		return;
	fflush(stdout); /* or both would print it */
	mask(SIG_BLOCK);
	watcher = fork(); /* without one nothing is lost */
	if (watcher == 0) {
		set_handlers(SIG_DFL); /* to clean up is its parent's */
		(void)setsid();	       /* a child leads no group */
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* takes any signal */
		mask(SIG_UNBLOCK);
		watch(parent, is_reader, look, object);
	}
	mask(SIG_UNBLOCK);
}

/* Also in the handler. Behind it nobody has our locks but we. */
void
ctl_local_unwatch(void)
{
	if (watcher > 0) {
		(void)kill(watcher, SIGKILL); /* our child, not waited for */
		(void)waitpid(watcher, NULL, 0);
	}
	watcher = 0;
}
