/* SPDX-License-Identifier: ISC */
/*
 * rot.h - a store whose every version is known, and ways to damage it.
 */
#ifndef ROT_H
#define ROT_H

#include "store/lmdb/lmdb.h"

/* What a look at a damaged store found, the worst of all. */
enum verdict {
	VERDICT_EQUAL,	 /* all as it was */
	VERDICT_TOLD,	 /* an error instead of an answer */
	VERDICT_MISSING, /* less, or older, without an error */
	VERDICT_WRONG,	 /* what was never stored so */
	VERDICT_CRASHED,
	VERDICT_HUNG,
};

/* One place of the file, and what is to stand there. */
struct damage {
	size_t offset;
	size_t size;
	const unsigned char *bytes;
	unsigned char flipped;
	char text[96];
};

/* rot_model.c: make the store, remember all that it ever held. */
void model_build(uint64_t seed);
void model_remove(void);
uint64_t model_random(uint64_t bound);
/* A flipped bit, or a page of an earlier moment or another place. */
void damage_choose(struct damage *damage, bool is_page);
/* The file as it was, but for this. */
void damage_store(const struct damage *damage);

/* rot_look.c: each in a process of its own. */
enum verdict look_by_reading(void);
enum verdict look_by_check(void);
/* A writer at work on the damaged store, with changes that are known too. */
enum verdict act_as_writer(void);

/* ---- what the model holds, for the looks ---- */

#define MODEL_COUNT 80
#define MODEL_VERSIONS 12

struct version {
	char *bytes; /* the stored form with the moment in front */
	size_t size;
};

struct known {
	struct id id;
	struct version versions[MODEL_VERSIONS]; /* oldest first */
	size_t count;
	bool is_deleted;
};

extern struct known model[MODEL_COUNT];
extern char model_directory[256];

/* A version of an artifact as bytes, in the arena. */
struct span model_bytes(const struct artifact *artifact, struct arena *arena);
/* Changes that a writer makes: the same ones each time. */
void model_change(
    struct store *store, struct arena *arena, size_t which, unsigned round);

#endif
