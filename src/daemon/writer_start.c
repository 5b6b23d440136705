/* SPDX-License-Identifier: ISC */
/*
 * writer_start.c - what a writer does before its first message: it opens the
 * store, enters its sandbox and says READY. The log says what did not work,
 * the exit code whether another try may.
 */

#include "writer.h"
#include "base/log.h"
#include "sandbox.h"
#include "store/lmdb/lmdb.h"
#include "store/proxy/wire.h"

#include <errno.h>
#include <unistd.h>

#define LOCK_WAIT_US 15000000 /* for a writer that still ends */
#define LOCK_RETRY_US 100000

static void
beat(void *object)
{
	struct slot *slot = object;

	slot->heartbeat = scoreboard_now();
}

static enum result
open_store(
    const struct process *process, char error[256], struct store **ret_store)
{
	const struct config *config = process->config;
	struct store_lmdb_options options = {
		.directory = config->state_dir,
		.max_bytes = config->max_bytes,
		.reserve = config->reserve,
		.beat = beat,
		.object = process->slot,
	};
	int64_t until = scoreboard_now() + LOCK_WAIT_US;
	enum result result;

	for (;;) {
		result = store_lmdb_open_writer(&options, error, ret_store);
		if (result != RESULT_UNAVAILABLE || process_is_ending() ||
		    scoreboard_now() > until)
			return result;
		(void)usleep(LOCK_RETRY_US);
	}
}

/* Is it the store, which another try finds no better, or the system? */
static int
code_of_refusal(enum result result)
{
	return result == RESULT_IO || result == RESULT_NO_SPACE
		   ? PROCESS_FAILED
		   : PROCESS_REFUSED;
}

static int
fail(const char *event, const char *cause, int code)
{
	log_open(LOG_CRIT, event);
	log_string("cause", cause);
	log_close();
	return code;
}

int
writer_start(const struct process *process, struct arena *scratch,
    struct store **ret_store)
{
	struct wire_message ready = { .kind = WIRE_READY };
	char error[256] = "";
	enum result result;

	result = open_store(process, error, ret_store);
	if (result != RESULT_OK)
		return fail("store_refused", error, code_of_refusal(result));
	/* LMDB's list of pages to reuse may need any amount of memory. */
	if (sandbox_enter(SANDBOX_WRITER, 0) != RESULT_OK)
		return fail("sandbox_failed", strerror(errno), PROCESS_FAILED);
	writer_publish(process, *ret_store);
	scoreboard_answers(process->scoreboard);
	if (wire_send(process->control_fd, &ready, false, scratch) != RESULT_OK)
		return fail("ready_not_sent", strerror(errno), PROCESS_FAILED);
	return PROCESS_DONE;
}
