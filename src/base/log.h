/* SPDX-License-Identifier: ISC */
/*
 * log.h - one event, one line, to stderr.
 *
 * A line is `<N>event=name key=value …`; <N> is the syslog priority that
 * journald takes from it (sd-daemon(3)). Values with other bytes than
 * printable ASCII without space, `"`, `=` and `\` stand in quotes with those
 * bytes as \xHH, so that no client can forge a line or a field.
 *
 *	log_open(LOG_WARNING, "worker_died");
 *	log_number("pid", pid);
 *	log_text("request", request->id);
 *	log_close();
 *
 * A line is written by one call, and never waits: a line that a full pipe or
 * socket would not take is lost, and counted. Below the level that log_level
 * set nothing is written. Only the processes of src/daemon/ log, and mem.c when
 * there is no memory. Each event has an entry in doc/artifactd.8.in, which
 * tests/host/manuals.sh compares.
 */
#ifndef LOG_H
#define LOG_H

#include "mem.h"

#include <syslog.h>

/* Levels are syslog's: LOG_ERR, LOG_WARNING, LOG_NOTICE, LOG_INFO, LOG_DEBUG */

/* Write only what is at least this urgent; LOG_INFO until told. */
void log_level(int level);
/* The level of a name ("error", "warning", "notice", "info", "debug"), or -1. */
int log_level_of(const char *name);
/* Whose lines these are: role=… in each; the string must stay. */
void log_role(const char *role);

void log_open(int level, const char *event);
void log_text(const char *key, struct span value);
void log_string(const char *key, const char *value);
void log_number(const char *key, int64_t value);
/* errno as text: key=…  */
void log_errno(const char *key, int error);
/* errno stays as it is. */
void log_close(void);

/* ---- lines that are lost ---- */

struct metrics;

/* Count lost lines there, those of children too. */
void log_count_lost(struct metrics *metrics);
/* Say how many lines were lost since this was last said, if there were any and
 * standard error takes lines again. For one process of those that count. */
void log_tell_lost(void);
/*
 * Open standard error anew, if it is a pipe or a terminal, without blocking and
 * for this process and its children alone. If that fails, a line can still
 * block in one case: another process fills the pipe at the same moment.
 */
void log_own(void);

/*
 * Open standard input, output and error where the program was started without
 * them. Otherwise files that it opens later would get their numbers, and what
 * it prints would be written into those files. Call this before anything is
 * opened. False: errno says why.
 */
MUST_USE bool log_keep_standard(void);

#endif
