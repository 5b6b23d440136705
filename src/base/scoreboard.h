/* SPDX-License-Identifier: ISC */
/*
 * scoreboard.h - a slot per process in memory that all of them share.
 *
 * The master makes it before the first fork and fills a slot before each
 * fork. The process in the slot writes what it does; the master (deadlines,
 * watchdog) and the writer (sweeping, rows of a worker's last change) read. No
 * locks: each field is one atomic word and means something alone.
 *
 * Epochs make sweeping safe without a clock. The writer raises the epoch after
 * a commit that gave up content. A worker publishes the epoch
 * that it saw before its first read of a request. Content given up at epoch E
 * can be swept once no slot publishes an epoch <= E: a request that began later
 * reads the store after that commit, in which nothing names the content.
 *
 * Places keep reads going when the writer hangs (a disk that does not come
 * back from a sync): of four workers or more all but two may wait for the
 * writer, of two or three all but one. While the writer answers, more may wait;
 * when it has answered nothing for a second, those that came last give way. A
 * change that the writer has not taken yet can be withdrawn, and then nothing
 * has happened:
 *
 *	        slot_ask          slot_take (writer)
 *	nobody ---------> asked ----------------------> taken
 *	   ^                |                             |
 *	   +----------------+-----------------------------+
 *	     slot_withdraw                 slot_ask_end
 *
 * So that this helps, a writer takes no more changes into one commit than
 * there are places.
 *
 * A worker that has a turn keeps idle connections (daemon/connections.h); all
 * others accept new ones. There are as many turns as processors, or two; at most
 * one for four workers, or one; and none without another worker that is free.
 */
#ifndef SCOREBOARD_H
#define SCOREBOARD_H

#include "mem.h"

#include <stdatomic.h>
#include <sys/types.h>

#define SECOND INT64_C(1000000) /* times are microseconds, monotonic */

#define SCOREBOARD_WORKERS 256
#define SCOREBOARD_WRITER SCOREBOARD_WORKERS /* index of the writer's slot */
#define SCOREBOARD_SLOTS (SCOREBOARD_WORKERS + 1)
#define SCOREBOARD_IDLE UINT64_MAX /* the epoch of a slot with no request */
#define SCOREBOARD_REQUEST_ID 128
#define SCOREBOARD_TURNS (SCOREBOARD_WORKERS / 4)
/* A writer without a heartbeat for so long, in microseconds, is killed. */
#define SCOREBOARD_WRITER_SILENT INT64_C(30000000)

struct slot {
	_Atomic pid_t pid;
	/* A random number for each process, as pids come again; 0: the slot
	 * is empty. */
	_Atomic uint64_t incarnation;
	_Atomic uint64_t requests; /* number of the latest; writer: commits */
	_Atomic uint64_t epoch;	   /* seen by the present request */
	_Atomic int64_t began;	   /* present request, us, monotonic; 0: none */
	_Atomic int64_t heartbeat; /* us, monotonic */
	_Atomic int64_t waits;	   /* for the writer, since; 0: it does not */
	_Atomic uint64_t asked;	   /* number and state of its change */
	/* For a log line of the master; read through slot_request. */
	char request_id[SCOREBOARD_REQUEST_ID];
};

struct scoreboard {
	_Atomic uint64_t epoch;
	_Atomic int64_t answered; /* when the writer last did */
	/* Who has a turn: 1 + the index of a slot; 0: nobody. */
	_Atomic uint16_t turns[SCOREBOARD_TURNS];
	unsigned processors;
	struct slot slots[SCOREBOARD_SLOTS];
};

/* Shared, zeroed memory with all slots idle; NULL: errno says why. */
struct scoreboard *scoreboard_open(void);
void scoreboard_close(struct scoreboard *scoreboard);

/* Microseconds of CLOCK_MONOTONIC. */
int64_t scoreboard_now(void);

/* The master, before a fork and after a reap. */
void slot_occupy(struct slot *slot, uint64_t incarnation);
void slot_vacate(struct slot *slot);

/* A worker, around each request: from its connection to its last byte. */
void slot_begin(struct scoreboard *scoreboard, struct slot *slot);
/* Publish the id of the request in progress, for the log. */
void slot_name(struct slot *slot, struct span request_id);
void slot_end(struct slot *slot);
/*
 * A copy of the id of the request in progress, or "" where there is none. It
 * may mix two ids, since nothing is locked: it is for a log line.
 */
void slot_request(const struct slot *slot, char ret_id[SCOREBOARD_REQUEST_ID]);

/* ---- places ---- */

/* A worker, around all that may have to wait for the writer. */
void slot_wait_begin(struct slot *slot);
void slot_wait_end(struct slot *slot);
/* A worker, around sending a change and its answer; numbers rise. */
void slot_ask(struct slot *slot, uint64_t number);
void slot_ask_end(struct slot *slot, uint64_t number);
/* A worker: the change is not to happen. False: the writer has it. */
MUST_USE bool slot_withdraw(struct slot *slot, uint64_t number);
/* The writer, before a change goes into a batch. False: it is withdrawn. */
MUST_USE bool slot_take(struct slot *slot, uint64_t number);

/* The writer: it has just answered. */
void scoreboard_answers(struct scoreboard *scoreboard);
/* How many of the living workers may wait for a writer that is silent. */
unsigned scoreboard_places(const struct scoreboard *scoreboard);
/*
 * Must the worker in this slot, which waits and whose change the writer has not
 * taken, withdraw it? It must if the writer is silent, and so many others wait
 * that came before that no place is left.
 */
bool scoreboard_must_give_way(
    const struct scoreboard *scoreboard, const struct slot *slot);

/* ---- turns ---- */

/* False: there is none to have. */
MUST_USE bool slot_begin_turn(struct scoreboard *scoreboard, struct slot *slot);
/* If it has one. */
void slot_end_turn(struct scoreboard *scoreboard, const struct slot *slot);
/* The master: end the turns of workers that have ended, or never were. */
void scoreboard_end_turns(struct scoreboard *scoreboard);
/* Has any worker one? */
bool scoreboard_has_turns(const struct scoreboard *scoreboard);
/*
 * Is a worker with a turn to end it, since new connections may wait in vain? For
 * a while now each worker that has none has been busy with the same request.
 */
bool scoreboard_needs_help(const struct scoreboard *scoreboard);

/* ---- all slots ---- */

/* The lowest epoch that a request in progress has seen, or IDLE. */
uint64_t scoreboard_oldest(struct scoreboard *scoreboard);
/* How many workers have a request in progress, and how many have none. */
void scoreboard_count(
    struct scoreboard *scoreboard, unsigned *ret_busy, unsigned *ret_idle);
/* The slot of the process that has this incarnation; NULL: it has ended. */
struct slot *
scoreboard_slot(struct scoreboard *scoreboard, uint64_t incarnation);
/* Does a live process have this incarnation? */
bool scoreboard_has(struct scoreboard *scoreboard, uint64_t incarnation);
/* Is this request of this incarnation still in progress? */
bool scoreboard_runs(
    struct scoreboard *scoreboard, uint64_t incarnation, uint64_t request);

#endif
