/* SPDX-License-Identifier: ISC */
/*
 * store_mem_state.h - what store_mem.c (reads) and store_mem_apply.c (changes)
 * share. Rows are in arrays of one arena, which is freed when the store is
 * closed. Only content is freed earlier, so that a sanitizer sees a test that
 * reads it too late.
 */
#ifndef STORE_MEM_STATE_H
#define STORE_MEM_STATE_H

#include "store/engine.h"

#define MEM_NOWHERE SIZE_MAX

struct blob {
	uint64_t number;
	struct owner owner;
	bool is_named; /* by a record; else it is an upload's */
	uint32_t chunks;
	char *data; /* malloc */
	size_t size;
};

/* What an Idempotency-Key stands for. */
struct idempotency {
	uint8_t key[32];
	uint8_t meaning[32];
	struct id id;
};

/* The last change of an incarnation. */
struct last_change {
	uint64_t incarnation;
	uint64_t number;
	struct outcome outcome;
};

/* Rows of one size, in the order they were added. */
struct table {
	char *rows;
	size_t row_size;
	size_t count;
	size_t capacity;
};

struct mem {
	struct arena *arena;
	uint64_t max_bytes;
	struct shortage shortage;
	uint64_t last_moment;
	uint64_t last_blob;
	struct table records; /* struct artifact *, oldest first */
	struct table blobs;
	struct table keys;
	struct table last_changes;
};

/* The row at a place, which must be there. */
void *mem_row(const struct table *table, size_t place);
/* A zeroed row; pointers to other rows of the table are void then. */
void *mem_row_add(struct mem *mem, struct table *table);
void mem_row_remove(struct table *table, size_t place);

/* The artifact at a place, 0 the oldest. */
struct artifact *mem_record(const struct mem *mem, size_t place);
/* Its place, or MEM_NOWHERE. */
size_t mem_record_find(const struct mem *mem, const struct id *id);
/* NULL: there is none. */
struct blob *mem_blob(const struct mem *mem, uint64_t number);
/* A copy that shares nothing. */
struct artifact *mem_copy(const struct artifact *artifact, struct arena *arena);

/* ---- store_mem.c ---- */

struct store_stat mem_count(const struct mem *mem);

/* ---- store_mem_apply.c: the table that changes ---- */

void mem_apply(void *state, struct change *const *changes, size_t count,
    struct outcome *ret_outcomes);
enum result mem_stage_begin(void *state, struct staging *staging);
enum result mem_stage(void *state, struct staging *staging, struct span bytes);
enum result mem_stage_end(void *state, struct staging *staging);
void mem_stage_drop(void *state, struct staging *staging);

#endif
