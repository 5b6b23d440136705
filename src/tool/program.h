/* SPDX-License-Identifier: ISC */
/* program.h - what other programs of this host say: nginx, systemctl. */
#ifndef CTL_PROGRAM_H
#define CTL_PROGRAM_H

#include "base/mem.h"

struct ctl_program {
	int exit_code;	    /* -1: it was ended by a signal, or by us */
	struct span output; /* in the arena */
	struct span errors;
};

/*
 * Run a program of the search path to its end, at most 30 seconds; NULL ends
 * its words. Its output may have 16 MiB. false: there is no such program, or
 * it cannot be started.
 */
MUST_USE bool ctl_program_run(struct arena *arena, const char *const *words,
    struct ctl_program *ret_program);

#endif
