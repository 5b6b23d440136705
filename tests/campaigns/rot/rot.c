/* SPDX-License-Identifier: ISC */
/*
 * rot.c - damage a store's file in one place, read the store, and compare.
 *
 *	rot [-n FLIPS] [-p PAGES] [-s SEED] [-o ONLY]
 *
 * Separate processes read each damaged store; they may crash, since the service
 * replaces a reader that crashes. Two results must never come: "wrong", a
 * record or a byte of content that was not stored so, and "unnamed", an
 * artifact that is missing or old and that the deep check does not name. -o
 * repeats one damage by its number.
 */
#include "rot.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define SECONDS 20 /* a process may take */

static struct {
	unsigned long equal, told, missing, crashed, hung, named;
	unsigned long wrong, unnamed;
} seen;

/* Run it in a child; its exit code, or VERDICT_CRASHED or VERDICT_HUNG. */
static enum verdict run(enum verdict (*look)(void))
{
	int status;
	pid_t pid;

	(void)fflush(stdout);
	pid = fork();
	if (pid == 0) {
		(void)alarm(SECONDS);
		/* LMDB's assertions speak there. */
		if (getenv("ROT_LOUD") == NULL)
			(void)!freopen("/dev/null", "w", stderr);
		exit((int)look());
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid) {
		perror("rot: fork");
		exit(1);
	}
	if (WIFEXITED(status))
		return (enum verdict)WEXITSTATUS(status);
	return WTERMSIG(status) == SIGALRM ? VERDICT_HUNG : VERDICT_CRASHED;
}

static void
count(enum verdict verdict)
{
	seen.equal += verdict == VERDICT_EQUAL;
	seen.told += verdict == VERDICT_TOLD;
	seen.missing += verdict == VERDICT_MISSING;
	seen.crashed += verdict == VERDICT_CRASHED;
	seen.hung += verdict == VERDICT_HUNG;
}

static void
judge(const struct damage *damage, unsigned long number)
{
	enum verdict verdict, deep, later;

	damage_store(damage);
	verdict = run(look_by_reading);
	count(verdict);
	if (getenv("ROT_LOUD") != NULL)
		printf("%lu: %s: %d\n", number, damage->text, (int)verdict);
	deep = verdict == VERDICT_MISSING ? run(look_by_check) : VERDICT_TOLD;
	seen.named += verdict == VERDICT_MISSING && deep != VERDICT_EQUAL;
	if (verdict == VERDICT_MISSING && deep == VERDICT_EQUAL) {
		seen.unnamed++;
		printf("%lu: %s: missing or old, and not named\n", number,
		    damage->text);
	}
	(void)run(act_as_writer);
	later = run(look_by_reading);
	if (verdict == VERDICT_WRONG || later == VERDICT_WRONG) {
		seen.wrong++;
		printf("%lu: %s: wrong%s\n", number, damage->text,
		    verdict == VERDICT_WRONG ? "" : " after a writer");
	}
}

static unsigned long
number_of(const char *text)
{
	char *end;
	unsigned long number = strtoul(text, &end, 10);

	if (*text == '\0' || *end != '\0') {
		fprintf(stderr, "rot: \"%s\" is no number\n", text);
		exit(2);
	}
	return number;
}

int
main(int argc, char **argv)
{
	unsigned long flips = 300, pages = 60, seed = 1, only = 0, number;
	struct damage damage;
	int option;

	while ((option = getopt(argc, argv, "n:p:s:o:")) != -1)
		switch (option) {
		case 'n':
			flips = number_of(optarg);
			break;
		case 'p':
			pages = number_of(optarg);
			break;
		case 's':
			seed = number_of(optarg);
			break;
		case 'o':
			only = number_of(optarg);
			break;
		default:
			return 2;
		}
	model_build(seed);
	for (number = 1; number <= flips + pages; number++) {
		damage_choose(&damage, number > flips);
		if (only == 0 || only == number)
			judge(&damage, number);
	}
	model_remove();
	printf("%lu flips, %lu pages, seed %lu: %lu equal, %lu told, "
	       "%lu missing or old (%lu named), %lu readers crashed, "
	       "%lu hung, %lu wrong, %lu unnamed\n",
	    flips, pages, seed, seen.equal, seen.told, seen.missing, seen.named,
	    seen.crashed, seen.hung, seen.wrong, seen.unnamed);
	return seen.wrong != 0 || seen.unnamed != 0 || seen.equal == 0;
}
