/* SPDX-License-Identifier: ISC */
/*
 * sandbox.h - what a worker and the writer give up after their start
 * (doc/rules.md 27). The door to libseccomp.
 */
#ifndef SANDBOX_H
#define SANDBOX_H

#include "base/result.h"

#include <stdbool.h>
#include <stdint.h>

struct pool;

enum sandbox_role { SANDBOX_WORKER, SANDBOX_WRITER };

/*
 * From now on: no new privileges, no core dump, bounded descriptors, at most
 * so many bytes of memory (0: as many as there are), and only the system
 * calls of the role; any other kills the process. Whoever asks for more
 * memory hears ENOMEM. What is open now may be read and sent to, but of all
 * of it a worker can write to standard error alone, and send descriptors to the
 * pool alone (NULL: nowhere). RESULT_IO: the kernel refused, errno says why.
 * Does nothing where sandbox_is_built() is false.
 */
MUST_USE enum result
sandbox_enter(enum sandbox_role role, uint64_t memory, const struct pool *pool);

/* false in sanitizer builds: their runtime needs more calls than a role. */
bool sandbox_is_built(void);

#endif
