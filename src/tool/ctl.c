/* SPDX-License-Identifier: ISC */
/* ctl.c - artifactctl: the table of commands, and main, which runs one. */

#include "ctl.h"
#include "base/digest.h"
#include "base/log.h"

#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define WIDTH_UNKNOWN 80 /* of a terminal that does not tell its width */

#ifndef PACKAGE_VERSION
#define PACKAGE_VERSION "unknown"
#endif

/* In the order that help shows. */
const struct ctl_command *const ctl_commands[] = {
	&ctl_command_list,
	&ctl_command_show,
	&ctl_command_content,
	&ctl_command_create,
	&ctl_command_put,
	&ctl_command_get,
	&ctl_command_shasum,
	&ctl_command_verify,
	&ctl_command_update,
	&ctl_command_rm,
	&ctl_command_retain,
	&ctl_command_lineage,
	&ctl_command_init,
	&ctl_command_status,
	&ctl_command_doctor,
	&ctl_command_check,
	&ctl_command_backup,
	&ctl_command_restore,
	&ctl_command_export,
	&ctl_command_import,
	&ctl_command_compact,
	&ctl_command_help,
	&ctl_command_completion,
	NULL,
};

/* Is standard output a pipe that nobody reads any more, as behind head? */
static bool
has_no_reader(void)
{
	struct pollfd output = { .fd = STDOUT_FILENO, .events = POLLOUT };

	return poll(&output, 1, 0) == 1 && (output.revents & POLLERR) != 0;
}

/*
 * Write out the last bytes, since only then a full disk shows, and give back
 * the exit code. If nobody reads the output any more, end by SIGPIPE without a
 * word, as other tools do. If SIGPIPE was ignored when the program began, say
 * what is wrong instead.
 */
static int
finish(int exit_code, bool dies_of_pipe)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return exit_code;
	if (exit_code != CTL_OK && exit_code != CTL_FAILED)
		return exit_code;
	if (has_no_reader() && dies_of_pipe) {
		(void)signal(SIGPIPE, SIG_DFL);
		(void)raise(SIGPIPE);
	}
	(void)ctl_fail("cannot write to standard output%s",
	    has_no_reader() ? ": nobody reads it any more" : "");
	return CTL_FAILED;
}

/* Does the terminal know colors and how to move its cursor? */
static bool
is_smart(void)
{
	const char *terminal = getenv("TERM");

	return terminal != NULL && *terminal != '\0' &&
	       strcmp(terminal, "dumb") != 0;
}

static void
look_at_terminal(struct ctl *ctl)
{
	struct winsize size;

	ctl->is_terminal = isatty(STDOUT_FILENO) == 1;
	ctl->is_watched = isatty(STDERR_FILENO) == 1;
	ctl->has_color =
	    ctl->is_terminal && is_smart() && getenv("NO_COLOR") == NULL;
	if (!ctl->is_terminal)
		return;
	ctl->width = WIDTH_UNKNOWN;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
		ctl->width = size.ws_col;
}

int
main(int argc, char **argv)
{
	struct ctl ctl = { 0 };
	bool is_help = false, dies_of_pipe;
	int exit_code;

	if (!log_keep_standard())
		return CTL_FAILED; /* with nowhere to say why */
	ctl.arena = arena_open();
	/* Only the width of characters follows the locale: numbers have the
	 * same form everywhere. */
	(void)setlocale(LC_CTYPE, "");
	dies_of_pipe = signal(SIGPIPE, SIG_IGN) != SIG_IGN; /* write fails */
	(void)signal(SIGXFSZ, SIG_IGN); /* likewise */
	(void)signal(SIGCHLD, SIG_DFL); /* or waitpid would find no child */
	look_at_terminal(&ctl);
	exit_code = ctl_read(argc, argv, &ctl, &is_help);
	if (exit_code == CTL_OK && is_help)
		ctl_help(ctl.command, stdout);
	else if (exit_code == CTL_OK && ctl.command == NULL)
		printf("artifactctl %s\n", PACKAGE_VERSION);
	else if (exit_code == CTL_OK && !digest_init())
		exit_code = ctl_fail("libsodium cannot be used");
	else if (exit_code == CTL_OK)
		exit_code = ctl.command->run(&ctl);
	arena_close(ctl.arena);
	return finish(exit_code, dies_of_pipe);
}
