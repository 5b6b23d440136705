/* SPDX-License-Identifier: ISC */
/* scoreboard.c - atomic words in memory shared across fork. */

#include "scoreboard.h"

#include <string.h>
#include <sys/mman.h>
#include <time.h>

struct scoreboard *
scoreboard_open(void)
{
	struct scoreboard *scoreboard;
	size_t i;

	scoreboard = mmap(NULL, sizeof(*scoreboard), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (scoreboard == MAP_FAILED)
		return NULL;
	for (i = 0; i < SCOREBOARD_SLOTS; i++)
		slot_vacate(&scoreboard->slots[i]);
	return scoreboard;
}

void
scoreboard_close(struct scoreboard *scoreboard)
{
	if (scoreboard != NULL)
		(void)munmap(scoreboard, sizeof(*scoreboard));
}

int64_t
scoreboard_now(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now); /* this clock is there */
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

void
slot_occupy(struct slot *slot, uint64_t incarnation)
{
	slot_vacate(slot);
	slot->heartbeat = scoreboard_now();
	slot->incarnation = incarnation;
}

void
slot_vacate(struct slot *slot)
{
	slot->incarnation = 0;
	slot->pid = 0;
	slot->requests = 0;
	slot->epoch = SCOREBOARD_IDLE;
	slot->began = 0;
	slot->request_id[0] = '\0';
}

void
slot_name(struct slot *slot, struct span request_id)
{
	size_t size = request_id.size;

	if (size > SCOREBOARD_REQUEST_ID - 1)
		size = SCOREBOARD_REQUEST_ID - 1;
	if (size > 0)
		memcpy(slot->request_id, request_id.data, size);
	slot->request_id[size] = '\0';
}

void
slot_begin(struct scoreboard *scoreboard, struct slot *slot)
{
	slot->request_id[0] = '\0';
	slot->requests++;
	slot->began = scoreboard_now();
	slot->epoch = scoreboard->epoch;
	/* Publish before the first read: see scoreboard.h. */
	atomic_thread_fence(memory_order_seq_cst);
}

void
slot_end(struct slot *slot)
{
	slot->epoch = SCOREBOARD_IDLE;
	slot->began = 0;
}

void
slot_request(const struct slot *slot, char ret_id[SCOREBOARD_REQUEST_ID])
{
	ret_id[0] = '\0';
	if (slot->began == 0)
		return;
	memcpy(ret_id, slot->request_id, SCOREBOARD_REQUEST_ID - 1);
	ret_id[SCOREBOARD_REQUEST_ID - 1] = '\0';
}

uint64_t
scoreboard_oldest(struct scoreboard *scoreboard)
{
	uint64_t oldest = SCOREBOARD_IDLE;
	uint64_t epoch;
	size_t i;

	atomic_thread_fence(memory_order_seq_cst);
	for (i = 0; i < SCOREBOARD_SLOTS; i++) {
		epoch = scoreboard->slots[i].epoch;
		if (epoch < oldest)
			oldest = epoch;
	}
	return oldest;
}

void
scoreboard_count(
    struct scoreboard *scoreboard, unsigned *ret_busy, unsigned *ret_idle)
{
	const struct slot *slot;
	size_t i;

	*ret_busy = *ret_idle = 0;
	for (i = 0; i < SCOREBOARD_WORKERS; i++) {
		slot = &scoreboard->slots[i];
		if (slot->incarnation != 0)
			++*(slot->began != 0 ? ret_busy : ret_idle);
	}
}

bool
scoreboard_has(struct scoreboard *scoreboard, uint64_t incarnation)
{
	size_t i;

	for (i = 0; i < SCOREBOARD_SLOTS; i++)
		if (scoreboard->slots[i].incarnation == incarnation)
			return true;
	return false;
}

bool
scoreboard_runs(
    struct scoreboard *scoreboard, uint64_t incarnation, uint64_t request)
{
	struct slot *slot;
	size_t i;

	for (i = 0; i < SCOREBOARD_SLOTS; i++) {
		slot = &scoreboard->slots[i];
		if (slot->incarnation == incarnation)
			return slot->requests == request && slot->began != 0;
	}
	return false;
}
