/* SPDX-License-Identifier: ISC */
/*
 * trial.h - send a request through the router to a handler, on the memory
 * engine or on a store that fails on demand, and keep the answer.
 */
#ifndef TEST_HANDLE_H
#define TEST_HANDLE_H

#include "api/router.h"

/* What the store is to answer instead; left counts down, -1: always. */
struct failure {
	enum result result;
	int left;
};

struct trial {
	struct config config;
	struct context context;
	struct arena *arena; /* of the last request */
	struct arena *made;  /* of bodies, to the end */
	struct request request;
	struct response response;
	/* Set before trial_send, which forgets them. */
	struct request headers;
	uint64_t later;	    /* seconds that its clock is ahead of the store's */
	uint64_t announced; /* length of the body, if it is to be another */
	bool has_no_length; /* none is announced */
	/* What the store does. */
	struct store *store;
	struct failure get, read, stat, list, stage, apply;
	uint64_t newest; /* moment of the last create that the store tells */
	unsigned applied, dropped, staged;
	/* Of the body being read. */
	struct span left;
	bool is_cut;
};

void trial_open(struct trial *trial);
void trial_close(struct trial *trial);

/* Send it and fill trial->response. */
void trial_send(struct trial *trial, const char *method, const char *target,
    struct span body);
void trial_get(struct trial *trial, const char *target);
void trial_json(struct trial *trial, const char *method, const char *target,
    const char *body);
/* As multipart/form-data with boundary XBX; "#" begins a boundary line. */
void trial_form(struct trial *trial, const char *target, const char *body);
/* Create one with this content and remember its id. */
void trial_create(
    struct trial *trial, const char *content, char ret_id[ID_TEXT + 1]);
/* The same with size bytes of 'x', sent as a file. */
void
trial_create_large(struct trial *trial, size_t size, char ret_id[ID_TEXT + 1]);
/* "/artifacts/<id><suffix>", to the end of the trial. */
const char *trial_path(struct trial *trial, const char *id, const char *suffix);

/* The whole body of the answer, as the worker would send it. */
struct span trial_body(struct trial *trial);
/* A header's value; SPAN_NONE: not there. */
struct span trial_header(struct trial *trial, const char *name);
bool trial_body_has(struct trial *trial, const char *text);
/* The answer's member of this name, a string without escapes. */
struct span trial_member(struct trial *trial, const char *name);

/* Fail unless the answer is this one. */
void trial_expect(struct trial *trial, int status, const char *body);
void trial_expect_status(struct trial *trial, int status);
void
trial_expect_header(struct trial *trial, const char *name, const char *value);
/* How many artifacts there are. */
uint64_t trial_count(struct trial *trial);

/* {"detail":[{…}]} with one fault. */
#define FAULT(type, loc, msg) "{\"detail\":[" ONE_FAULT(type, loc, msg) "]}"
#define ONE_FAULT(type, loc, msg) \
	"{\"type\":\"" type "\",\"loc\":[" loc "],\"msg\":\"" msg "\"}"

#endif
