/* SPDX-License-Identifier: ISC */
/*
 * set.h - texts, each once, numbered in the order in which they
 * came: ids, and values of filters, of which a server may have very many.
 */
#ifndef CTL_IMPORT_SET_H
#define CTL_IMPORT_SET_H

#include "base/mem.h"

struct import_set {
	struct arena *arena; /* the caller's */
	struct span *texts;
	size_t count;
	size_t capacity;
	uint32_t *slots; /* of a hash table: a number + 1, or 0 */
	size_t slot_count;
};

void import_set_init(struct import_set *set, struct arena *arena);
/* false: it is there. *ret_number (or NULL) is its number, in either case. */
bool
import_set_add(struct import_set *set, struct span text, size_t *ret_number);
/* false: it is not there. */
MUST_USE bool import_set_find(
    const struct import_set *set, struct span text, size_t *ret_number);

#endif
