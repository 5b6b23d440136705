/* SPDX-License-Identifier: ISC */
/*
 * master.h - the master: it starts processes, watches them, holds back those
 * that fail, reloads, and stops. It parses no request and never opens the
 * store.
 *
 * master.c has its loop and what it looks at in each round, children.c the
 * processes that it starts and what follows when one ends.
 */
#ifndef MASTER_H
#define MASTER_H

#include "config/config.h"
#include "process.h"
#include "service.h"

#include <sys/types.h>
#include <time.h>

struct master_options {
	const char *config_path; /* NULL: the default file */
	char *const *settings;	 /* name=value, from --set */
	size_t setting_count;
};

/* Run until SIGTERM or SIGINT; an exit code. config was loaded with the
 * same options, which a reload uses again, and has its secret. */
int master_run(const struct master_options *options, struct config *config);

/* ---- what master.c and children.c share ---- */

/*
 * A child's index is its slot's in the scoreboard: workers from 0 on, the
 * writer at SCOREBOARD_WRITER.
 */
struct child {
	pid_t pid;	/* 0: nobody is there */
	int control_fd; /* our end; -1: closed */
	int offered_fd; /* the writer's end of its channel, which the writer has
			 * not taken yet; -1: none */
	int64_t born;
	bool is_ready;	   /* the writer: it said so */
	bool is_connected; /* a worker: it has its end of a channel */
	bool is_outdated;  /* runs with an earlier configuration */
	bool is_ending;	   /* was asked to end; SIGTERM is repeated */
	bool is_killed;
};

/* Holds back a role whose processes die before they have worked. */
struct throttle {
	int64_t delay;	/* 0: the role is not held back */
	int64_t raised; /* when; deaths of those born earlier count no more */
	int64_t until;	/* no start before it */
};

/* Which files the store is: another may come to stand in their place. */
#define STORE_FILES 2

struct file_name {
	dev_t device;
	ino_t inode; /* 0: not known */
};

#define MASTER_NOTES 2

enum phase {
	PHASE_STARTING, /* the writer is not ready yet, and no worker lives */
	PHASE_SERVING,
	PHASE_CLEARING, /* all were killed; nothing starts until they ended */
	PHASE_STOPPING,
};

struct master {
	const struct master_options *options;
	struct arena *config_arena; /* of a reload; NULL: the caller's */
	struct config *config;
	struct arena *scratch;
	struct scoreboard *scoreboard;
	struct metrics *metrics;
	struct listener listener;
	struct pool pool; /* of the workers' idle connections */
	int signal_fd;
	enum phase phase;
	bool has_served;
	bool is_reloading;
	unsigned crashes; /* of writers in a row that did nothing else */
	int exit_code;
	int64_t stop_deadline;
	int64_t last_tick;
	int64_t grace_until; /* until then no process is killed for being late,
			      * since the master itself was */
	int64_t next_beat;   /* WATCHDOG=1 */
	struct file_name store[STORE_FILES];
	int64_t next_notes;		     /* when to look at them again */
	struct timespec notes[MASTER_NOTES]; /* as they were; 0: not there */
	struct throttle worker_throttle;
	struct throttle writer_throttle;
	struct child children[SCOREBOARD_SLOTS];
};

/* ---- children.c ---- */

bool child_is_writer(const struct master *master, const struct child *child);
struct child *master_writer(struct master *master);
struct slot *child_slot(struct master *master, const struct child *child);
/* How many workers live; ret_ending (or NULL): of these, were asked to end. */
unsigned master_count(const struct master *master, unsigned *ret_ending);

/*
 * Kill all processes, and begin again when the last has ended: what workers
 * have open is another store than a writer would open, or keeps a writer from
 * opening. LMDB makes a spoilt lock.mdb anew when nobody has it open.
 */
void master_start_over(struct master *master);
/* Start what the phase and the configuration ask for, unless throttled. */
void master_start_missing(struct master *master);
/* Note which processes have ended, and do what follows. */
void master_reap(struct master *master);
/* Ask a process to end after its present request. */
void child_end(struct child *child);
/* SIGKILL a process, once; the caller has logged why. */
void child_kill(struct child *child);

/* Take what the writer says; give channels to workers that have none. */
void master_hear_writer(struct master *master);
void master_connect(struct master *master);

/* ---- master.c ---- */

/* No new workers from here on; exit_code is what becomes of the service. */
void master_stop(struct master *master, int exit_code);

#endif
