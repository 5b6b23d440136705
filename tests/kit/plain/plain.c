/* SPDX-License-Identifier: ISC */
/*
 * plain.c - run the unit tests without Criterion: see criterion/criterion.h.
 *
 * usage: PROGRAM [-j N] [-x PATTERN]...
 *
 * Run all tests, N at a time, but those whose SUITE/NAME matches a PATTERN
 * (fnmatch(3)). The last line says how many passed and failed.
 */

#include "criterion/redirect.h"

#include <fnmatch.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define SECONDS 300 /* that a test may take */
#define RUNNING 64
#define EXCLUDED 16

static struct plain_test *tests;
static FILE *kept[3]; /* of descriptors 1 and 2 */
static bool has_failed;

/* ---- what tests call ---- */

void
plain_add(struct plain_test *test)
{
	struct plain_test **place = &tests;

	while (*place != NULL)
		place = &(*place)->next;
	*place = test;
}

void
plain_fail(bool is_fatal, const char *file, int line, const char *claim,
    const char *format, ...)
{
	FILE *out = kept[2] != NULL ? stdout : stderr;
	va_list arguments;

	fprintf(out, "%s:%d: not true: %s ", file, line, claim);
	va_start(arguments, format);
	vfprintf(out, format, arguments);
	va_end(arguments);
	fputc('\n', out);
	has_failed = true;
	if (is_fatal)
		exit(1);
}

void
plain_skip(const char *why)
{
	fprintf(stderr, "left out: %s\n", why);
	exit(0);
}

void
plain_log(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
}

static void
keep(int fd)
{
	kept[fd] = tmpfile();
	if (kept[fd] == NULL || dup2(fileno(kept[fd]), fd) != fd)
		abort();
}

void
cr_redirect_stdout(void)
{
	keep(STDOUT_FILENO);
}

void
cr_redirect_stderr(void)
{
	keep(STDERR_FILENO);
}

FILE *
cr_get_redirected_stdout(void)
{
	fflush(stdout);
	rewind(kept[STDOUT_FILENO]);
	return kept[STDOUT_FILENO];
}

FILE *
cr_get_redirected_stderr(void)
{
	fflush(stderr);
	rewind(kept[STDERR_FILENO]);
	return kept[STDERR_FILENO];
}

bool
plain_stdout_is(const char *text)
{
	char printed[65536];
	FILE *file = cr_get_redirected_stdout();
	size_t size = fread(printed, 1, sizeof(printed) - 1, file);

	printed[size] = '\0';
	return strcmp(printed, text) == 0;
}

/* ---- running them ---- */

/* Read by LeakSanitizer. libarchive 3.6 keeps its buffer when an archive that is
 * not complete is freed; artifactctl then ends. */
const char *__lsan_default_suppressions(void);
const char *
__lsan_default_suppressions(void)
{
	return "leak:libarchive";
}

_Noreturn static void
run(const struct plain_test *test)
{
	const struct plain_test *suite = tests;

	while (suite != NULL &&
	       (suite->name != NULL || strcmp(suite->suite, test->suite) != 0))
		suite = suite->next;
	alarm(SECONDS);
	if (suite != NULL && suite->init != NULL)
		suite->init();
	if (test->init != NULL)
		test->init();
	test->run();
	if (test->fini != NULL)
		test->fini();
	if (suite != NULL && suite->fini != NULL)
		suite->fini();
	exit(has_failed ? 1 : 0);
}

static bool
is_as_wanted(const struct plain_test *test, int status)
{
	if (test->signal != 0)
		return WIFSIGNALED(status) && WTERMSIG(status) == test->signal;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static bool
is_excluded(const struct plain_test *test, char *const patterns[])
{
	char name[512];

	snprintf(name, sizeof(name), "%s/%s", test->suite, test->name);
	for (; *patterns != NULL; patterns++)
		if (fnmatch(*patterns, name, 0) == 0)
			return true;
	return false;
}

int
main(int count, char *arguments[])
{
	struct {
		pid_t pid;
		const struct plain_test *test;
	} running[RUNNING] = { { 0 } };
	char *excluded[EXCLUDED + 1] = { NULL };
	int most = 1, now = 0, passed = 0, failed = 0, patterns = 0;
	const struct plain_test *test = tests;
	int option, status, i;
	pid_t pid;

	while ((option = getopt(count, arguments, "j:x:")) != -1) {
		if (option == 'j' && atoi(optarg) <= RUNNING)
			most = atoi(optarg);
		else if (option == 'x' && patterns < EXCLUDED)
			excluded[patterns++] = optarg;
		else
			return 2;
	}
	while (test != NULL || now > 0) {
		if (test != NULL && now < most) {
			if (test->name != NULL &&
			    !is_excluded(test, excluded)) {
				pid = fork();
				if (pid == 0)
					run(test);
				for (i = 0; running[i].test != NULL; i++)
					continue;
				running[i].pid = pid;
				running[i].test = test;
				now++;
			}
			test = test->next;
			continue;
		}
		pid = wait(&status);
		for (i = 0; running[i].pid != pid || running[i].test == NULL;
		     i++)
			continue;
		if (is_as_wanted(running[i].test, status)) {
			passed++;
		} else {
			failed++;
			fprintf(stderr, "failed: %s/%s (status %#x)\n",
			    running[i].test->suite, running[i].test->name,
			    (unsigned)status);
		}
		running[i].test = NULL;
		now--;
	}
	printf("%d passed, %d failed\n", passed, failed);
	return failed == 0 && passed > 0 ? 0 : 1;
}
