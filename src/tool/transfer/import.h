/* SPDX-License-Identifier: ISC */
/*
 * import.h - artifacts on their way into the store of this host, with
 * ids and times of their own, wherever they come from.
 *
 * One after the other: begin says whether its content is wanted, the bytes
 * follow, end checks them against the record. Many go to one commit, so what
 * happened is known only after import_flush. What is there already is left
 * alone, so that an import that ended half way is simply repeated.
 *
 * Functions that give an int give an exit code, and have said why if it is
 * not CTL_OK; then the import is over.
 */
#ifndef CTL_IMPORT_H
#define CTL_IMPORT_H

#include "store/engine.h"
#include "tool/local/local.h"
#include "tool/progress.h"

struct import_counts {
	uint64_t added;
	uint64_t bytes; /* of content, of what was added or replaced */
	uint64_t replaced;
	uint64_t there;	      /* the same already */
	uint64_t kept;	      /* another one has its id */
	uint64_t refused;     /* it cannot be had, or does not fit; was said */
	uint64_t not_as_text; /* a server has only that; was said */
	uint64_t damaged;     /* bytes are not what the record says; was said */
};

enum import_state { IMPORT_NEW, IMPORT_THERE, IMPORT_KEPT, IMPORT_REPLACED };

struct import {
	const struct ctl *ctl;
	struct store *store; /* NULL: there is none, in a dry run */
	bool is_dry;
	bool replaces;
	struct owner owner; /* of staged content: nobody's, once we are gone */
	struct import_counts counts;
	/* What the next commit takes, and about how much memory that is. */
	struct arena *arena;
	struct change *changes[LIMIT_BATCH_CHANGES];
	enum import_state states[LIMIT_BATCH_CHANGES];
	size_t count;
	uint64_t bytes;
	/* The artifact at hand, and its content so far. */
	struct arena *own;
	struct artifact *artifact;
	enum import_state state;
	struct store staging;  /* where upload brings chunks */
	struct upload *upload; /* NULL: nothing is on its way */
	int exit_code;	       /* of the last chunk that was staged */
};

/*
 * An artifact, whose members stay until its end. Its content's size and hash
 * are what end compares with. *ret_is_wanted: its bytes would change
 * something; in any case they may be written, to be compared.
 */
MUST_USE int import_begin(struct import *import,
    const struct artifact *artifact, bool *ret_is_wanted);
MUST_USE int import_write(struct import *import, struct span bytes);
/* A mismatch is said and counted, and CTL_OK. */
MUST_USE int import_end(struct import *import);
/* Instead of end: no bytes were needed, and it counts as what it was found
 * to be. */
void import_pass(struct import *import);
/* Instead of end: its bytes cannot be had. */
MUST_USE int import_abandon(struct import *import);
/* Name an artifact that does not get in, and count it. */
void import_refuse(struct import *import, struct span id, const char *format,
    ...) __attribute__((format(printf, 3, 4)));

/* Commit what was begun and ended. */
MUST_USE int import_flush(struct import *import);

/* ---- the sources ---- */

/* import_tar.c */
struct ctl_tar_reader;
MUST_USE int import_tar(struct import *import, struct ctl_tar_reader *tar);

/* import_api.c; ids NULL: those in the server's lists. */
MUST_USE int import_api(struct import *import, const char *url, FILE *ids);

#endif
