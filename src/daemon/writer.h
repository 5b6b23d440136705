/* SPDX-License-Identifier: ISC */
/*
 * writer.h - the writer's life: gather, one commit, answer each, sweep.
 */
#ifndef WRITER_H
#define WRITER_H

#include "process.h"
#include "store/store.h"

/* Serve until SIGTERM or loss of the master; an exit code. */
int writer_run(const struct process *process);

/*
 * writer_start.c: all that comes before. PROCESS_DONE: it is ready; else an
 * exit code. *ret_store is set as soon as the store is open, for the caller to
 * close.
 */
int writer_start(const struct process *process, struct arena *scratch,
    struct store **ret_store);

/* ---- writer_count.c ---- */

/* A commit took so many changes and so many microseconds. */
void writer_count(struct metrics *metrics, size_t changes, int64_t duration);
/* How much room there is, for who may not look: once a second. The log says
 * when that is none. */
void writer_publish(const struct process *process, struct store *store);

#endif
