/* SPDX-License-Identifier: ISC */
/*
 * store_mem.h - an engine that keeps everything in memory, for tests.
 *
 * It checks changes as every engine must (store_contract.h has the tests),
 * frees deleted content at once, and is not fast. Idempotency keys never
 * expire.
 */
#ifndef STORE_MEM_H
#define STORE_MEM_H

#include "store/store.h"

/* An empty store; max_bytes is a quota over all content, 0: none. */
struct store *store_mem_open(uint64_t max_bytes);
/* An empty one that only reads. */
struct store *store_mem_open_reader(void);

#endif
