/* SPDX-License-Identifier: ISC */
/*
 * state.h - what the files of the remote store share; nobody
 * else includes it.
 */
#ifndef STORE_REMOTE_STATE_H
#define STORE_REMOTE_STATE_H

#include "base/scoreboard.h"
#include "store/engine.h"
#include "wire.h"

#define REMOTE_SLICE_MS 100 /* of waiting; then it may have to give way */
#define REMOTE_TRIES 3 /* with a new writer each (DESIGN 1) */
#define KEPT (LIMIT_UNACKNOWLEDGED / LIMIT_CHUNK)

/* A chunk that was sent and not yet answered. */
struct kept {
	uint64_t number;
	uint32_t chunk;
	struct span bytes; /* malloc'd */
};

struct remote {
	struct store *reader;
	int control_fd;
	int channel_fd;	 /* -1: none */
	bool is_cut_off; /* gave up on writers: proxy.h */
	uint64_t incarnation;
	struct scoreboard *scoreboard; /* NULL: nobody to give way to */
	struct slot *slot;
	uint64_t asked;	    /* the change that is being asked for; 0: none */
	bool has_given_way; /* since remote_enter */
	uint64_t last_number;
	struct arena *scratch; /* of one message */
	const char *reason;
	struct shortage shortage; /* the writer's */

	/* The upload that is being staged: one request, one at a time. */
	struct staging staging;
	struct kept kept[KEPT];
	size_t kept_count;
	bool is_partly_durable; /* a chunk of it was acknowledged */
	enum result stage_result;
};

/* ---- channel.c: the way to the writer ---- */

void remote_disconnect(struct remote *remote);

/*
 * Around each call that may wait for the writer. RESULT_UNAVAILABLE: it is
 * silent, and the workers that are left are for those who read; so it is, as
 * long as nothing has happened, where what is between says so.
 */
MUST_USE enum result remote_enter(struct remote *remote);
void remote_leave(struct remote *remote);

/* Send a message, waiting for room. RESULT_IO: there is no writer at the other
 * end. RESULT_UNAVAILABLE: it gave way. */
MUST_USE enum result
remote_send(struct remote *remote, const struct wire_message *message);

/*
 * Receive one message, if is_waiting within REMOTE_ANSWER_MS.
 * RESULT_UNAVAILABLE: none came, or it gave way. RESULT_END: this writer is of
 * no more use, also when it says that a commit failed, for then it exits
 * (RELIABILITY 7).
 */
MUST_USE enum result remote_receive(
    struct remote *remote, bool is_waiting, struct wire_message *ret_message);

/* Get the next channel from the master and send again what was not
 * answered. RESULT_UNAVAILABLE: none came. */
MUST_USE enum result remote_recover(struct remote *remote);

/*
 * Send a message and wait for its answer, from the next writer if need be.
 * RESULT_UNAVAILABLE: it never went out. RESULT_UNKNOWN: it did, and nobody
 * answered.
 */
MUST_USE enum result
remote_ask(struct remote *remote, const struct wire_message *message,
    uint64_t number, struct wire_message *ret_answer);

#define REMOTE_ANSWER_MS 60000 /* the master kills a hanging writer sooner */

/* ---- stage.c: content sent ahead ---- */

MUST_USE enum result remote_stage_begin(void *state, struct staging *staging);
MUST_USE enum result
remote_stage(void *state, struct staging *staging, struct span bytes);
MUST_USE enum result remote_stage_end(void *state, struct staging *staging);
void remote_stage_drop(void *state, struct staging *staging);

/* Send all kept chunks; RESULT_IO: the writer went away. */
MUST_USE enum result remote_send_kept(struct remote *remote);
/* Note what a chunk's answer says. */
void remote_chunk_answered(
    struct remote *remote, const struct wire_message *message);
/* The writer does not know the blob: stage what is kept as another. */
MUST_USE enum result remote_stage_again(struct remote *remote);
/* Let go of what is kept. */
void remote_forget(struct remote *remote);

#endif
