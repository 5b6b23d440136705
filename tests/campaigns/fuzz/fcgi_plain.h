/* SPDX-License-Identifier: ISC */
/*
 * fcgi_plain.h - a plain reading of FastCGI 1.0, to compare daemon/fcgi.c with: one
 * request, its records in order, nothing else between them.
 */
#ifndef FCGI_PLAIN_H
#define FCGI_PLAIN_H

#include "fuzz.h"

enum fcgi_plain_type {
	FCGI_PLAIN_BEGIN = 1,
	FCGI_PLAIN_END = 3,
	FCGI_PLAIN_PARAMS,
	FCGI_PLAIN_STDIN,
	FCGI_PLAIN_STDOUT,
	FCGI_PLAIN_GET_VALUES = 9,
	FCGI_PLAIN_UNKNOWN = 99,
};

struct fcgi_record {
	unsigned version;
	unsigned type;
	unsigned id;
	struct span content;
	size_t end; /* where the next one begins */
};

/* The record at that place; false: it is not there, or not whole. */
bool
fcgi_record_at(struct span bytes, size_t at, struct fcgi_record *ret_record);

struct fcgi_plain {
	char **parameters; /* NAME=VALUE, NULL at the end */
	size_t count;
	struct span body;
	size_t end; /* where its last record ends */
};

/* false: this is more than the plain reading knows, or it is no request. */
bool fcgi_plain_read(
    struct arena *arena, struct span bytes, struct fcgi_plain *ret_plain);

#endif
