/* SPDX-License-Identifier: ISC */
/*
 * replay.c - cut the power at every call of a recording, in many ways, and
 * open the store that is left.
 *
 *	replay [-n STATES] [-s SEED] [-o ONLY] RECORDING DIRECTORY
 *
 * The first states are each cut with all of the bytes that were not synced, and
 * with none of them; the others are random. It exits 1 if a state was bad. -o
 * replays one state.
 */
#include "replay.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define SECONDS 60
#define SHOWN 10

/* In a process of its own, for LMDB may fall over what it finds. */
static bool
is_good(const char *directory, size_t cut, char *ret_text, size_t size)
{
	const char *problem;
	int status, ends[2];
	ssize_t got;
	pid_t pid;

	if (pipe(ends) != 0 || (pid = fork()) < 0) {
		perror("replay");
		exit(2);
	}
	if (pid == 0) {
		(void)alarm(SECONDS);
		problem = model_check(directory, cut);
		if (problem != NULL)
			(void)!write(ends[1], problem, strlen(problem));
		_exit(problem != NULL);
	}
	(void)close(ends[1]);
	got = read(ends[0], ret_text, size - 1);
	ret_text[got > 0 ? got : 0] = '\0';
	(void)close(ends[0]);
	if (waitpid(pid, &status, 0) != pid)
		exit(2);
	if (status != 0 && got <= 0)
		(void)snprintf(ret_text, size, "it ended with %#x", status);
	return status == 0;
}

int
main(int argc, char **argv)
{
	unsigned long states = 1000, seed = 1, only = 0, bad = 0, number;
	enum disk_kind kind;
	char text[512];
	size_t cut;
	int option;

	while ((option = getopt(argc, argv, "n:s:o:")) != -1)
		switch (option) {
		case 'n':
			states = strtoul(optarg, NULL, 10);
			break;
		case 's':
			seed = strtoul(optarg, NULL, 10);
			break;
		case 'o':
			only = strtoul(optarg, NULL, 10);
			break;
		default:
			return 2;
		}
	if (argc - optind != 2)
		return 2;
	model_load(argv[optind]);
	for (number = 1; number <= states; number++) {
		if (only != 0 && only != number)
			continue;
		disk_seed(seed * 1000003 + number);
		cut = (number - 1) % (call_count + 1);
		kind = (enum disk_kind)disk_random(DISK_KINDS);
		if (number <= 2 * (call_count + 1) &&
		    states >= 4 * (call_count + 1))
			kind = number <= call_count + 1 ? DISK_ALL : DISK_NONE;
		else if (states < call_count)
			cut = disk_random(call_count + 1);
		disk_make(argv[optind + 1], cut, kind);
		if (is_good(argv[optind + 1], cut, text, sizeof(text)))
			continue;
		if (bad++ < SHOWN)
			printf("state %lu, before call %zu, kind %d: %s\n",
			    number, cut, (int)kind, text);
	}
	printf("%lu states of %zu calls, seed %lu: %lu bad\n", states,
	    call_count, seed, bad);
	return bad != 0;
}
