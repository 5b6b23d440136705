/* SPDX-License-Identifier: ISC */
/* scoreboard.c - atomic words in memory shared across fork. */

#include "scoreboard.h"

#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define SILENCE SECOND	   /* without an answer, and changes give way */
#define STUCK (SECOND / 5) /* busy for so long, and another must accept */

/* State of the change that `asked` numbers; a number stays below both. */
#define TAKEN (UINT64_C(1) << 63)
#define OVER (UINT64_C(1) << 62)
#define NUMBER (OVER - 1)

struct scoreboard *
scoreboard_open(void)
{
	long processors = sysconf(_SC_NPROCESSORS_ONLN);
	struct scoreboard *scoreboard;
	size_t i;

	scoreboard = mmap(NULL, sizeof(*scoreboard), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (scoreboard == MAP_FAILED)
		return NULL;
	for (i = 0; i < SCOREBOARD_SLOTS; i++)
		slot_vacate(&scoreboard->slots[i]);
	/* Two at least, so that one can share what it keeps with the other. */
	scoreboard->processors = processors < 2 ? 2 : (unsigned)processors;
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
	return (int64_t)now.tv_sec * SECOND + now.tv_nsec / 1000;
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
	slot->waits = 0;
	slot->asked = 0;
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

/* ---- places ---- */

void
slot_wait_begin(struct slot *slot)
{
	slot->waits = scoreboard_now();
}

void
slot_wait_end(struct slot *slot)
{
	slot->waits = 0;
}

void
slot_ask(struct slot *slot, uint64_t number)
{
	/* The same change is sent again to the next writer: the last one may
	 * have taken it, which stays noted. */
	if ((slot->asked & NUMBER) != number)
		slot->asked = number;
}

void
slot_ask_end(struct slot *slot, uint64_t number)
{
	slot->asked = number | OVER;
}

bool
slot_withdraw(struct slot *slot, uint64_t number)
{
	uint64_t asked = number;

	return atomic_compare_exchange_strong(
	    &slot->asked, &asked, number | OVER);
}

bool
slot_take(struct slot *slot, uint64_t number)
{
	uint64_t asked = number;

	if (atomic_compare_exchange_strong(
		&slot->asked, &asked, number | TAKEN))
		return true;
	/* The writer took it before, or its worker does not publish what it
	 * asks for. */
	return (asked & NUMBER) < number || asked == (number | TAKEN);
}

void
scoreboard_answers(struct scoreboard *scoreboard)
{
	scoreboard->answered = scoreboard_now();
}

static unsigned
places_of(unsigned workers)
{
	if (workers >= 4)
		return workers - 2;
	return workers >= 2 ? workers - 1 : 1;
}

static unsigned
count_workers(const struct scoreboard *scoreboard)
{
	unsigned count = 0;
	size_t i;

	for (i = 0; i < SCOREBOARD_WORKERS; i++)
		count += scoreboard->slots[i].incarnation != 0;
	return count;
}

unsigned
scoreboard_places(const struct scoreboard *scoreboard)
{
	return places_of(count_workers(scoreboard));
}

/* Does one worker wait, and before another, whose change is not taken? */
static bool
is_before(const struct slot *one, const struct slot *other)
{
	int64_t waits = one->waits, its = other->waits;

	if (waits == 0 || one == other)
		return false;
	return (one->asked & TAKEN) != 0 || waits < its ||
	       (waits == its && one < other);
}

bool
scoreboard_must_give_way(
    const struct scoreboard *scoreboard, const struct slot *slot)
{
	int64_t now = scoreboard_now(), since = scoreboard->answered;
	int64_t oldest = now, waits;
	unsigned workers, before = 0;
	size_t i;

	if (now - since < SILENCE)
		return false;
	for (i = 0; i < SCOREBOARD_WORKERS; i++) {
		waits = scoreboard->slots[i].waits;
		if (waits != 0 && waits < oldest)
			oldest = waits;
		before += is_before(&scoreboard->slots[i], slot);
	}
	/* A writer for which nobody has waited that long is not silent. */
	if (now - oldest < SILENCE)
		return false;
	workers = count_workers(scoreboard);
	return workers > 1 && before >= places_of(workers);
}

/* ---- turns ---- */

static uint16_t
number_of(const struct scoreboard *scoreboard, const struct slot *slot)
{
	return (uint16_t)(1 + (slot - scoreboard->slots));
}

static bool
has_turn(const struct scoreboard *scoreboard, const struct slot *slot)
{
	uint16_t number = number_of(scoreboard, slot);
	size_t i;

	for (i = 0; i < SCOREBOARD_TURNS; i++)
		if (scoreboard->turns[i] == number)
			return true;
	return false;
}

/* Is there a worker in it, and one that accepts? */
static bool
accepts(const struct scoreboard *scoreboard, const struct slot *slot)
{
	return slot->incarnation != 0 && !has_turn(scoreboard, slot);
}

/* How many turns there are now. */
static unsigned
count_turns(const struct scoreboard *scoreboard)
{
	unsigned most = count_workers(scoreboard) / 4;

	if (most < 1)
		most = 1;
	return most < scoreboard->processors ? most : scoreboard->processors;
}

/* Is another worker free to accept? */
static bool
is_another_free(const struct scoreboard *scoreboard, const struct slot *slot)
{
	const struct slot *other;
	size_t i;

	for (i = 0; i < SCOREBOARD_WORKERS; i++) {
		other = &scoreboard->slots[i];
		if (other != slot && other->began == 0 &&
		    accepts(scoreboard, other))
			return true;
	}
	return false;
}

bool
slot_begin_turn(struct scoreboard *scoreboard, struct slot *slot)
{
	uint16_t nobody, number = number_of(scoreboard, slot);
	unsigned count = count_turns(scoreboard), i;

	if (!is_another_free(scoreboard, slot))
		return false;
	for (i = 0; i < count; i++) {
		nobody = 0;
		if (atomic_compare_exchange_strong(
			&scoreboard->turns[i], &nobody, number))
			return true;
	}
	return false;
}

void
slot_end_turn(struct scoreboard *scoreboard, const struct slot *slot)
{
	uint16_t number = number_of(scoreboard, slot);
	size_t i;

	for (i = 0; i < SCOREBOARD_TURNS; i++)
		if (scoreboard->turns[i] == number)
			scoreboard->turns[i] = 0;
}

void
scoreboard_end_turns(struct scoreboard *scoreboard)
{
	uint16_t number;
	size_t i;

	for (i = 0; i < SCOREBOARD_TURNS; i++) {
		number = scoreboard->turns[i];
		if (number > SCOREBOARD_WORKERS ||
		    (number > 0 &&
			scoreboard->slots[number - 1].incarnation == 0))
			scoreboard->turns[i] = 0;
	}
}

bool
scoreboard_has_turns(const struct scoreboard *scoreboard)
{
	size_t i;

	for (i = 0; i < SCOREBOARD_TURNS; i++)
		if (scoreboard->turns[i] != 0)
			return true;
	return false;
}

bool
scoreboard_needs_help(const struct scoreboard *scoreboard)
{
	int64_t now = scoreboard_now(), began;
	const struct slot *slot;
	size_t i;

	for (i = 0; i < SCOREBOARD_WORKERS; i++) {
		slot = &scoreboard->slots[i];
		began = slot->began;
		if ((began == 0 || now - began < STUCK) &&
		    accepts(scoreboard, slot))
			return false;
	}
	return scoreboard_has_turns(scoreboard);
}

/* ---- all slots ---- */

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

struct slot *
scoreboard_slot(struct scoreboard *scoreboard, uint64_t incarnation)
{
	size_t i;

	for (i = 0; i < SCOREBOARD_SLOTS; i++)
		if (scoreboard->slots[i].incarnation == incarnation)
			return &scoreboard->slots[i];
	return NULL;
}

bool
scoreboard_has(struct scoreboard *scoreboard, uint64_t incarnation)
{
	return scoreboard_slot(scoreboard, incarnation) != NULL;
}

bool
scoreboard_runs(
    struct scoreboard *scoreboard, uint64_t incarnation, uint64_t request)
{
	const struct slot *slot = scoreboard_slot(scoreboard, incarnation);

	return slot != NULL && slot->requests == request && slot->began != 0;
}
