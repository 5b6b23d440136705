/* SPDX-License-Identifier: ISC */
/* process.c - the signals of a child: how it hears that it is to end. */

#include "process.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>

static volatile sig_atomic_t is_ending;

static void
note_end(int signal)
{
	(void)signal;
	is_ending = 1;
}

static void
handle(int signal, void (*handler)(int))
{
	/* No SA_RESTART: whoever waits has to notice. */
	struct sigaction action = { .sa_handler = handler };

	(void)sigemptyset(&action.sa_mask);
	if (sigaction(signal, &action, NULL) < 0)
		abort(); /* only for a signal that does not exist */
}

void
process_signals(void)
{
	sigset_t none;

	handle(SIGTERM, note_end);
	handle(SIGHUP, SIG_IGN);
	handle(SIGINT, SIG_IGN);
	handle(SIGPIPE, SIG_IGN);
	handle(SIGXFSZ, SIG_IGN); /* an error of the write instead */
	(void)prctl(PR_SET_PDEATHSIG, SIGTERM); /* takes every signal */
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL); /* it is well-formed */
}

void
process_hold(void)
{
	sigset_t set;

	(void)sigemptyset(&set); /* these know their arguments */
	(void)sigaddset(&set, SIGTERM);
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
}

bool
process_is_ending(void)
{
	return is_ending != 0;
}
