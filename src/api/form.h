/* SPDX-License-Identifier: ISC */
/*
 * form.h - a multipart body as fields, one file, and the rest.
 *
 * The file's bytes go straight to an upload; fields are short and kept.
 */
#ifndef HANDLE_FORM_H
#define HANDLE_FORM_H

#include "body.h"

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

/* A part of a name that nobody knows: enough to tell and to show it. */
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
void handle_form_judge_file(const struct form *form, struct faults *faults);

#endif
