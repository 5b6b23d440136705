/* SPDX-License-Identifier: ISC */
/*
 * worker.h - a worker's life: one request at a time, from bytes to bytes.
 */
#ifndef WORKER_H
#define WORKER_H

#include "process.h"

/* Serve until SIGTERM, retirement or loss of the master; an exit code. */
int worker_run(const struct process *process);

#endif
