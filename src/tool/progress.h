/* SPDX-License-Identifier: ISC */
/*
 * progress.h - show on stderr how far a long command is: bytes, rate, and the
 * time that is left. Nothing is shown if stderr is no terminal, nor in the
 * first second.
 */
#ifndef CTL_PROGRESS_H
#define CTL_PROGRESS_H

#include "ctl.h"

struct ctl_progress {
	const struct ctl *ctl;
	const char *what; /* "backup", "report.pdf" */
	uint64_t total;	  /* bytes; 0: nobody knows */
	uint64_t done;
	int64_t began; /* us, monotonic */
	int64_t shown; /* when the line was last written; 0: never */
};

/* The text what must live until ctl_progress_end. */
void ctl_progress_begin(struct ctl_progress *progress, const struct ctl *ctl,
    const char *what, uint64_t total);
/* So many bytes of the total are done. */
void ctl_progress_at(struct ctl_progress *progress, uint64_t done);
/* So many bytes more are done than before. */
void ctl_progress_add(struct ctl_progress *progress, uint64_t more);
/* So many bytes were lost, and will be transferred again. */
void ctl_progress_take_back(struct ctl_progress *progress, uint64_t bytes);
/* Erase the line. */
void ctl_progress_end(struct ctl_progress *progress);

#endif
