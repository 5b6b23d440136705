/* SPDX-License-Identifier: ISC */
/*
 * response.h - an answer: status, headers, and where its body comes from.
 * Outcomes of the store, faults of a request and conditions (RFC 9110, section
 * 13) become answers here. It knows no socket: bytes go to a sink.
 */
#ifndef RESPONSE_H
#define RESPONSE_H

#include "request.h"
#include "store/store.h"

#define RESPONSE_HEADERS 16

struct header {
	const char *name;
	struct span value; /* one line, printable; in the arena */
};

enum response_body {
	RESPONSE_TEXT,	  /* text alone */
	RESPONSE_CONTENT, /* size bytes of content from offset on */
	RESPONSE_QUOTED,  /* text, all content as in a JSON string, tail */
};

struct response {
	struct arena *arena;
	int status;
	struct span detail; /* of an error: its sentence or first fault, cut */
	struct header headers[RESPONSE_HEADERS];
	size_t header_count;
	enum response_body kind;
	struct span text;
	struct span tail;
	struct content content;
	uint64_t offset;
	uint64_t size;
	enum result cause; /* of a 5xx, for the log */
	bool is_judged;	   /* the conditions of the request were judged */
	/* A change that was made, for the log: "artifact_deleted" and so on;
	 * NULL: none, or one that is not logged. */
	const char *event;
	struct id event_id;
	uint32_t event_version; /* of the content; 0: does not matter */
};

void response_init(struct response *response, struct arena *arena);
/* The reason phrase of a status (RFC 9110, section 15); "" for others. */
const char *response_reason(int status);
/* Headers beyond RESPONSE_HEADERS are a bug. value must stay in the arena. */
void
response_header(struct response *response, const char *name, struct span value);

/* status and a JSON body, as a value or as text. */
void
response_json(struct response *response, int status, struct json_value *value);
void
response_json_text(struct response *response, int status, struct span text);
/*
 * The functions from here to response_shortage are for errors. They drop the
 * headers that were put before: what belongs to an error, such as Content-Range
 * of a 416, is put after.
 */
/* {"detail": "<text>"}; the text is formatted. */
void response_error(struct response *response, int status, const char *format,
    ...) __attribute__((format(printf, 3, 4)));
/* The same for a text that may hold anything. */
void response_detail(struct response *response, int status, struct span detail);
/* 422 with all faults. */
void response_faults(struct response *response, const struct faults *faults);
/* 415 for a body in a Content-Encoding: its bytes would be stored as they come,
 * and so be another content. */
void response_coded(struct response *response, struct span content_encoding);
/*
 * Say what a result other than RESULT_OK means to a client, and what to do
 * about it. A 5xx keeps the result in cause. RESULT_NOT_FOUND shows given, the
 * id as the client sent it; other results ignore given.
 */
void response_result(
    struct response *response, enum result result, struct span given);
/*
 * Put the numbers into a 507 whose cause is NO_SPACE or QUOTA. Without any
 * numbers the answer stays as it is.
 */
void
response_shortage(struct response *response, const struct shortage *shortage);

/* Where an answer goes. Any result but RESULT_OK ends the writing. */
struct response_sink {
	void *object;
	enum result (*write)(void *object, struct span bytes);
};

/*
 * Write head and body, the latter unless the request is a HEAD, with content
 * read from the store. *ret_body_size: bytes of the body that were written, all
 * of them or not. What fails after the head has gone can only be told by ending
 * the connection: the body is then shorter than announced, or not ended.
 */
MUST_USE enum result response_write(const struct response *response,
    const struct request *request, struct store *store,
    const struct response_sink *sink, uint64_t *ret_body_size);

/*
 * Put Cache-Control into an answer to GET or HEAD, whatever its status. A cache
 * may keep the answer but has to ask each time, since an artifact can be
 * replaced or deleted; if a user is named, only the cache of that user may keep
 * the answer. Call this last, since an error drops the headers before it.
 */
void response_caching(struct response *response, const struct request *request);

/* Put the header ETag: the bytes in hex, as a strong tag. */
void
response_etag(struct response *response, const uint8_t *bytes, size_t size);

/* The state that the conditions of a GET or HEAD are compared with. */
struct validators {
	struct span etag;	       /* in hex; SPAN_NONE: it has none */
	const struct content *content; /* has its date; NULL: it has none */
	uint64_t now;
};

/*
 * Judge the conditions of a GET or HEAD that would otherwise be answered with
 * 200, in the order of RFC 9110, 13.2.2. Range is no condition; look at it
 * afterwards. false: go on. true: the response is a 412, or a 304 to which the
 * caller has to add the headers.
 */
MUST_USE bool response_is_decided(struct response *response,
    const struct request *request, const struct validators *validators);

/*
 * Put the conditions of a request into its change, for the writer to judge.
 * false: the writer could not judge one of them, and response says 400.
 */
MUST_USE bool response_read_conditions(struct response *response,
    const struct request *request, struct change *change);
/* For a create: refuse conditions, since there is no state yet to compare with.
 * false: there are some, and response says 400. */
MUST_USE bool response_refuse_conditions(
    struct response *response, const struct request *request);

#endif
