/* SPDX-License-Identifier: ISC */
/* program.h - run other programs of this host, such as nginx and systemctl, and
 * read what they print. */
#ifndef CTL_PROGRAM_H
#define CTL_PROGRAM_H

#include "base/mem.h"

struct ctl_program {
	int exit_code;	    /* -1: it was ended by a signal, or by us */
	struct span output; /* in the arena */
	struct span errors;
};

/*
 * Find a program in PATH, and run it to its end. It is killed after 30 seconds;
 * what it prints beyond 16 MiB is dropped. NULL ends the words. false: there is
 * no such program, or it cannot be started.
 */
MUST_USE bool ctl_program_run(struct arena *arena, const char *const *words,
    struct ctl_program *ret_program);

#endif
