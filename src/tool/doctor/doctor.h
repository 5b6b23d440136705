/* SPDX-License-Identifier: ISC */
/*
 * doctor.h - what the files of "artifactctl doctor" share: checks, and
 * what they find.
 *
 * A check is a row: a name and a function that calls doctor_problem or
 * doctor_warning for what is wrong, with a sentence that has the way out,
 * doctor_unknown for what it cannot judge, or none of them. Nothing is changed,
 * ever.
 */
#ifndef CTL_DOCTOR_H
#define CTL_DOCTOR_H

#include "tool/local/local.h"
#include "tool/output.h"
#include "tool/program.h"

#define DOCTOR_FIGURES 32

/* What the store says of itself. */
struct doctor_store {
	struct {
		char name[48];
		uint64_t value;
	} figures[DOCTOR_FIGURES];
	size_t count;
	struct store_room room;
	uint64_t newest; /* moment of the newest artifact; 0: none */
};

/* Our units, as systemd is asked about them. */
enum doctor_unit {
	DOCTOR_SERVICE,
	DOCTOR_SOCKET,
	DOCTOR_CHECK,
	DOCTOR_BACKUP,
	DOCTOR_RETENTION,
	DOCTOR_CHECK_TIMER,
	DOCTOR_BACKUP_TIMER,
	DOCTOR_RETENTION_TIMER,
	DOCTOR_UNITS
};

struct doctor {
	const struct ctl *ctl;
	struct arena *arena;
	const struct config *config; /* NULL: it cannot be read */
	const char *error;	     /* then why */
	struct ctl_local local;
	bool has_directory; /* state_dir exists, and local is filled */
	bool has_store;	    /* there is one that can be read, and store is it */
	struct doctor_store store;
	struct span units[DOCTOR_UNITS]; /* what systemd shows of each */
	struct ctl_http *http;	   /* to nginx; NULL: it was not asked */
	bool is_nginx_ours;	   /* it passes to us, or turned us away */
	struct ctl_output *output; /* with --json */
	const char *check;	   /* name of the one that runs */
	unsigned findings;	   /* of that check */
	unsigned problems;	   /* of all checks */
	unsigned warnings;
	unsigned unknowns;
};

/* What there has to be for a check to run. */
#define DOCTOR_CONFIG 1u    /* a configuration that can be read */
#define DOCTOR_DIRECTORY 2u /* a state_dir */
#define DOCTOR_STORE 4u	    /* a store that can be opened */
#define DOCTOR_SYSTEMD 8u   /* artifactd.service, known to systemd */
#define DOCTOR_NGINX 16u    /* --nginx */
#define DOCTOR_URL 32u	    /* --url, or a public_url */

struct doctor_check {
	const char *name;
	unsigned needs;
	void (*look)(struct doctor *doctor);
};

/* Tables end with a row without a name. */
extern const struct doctor_check doctor_store_checks[];
extern const struct doctor_check doctor_host_checks[];
extern const struct doctor_check doctor_nginx_checks[];

/* Something fails, or will; something ought to be looked at. */
void doctor_problem(struct doctor *doctor, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void doctor_warning(struct doctor *doctor, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* What is not known from here does not count as a finding. */
void doctor_unknown(struct doctor *doctor, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* "1.4 MiB" */
const char *doctor_size(struct doctor *doctor, uint64_t bytes);

/* ---- store.c ---- */

/* Look into the store, as its user. */
void doctor_open_store(struct doctor *doctor);

/* ---- host.c ---- */

/* Ask systemd about our units; false: it does not know artifactd.service. */
bool doctor_ask_systemd(struct doctor *doctor);

#endif
