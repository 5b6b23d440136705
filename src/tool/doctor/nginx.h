/* SPDX-License-Identifier: ISC */
/*
 * nginx.h - for the checks of doctor --nginx: which blocks of
 * nginx's configuration are ours, and how sentences name them.
 */
#ifndef CTL_DOCTOR_NGINX_H
#define CTL_DOCTOR_NGINX_H

#include "doctor.h"
#include "nginx_conf.h"

/* The next block that passes to us; NULL begins, and ends. */
const struct nginx *
doctor_next_block(const struct doctor *doctor, const struct nginx *block);

/*
 * Call judge for our blocks with the directive that counts there (NULL: none):
 * once for each directive, since most of what is wrong is wrong in all of our
 * blocks, from one line.
 */
void doctor_each(struct doctor *doctor, const char *name,
    void (*judge)(struct doctor *doctor, const struct nginx *block,
	const struct nginx *directive));

/* "/etc/nginx/a.conf:12" */
const char *doctor_place(struct doctor *doctor, const struct nginx *directive);
/* "location = /artifacts (/etc/nginx/a.conf:12)" */
const char *doctor_title(struct doctor *doctor, const struct nginx *block);

/* ---- checks ---- */

void doctor_look_at_limits(struct doctor *doctor);
void doctor_look_at_passing(struct doctor *doctor);
void doctor_look_at_access(struct doctor *doctor);
void doctor_look_whether_it_runs(struct doctor *doctor);
void doctor_look_at_user(struct doctor *doctor);
void doctor_look_at_files(struct doctor *doctor);

#endif
