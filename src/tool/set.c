/* SPDX-License-Identifier: ISC */
/* set.c - a hash table that only grows. */

#include "set.h"

#include "base/digest.h"

#include <assert.h>

#define SLOTS_FIRST 256

void
ctl_set_init(struct ctl_set *set, struct arena *arena)
{
	*set = (struct ctl_set){ .arena = arena };
	set->slot_count = SLOTS_FIRST;
	set->slots = arena_alloc(arena, SLOTS_FIRST * sizeof(set->slots[0]));
}

/* The slot that has this text, or is free for it. */
static uint32_t *
find_slot(const struct ctl_set *set, struct span text)
{
	uint64_t hash = digest_check(text, SPAN(""));
	size_t mask = set->slot_count - 1;
	size_t i = (size_t)hash & mask;

	while (set->slots[i] != 0 &&
	       !span_equal(set->texts[set->slots[i] - 1], text))
		i = (i + 1) & mask;
	return &set->slots[i];
}

/* At most half of the slots are ever used. */
static void
grow(struct ctl_set *set)
{
	size_t i;

	set->slot_count *= 2;
	set->slots =
	    arena_alloc(set->arena, set->slot_count * sizeof(set->slots[0]));
	for (i = 0; i < set->count; i++)
		*find_slot(set, set->texts[i]) = (uint32_t)i + 1;
}

bool
ctl_set_add(struct ctl_set *set, struct span text, size_t *ret_number)
{
	uint32_t *slot = find_slot(set, text);
	bool is_new = *slot == 0;

	if (is_new) {
		assert(set->count < UINT32_MAX);
		set->texts = arena_grow(set->arena, set->texts, set->count,
		    &set->capacity, sizeof(set->texts[0]));
		set->texts[set->count] = arena_copy(set->arena, text);
		*slot = (uint32_t)++set->count;
	}
	if (ret_number != NULL)
		*ret_number = *slot - 1;
	if (is_new && 2 * set->count > set->slot_count)
		grow(set);
	return is_new;
}
