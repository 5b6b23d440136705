/* SPDX-License-Identifier: ISC */
/*
 * limits.h - every bound that a client can run into, with its reason.
 *
 * Sizes are bytes. What an operator may change is in config/table.c instead.
 */
#ifndef LIMITS_H
#define LIMITS_H

/* Members of an artifact that are in the index, whose keys have one byte for
 * the length of a value. */
#define LIMIT_WORKFLOW 200
#define LIMIT_PHASE 200
#define LIMIT_SESSION 200
#define LIMIT_TYPE 64

/* Its other members. */
#define LIMIT_TITLE 1024
#define LIMIT_CONTENT_TYPE 255 /* RFC 6838: 127 + 1 + 127 */
#define LIMIT_FILENAME 255     /* what file systems take */
#define LIMIT_USER 255	       /* REMOTE_USER; more than any login name */
#define LIMIT_METADATA 65536   /* with the rest it must fit one message */
#define LIMIT_DERIVED_FROM 256 /* ids */

/* Lists. */
#define LIMIT_PAGE_DEFAULT 50
#define LIMIT_PAGE 200
#define LIMIT_CANDIDATES 10 /* of an ambiguous prefix that are counted */

/* Bodies. */
#define LIMIT_JSON_DEPTH 64	      /* json-c recurses once per level */
#define LIMIT_JSON_VALUES 100000      /* json-c takes some 150 bytes for each */
#define LIMIT_MULTIPART_PARTS 1000    /* of files and of fields, each */
#define LIMIT_MULTIPART_FIELD 1048576 /* a part that is not a file */
#define LIMIT_MULTIPART_HEADERS 16384 /* of one part, all lines together */
#define LIMIT_MULTIPART_BOUNDARY 70   /* RFC 2046, section 5.1.1 */
#define LIMIT_MULTIPART_PREAMBLE 16384 /* before the first boundary */

/*
 * The memory of a worker: so much beside a JSON body, and 8 bytes for each that
 * max_json allows. Reading JSON takes up to 5 bytes for each of the body; the
 * rest is for holes in the heap. Never less than LIMIT_MEMORY, which is what
 * the default of max_json comes to.
 */
#define LIMIT_MEMORY_BESIDE (128 * 1024 * 1024)
#define LIMIT_MEMORY_BODIES 8
#define LIMIT_MEMORY (256 * 1024 * 1024)

/* Answers that say what is wrong with a request. */
#define LIMIT_FAULTS 100     /* items of a 422; one may stand for all others */
#define LIMIT_FAULT_NAME 200 /* bytes of a name in it */

/* Headers and paths: nginx lets 8 KiB through, the socket might more. */
#define LIMIT_PATH 16384
#define LIMIT_PREFIX 255 /* below which nginx serves us */
#define LIMIT_IDEMPOTENCY_KEY 255
#define LIMIT_IF_MATCH 256   /* entity tags in one header */
#define LIMIT_REQUEST_ID 128 /* nginx/artifactd-http.conf says the same */
#define LIMIT_ADDRESS 64     /* of a client, as nginx writes it */

/* Content is kept and sent in pieces: 16 pages of LMDB less its header and
 * the check, so that no page is cut. */
#define LIMIT_CHUNK 65512

/* One message between worker and writer: a chunk, a record, and room. */
#define LIMIT_MESSAGE (140 * 1024)

/* What one transaction takes: a commit of 4 MiB takes about 13 ms, and a
 * small create waits for it. */
#define LIMIT_BATCH_BYTES (4 * 1024 * 1024)
#ifndef LIMIT_BATCH_CHANGES /* tests/bench measures what batches bring */
#define LIMIT_BATCH_CHANGES 1024
#endif

/* Staged and not yet acknowledged, kept by the worker to send again. */
#define LIMIT_UNACKNOWLEDGED (4 * 1024 * 1024)

#define LIMIT_IDEMPOTENCY_HOURS 24

/* The newest artifact may be so far ahead of the clock, in microseconds; with
 * more, creates are refused, whose times rise. */
#define LIMIT_AHEAD UINT64_C(86400000000)

#endif
