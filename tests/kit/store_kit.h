/* SPDX-License-Identifier: ISC */
/*
 * store_kit.h - helpers that the tests of store_contract.h share: an open
 * store, artifacts to put into it, changes in one line.
 */
#ifndef STORE_KIT_H
#define STORE_KIT_H

#include "store_contract.h"

struct kit {
	const struct subject *subject;
	struct store *store;
	struct arena *arena;
	struct owner owner;
	uint64_t random;
};

/* Open the subject; the quota is 0 for most. */
struct kit kit_open(const struct subject *subject, uint64_t max_bytes);
void kit_close(struct kit *kit);

/*
 * The next number below bound. The seed is TEST_SEED of the environment or
 * always the same, and is printed when it is the former.
 */
size_t kit_random(struct kit *kit, size_t bound);
/* Bytes that differ from place to place, and from seed to seed. */
struct span kit_bytes(struct kit *kit, size_t size, uint64_t seed);

/* A plain artifact with a fresh id and no content. */
struct artifact *kit_artifact(struct kit *kit);

/*
 * Upload bytes in pieces of odd sizes and fill in content and the change's
 * bytes; the first result that is not OK. *ret_upload is to be dropped.
 */
enum result kit_upload(struct kit *kit, struct change *change,
    struct span bytes, struct upload **ret_upload);

/* The changes, as a worker makes them. */
enum result
kit_create(struct kit *kit, struct artifact *artifact, struct span bytes);
enum result kit_content(
    struct kit *kit, const struct id *id, struct span type, struct span bytes);
enum result kit_delete(struct kit *kit, const struct id *id);
enum result kit_apply(struct kit *kit, struct change *change);

/* A create, or the test fails; what the store says of it then. */
struct artifact *kit_put(struct kit *kit, struct span bytes);
/* It must be there. */
struct artifact *kit_get(struct kit *kit, const struct id *id);
struct store_stat kit_stat(struct kit *kit);

/* All but moments and blob. */
void kit_expect_same(const struct artifact *one, const struct artifact *other);
/* The content, read in pieces of odd sizes, is these bytes. */
void kit_expect_content(
    struct kit *kit, const struct content *content, struct span bytes);
void kit_expect_stat(
    struct kit *kit, uint64_t artifacts, uint64_t bytes, uint64_t staged);

#endif
