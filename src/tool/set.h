/* SPDX-License-Identifier: ISC */
/*
 * set.h - texts, each once, numbered in the order in which they came: ids and
 * names, of which there may be very many.
 */
#ifndef CTL_SET_H
#define CTL_SET_H

#include "base/mem.h"

struct ctl_set {
	struct arena *arena; /* the caller's */
	struct span *texts;
	size_t count;
	size_t capacity;
	uint32_t *slots; /* of a hash table: a number + 1, or 0 */
	size_t slot_count;
};

void ctl_set_init(struct ctl_set *set, struct arena *arena);
/* false: the text was in the set already. *ret_number is the number of the text
 * in either case; NULL: not wanted. */
bool ctl_set_add(struct ctl_set *set, struct span text, size_t *ret_number);

#endif
