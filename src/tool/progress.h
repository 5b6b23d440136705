/* SPDX-License-Identifier: ISC */
/*
 * progress.h - how far a long command is, on stderr.
 *
 * Only where somebody watches (stderr is a terminal), and only once it has
 * taken longer than a second: bytes, rate, time left.
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

/* what must stay until it ends. */
void ctl_progress_begin(struct ctl_progress *progress, const struct ctl *ctl,
    const char *what, uint64_t total);
/* So many bytes are done, of all. */
void ctl_progress_at(struct ctl_progress *progress, uint64_t done);
/* So many more, of something else than the last ones. */
void ctl_progress_add(struct ctl_progress *progress, uint64_t more);
/* So many were in vain, and come once more. */
void ctl_progress_take_back(struct ctl_progress *progress, uint64_t bytes);
/* Takes the line away. */
void ctl_progress_end(struct ctl_progress *progress);

#endif
