/* SPDX-License-Identifier: ISC */
/*
 * handle.h - what the files of this folder share, and no other includes: the
 * handlers, and the steps that several of them take.
 */
#ifndef HANDLE_H
#define HANDLE_H

#include "router.h"

/* ---- the handlers: a request in, a response out ---- */

void handle_list(const struct context *context, struct request *request,
    struct response *response);
void handle_create(const struct context *context, struct request *request,
    struct response *response);
void handle_detail(const struct context *context, struct request *request,
    struct response *response);
void handle_update(const struct context *context, struct request *request,
    struct response *response);
void handle_delete(const struct context *context, struct request *request,
    struct response *response);
void handle_content(const struct context *context, struct request *request,
    struct response *response);
void handle_upload(const struct context *context, struct request *request,
    struct response *response);
void handle_raw_get(const struct context *context, struct request *request,
    struct response *response);
void handle_raw_put(const struct context *context, struct request *request,
    struct response *response);
void handle_healthz(const struct context *context, struct request *request,
    struct response *response);
void handle_metrics(const struct context *context, struct request *request,
    struct response *response);
void handle_readyz(const struct context *context, struct request *request,
    struct response *response);
void handle_health(const struct context *context, struct request *request,
    struct response *response);
void handle_openapi(const struct context *context, struct request *request,
    struct response *response);

/* ---- artifact.c: which artifact a path means, and the URLs of one ---- */

struct target {
	enum result result; /* RESULT_OK: artifact is the one that is meant */
	struct artifact *artifact;
	struct id candidates[LIMIT_CANDIDATES];
	size_t count; /* over 1: the prefix is ambiguous */
};

/* Find what the path means, by full id or prefix, without answering. */
void handle_id_resolve(const struct context *context, struct request *request,
    struct target *ret_target);
/* 404, 409 or 5xx for a target whose result is not RESULT_OK. */
void handle_id_refuse(const struct request *request,
    const struct target *target, struct response *response);

/* The path's full id; false: it is none, and response says 404. */
MUST_USE bool handle_id_full(const struct request *request,
    struct response *response, struct id *ret_id);

/* The id as text in the arena. */
struct span handle_id_text(struct arena *arena, const struct id *id);

/* What Location, Link and storage_url begin with: …/artifacts */
void handle_id_root(const struct context *context,
    const struct request *request, struct buffer *buffer);
/* The same and "/<id>" and a suffix, in the request's arena. */
struct span handle_id_url(const struct context *context,
    const struct request *request, const struct id *id, const char *suffix);

/* ---- artifact.c: answers from a record and its content ---- */

/* A request for one artifact that is being answered. */
struct reading {
	const struct context *context;
	struct request *request;
	struct response *response;
	struct artifact *artifact;
};

/*
 * Find what the path means and let answer fill the response. RESULT_GONE
 * from it: the content was replaced meanwhile, so that it begins again with
 * the new record. Any result but RESULT_OK must leave the response as it
 * was.
 */
void handle_read(const struct context *context, struct request *request,
    struct response *response, enum result (*answer)(struct reading *reading));

/* See that content can be read from offset on, before the head goes out. */
MUST_USE enum result
handle_read_probe(struct reading *reading, uint64_t offset);

/* ---- body.c: a request's body, in pieces or as one JSON object ---- */

/* A body being read; hashed on the way if a Content-Digest came with it. */
struct handle_body {
	struct request *request;
	char *piece;
	bool is_hashed;
	struct digest digest;
	uint8_t hash[DIGEST_SHA256_SIZE];
};

void handle_body_open(struct handle_body *body, struct request *request);

/*
 * The next piece, valid until the next call. RESULT_END after the last one,
 * RESULT_MALFORMED when the body is not as long as announced.
 */
MUST_USE enum result
handle_body_next(struct handle_body *body, struct span *ret_piece);

/* After the end: false if Content-Digest is another, and response says so. */
MUST_USE bool
handle_body_is_intact(struct handle_body *body, struct response *response);

/*
 * Does a digest header agree with the hash of what came? If there is none,
 * yes; false: response says 400, naming both.
 */
MUST_USE bool handle_body_agrees(struct response *response, const char *name,
    struct span header, const uint8_t hash[DIGEST_SHA256_SIZE]);

/* 413 for content over max_content, in the words of doc/contract.md. */
void handle_body_refuse_size(
    const struct context *context, struct response *response);

/*
 * Read the whole body as a JSON object. false: response says what is wrong.
 * True can leave faults: what is not an object, whose root is then NULL.
 */
MUST_USE bool handle_body_json(const struct context *context,
    struct handle_body *body, struct response *response, struct faults *faults,
    struct json_document *ret_document);

/* ---- form.c: a multipart body as fields, one file, and the rest ---- */

/* The file's bytes go straight to an upload; fields are short and kept. */

/* A field that is known; the last part of its name counts. */
struct form_field {
	const char *name;
	size_t limit;	   /* of the value */
	bool is_there;	   /* there was a part of this name */
	bool is_file;	   /* it had a filename */
	bool is_too_long;  /* over the limit; value is only its beginning */
	struct span value; /* SPAN_NONE: not there, or is_file */
	struct buffer buffer;
};

enum form_file_kind {
	FORM_FILE_NONE, /* no such part, or an empty one without filename */
	FORM_FILE_TEXT, /* a part without filename */
	FORM_FILE_SENT,
};

/* The part `file`; the last one counts. */
struct form_file {
	enum form_file_kind kind;
	struct span filename;	  /* cut to its limit; SPAN_NONE: none or "" */
	struct span content_type; /* repaired; SPAN_NONE: none or "" */
	struct span repr_digest;
	struct upload *upload; /* of FORM_FILE_SENT */
	bool is_too_large;     /* over max_content; the upload keeps nothing */
};

/* A part of an unknown name: enough of the name to compare and to show it. */
struct form_extra {
	uint8_t fingerprint[16]; /* of the name as sent */
	struct span name;	 /* as a fault shows it */
};

struct form {
	/* Set by the caller, with the names and limits of the fields. */
	struct form_field *fields;
	size_t field_count;
	bool has_extra;	 /* note parts that are not known */
	bool is_nowhere; /* it will be refused: keep nothing of the file */

	struct form_file file;
	struct span coding; /* Content-Encoding of a part that is refused */
	struct form_extra *extra; /* unknown parts, each name once, in order */
	size_t extra_count;
	size_t extra_capacity;

	const struct context *context;
	struct arena *arena;
	struct arena *file_arena; /* of the upload; emptied for the next one */
	struct form_field *field; /* of the present part, or NULL */
	bool is_in_file;	  /* the present part is `file` */
};

/*
 * Read the whole body. false: response says what is wrong with it, and
 * nothing is staged. An empty body is a form without parts.
 */
MUST_USE bool handle_form_read(const struct context *context,
    struct handle_body *body, struct form *form, struct response *response);

/* Let go of the file, if it was staged. */
void handle_form_drop(struct form *form);

/* Note what is wrong with the part `file`, if it is not one. */
void handle_form_check_file(const struct form *form, struct faults *faults);

#endif
