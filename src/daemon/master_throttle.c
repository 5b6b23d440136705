/* SPDX-License-Identifier: ISC */
/*
 * master_throttle.c - how long a role is held back whose processes die before
 * they have done anything. It knows times, and no processes.
 */

#include "master_state.h"

#define THROTTLE_FIRST (SECOND / 10)
#define THROTTLE_MOST (2 * SECOND) /* a worker waits 10 s for a writer */

bool
throttle_raise(struct throttle *throttle, int64_t born)
{
	int64_t now = scoreboard_now();
	bool is_first = throttle->delay == 0;

	if (!is_first && born < throttle->raised)
		return false;
	throttle->delay = is_first ? THROTTLE_FIRST : 2 * throttle->delay;
	if (throttle->delay > THROTTLE_MOST)
		throttle->delay = THROTTLE_MOST;
	throttle->raised = now;
	throttle->until = now + throttle->delay;
	return is_first;
}

void
throttle_end(struct throttle *throttle, int64_t born)
{
	if (born >= throttle->raised)
		throttle->delay = 0;
}

void
throttle_relax(struct throttle *throttle)
{
	if (throttle->delay > 0 &&
	    scoreboard_now() > throttle->until + throttle->delay + SECOND)
		throttle->delay = 0;
}
