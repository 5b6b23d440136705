/* SPDX-License-Identifier: ISC */
/*
 * response.h - an answer in the making: status, headers, and where its body
 * comes from. Outcomes and faults become answers here; so do conditions and
 * ranges (RFC 9110, sections 13 and 14). No socket in sight.
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
	RESPONSE_TEXT,	  /* text is all of it */
	RESPONSE_CONTENT, /* size bytes of content from offset on */
	RESPONSE_QUOTED,  /* text, content as JSON string inside, tail */
};

struct response {
	struct arena *arena;
	int status;
	struct header headers[RESPONSE_HEADERS];
	size_t header_count;
	enum response_body kind;
	struct span text;
	struct span tail;
	struct content content;
	uint64_t offset;
	uint64_t size;
	enum result cause; /* of a 5xx, for the log */
	bool is_judged;	   /* the request's conditions were looked at */
};

void response_init(struct response *response, struct arena *arena);
/* The reason phrase of a status (RFC 9110, section 15); "" for others. */
const char *response_reason(int status);
/* Headers beyond RESPONSE_HEADERS are a bug. value must stay in the arena. */
void
response_header(struct response *response, const char *name, struct span value);

/* status and a JSON body. */
void
response_json(struct response *response, int status, struct json_value *value);
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
/* 415 for bytes that are not the content but a coding of it. */
void response_coded(struct response *response, struct span content_encoding);
/*
 * What a result other than RESULT_OK means to a client, with what to do
 * about it; 5xx keep it in cause. NOT_FOUND wants given, the id as sent.
 */
void response_result(
    struct response *response, enum result result, struct span given);
/*
 * Say a 507 (its cause is NO_SPACE or QUOTA) with the numbers, if there are
 * any.
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
 * What caches may do with an answer to GET or HEAD, whatever its status:
 * keep it and ask each time, since what it is of can be replaced or deleted;
 * only the user's own where there is one. Comes last, as errors drop headers.
 */
void response_caching(struct response *response, const struct request *request);

/* A strong ETag of hex digits, in quotes; put as a header. */
void
response_etag(struct response *response, const uint8_t *bytes, size_t size);

/* What the conditions of a GET or HEAD are judged by. */
struct validators {
	struct span etag;	       /* in hex; SPAN_NONE: there is none */
	const struct content *content; /* whose date counts; NULL: no date */
	uint64_t now;
};

/*
 * Judge the conditions of a GET or HEAD whose answer is to be 200, in the
 * order of RFC 9110, 13.2.2; Range is not among them and comes after. false:
 * go on; true: the response is a 412, or a 304 that wants its headers yet.
 */
MUST_USE bool response_is_decided(struct response *response,
    const struct request *request, const struct validators *validators);

/*
 * Put the conditions of a request into its change, for the writer to judge.
 * false: one cannot be judged there, and response says 400.
 */
MUST_USE bool response_read_conditions(struct response *response,
    const struct request *request, struct change *change);
/* The same for a create, which takes none: there is no state yet. */
MUST_USE bool response_refuse_conditions(
    struct response *response, const struct request *request);

#endif
