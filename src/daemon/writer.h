/* SPDX-License-Identifier: ISC */
/*
 * writer.h - the writer's life: gather, one commit, answer each, sweep.
 */
#ifndef WRITER_H
#define WRITER_H

#include "process.h"

/* Serve until SIGTERM or loss of the master; an exit code. */
int writer_run(const struct process *process);

#endif
