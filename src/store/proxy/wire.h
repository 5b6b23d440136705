/* SPDX-License-Identifier: ISC */
/*
 * wire.h - the messages between master, workers and writer.
 *
 * unix SOCK_SEQPACKET, a message a packet, at most LIMIT_MESSAGE and never
 * empty. First byte: the kind.
 *
 *	worker -> writer   BEGIN number u64, request u64
 *	                   CHANGE change (model/change.h)
 *	writer -> worker   BEGUN number u64, blob u64
 *	                   ANSWER number u64, result u8, id 16, have u64,
 *	                          limit u64, reusable u64, is_deleted u8
 *	master -> child    CHANNEL incarnation u64, with a descriptor
 *	writer -> master   READY
 *	                   LOST incarnation u64: its channel is closed
 *
 * Whoever receives a message judges whether its sender may send it.
 */
#ifndef WIRE_H
#define WIRE_H

#include "model/change.h"

enum wire_kind {
	WIRE_BEGIN = 1,
	WIRE_CHANGE,
	WIRE_BEGUN,
	WIRE_ANSWER,
	WIRE_CHANNEL,
	WIRE_READY,
	WIRE_LOST,
};

struct wire_message {
	enum wire_kind kind;
	uint64_t number;	/* BEGIN, BEGUN, ANSWER */
	uint64_t request;	/* BEGIN */
	uint64_t blob;		/* BEGUN */
	uint64_t incarnation;	/* CHANNEL, LOST */
	struct outcome outcome; /* ANSWER */
	struct change *change;	/* CHANGE */
	int fd;			/* CHANNEL; -1: none came */
};

/* A SEQPACKET pair, close-on-exec; false: errno says why. */
MUST_USE bool wire_pair(int ret_fds[2]);

/* What came of sending or receiving one message. */
enum wire_result {
	WIRE_DONE,
	WIRE_NOT_NOW,	/* no room for it, or none came: the peer may be busy */
	WIRE_GONE,	/* nobody holds the other end any more */
	WIRE_MALFORMED, /* what came is none of these messages */
};

/*
 * Send one message (arena: scratch). WIRE_NOT_NOW: is_waiting is false, or the
 * socket's own timeout passed. Never WIRE_MALFORMED.
 */
MUST_USE enum wire_result wire_send(int fd, const struct wire_message *message,
    bool is_waiting, struct arena *arena);

/*
 * Receive one message into the arena. WIRE_NOT_NOW: none came within
 * timeout_ms (0: look only, -1: wait).
 */
MUST_USE enum wire_result wire_receive(int fd, int timeout_ms,
    struct arena *arena, struct wire_message *ret_message);

#endif
