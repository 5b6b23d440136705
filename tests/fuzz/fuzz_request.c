/* SPDX-License-Identifier: ISC */
/*
 * fuzz_request.c - parameters, one a line, as a hostile peer may send them;
 * and messages on the channel of a worker.
 */
#include "fuzz.h"
#include "request.h"
#include "wire.h"

#include <sys/socket.h>
#include <unistd.h>

#define PARAMETERS 64

static void
parse_parameters(struct arena *arena, struct span text)
{
	char *list[PARAMETERS + 1] = { NULL };
	struct request request;
	const char *reason = NULL;
	uint8_t hash[32];
	size_t i;

	for (i = 0; i < PARAMETERS && text.data != NULL; i++)
		list[i] = arena_string(arena, span_split(&text, '\n'));
	if (request_parse(arena, list, &request, &reason) != RESULT_OK) {
		DEMAND(reason != NULL);
		return;
	}
	DEMAND(request.target.size > 0 && request.target.data[0] == '/');
	(void)request_media_is_json(request.content_type);
	(void)request_digest(request.content_digest, hash);
}

static void
receive_message(struct arena *arena, struct span bytes)
{
	struct wire_message message;
	int fds[2];

	if (bytes.size == 0 || bytes.size > 60000 || !wire_pair(fds))
		return;
	if (send(fds[0], bytes.data, bytes.size, MSG_DONTWAIT) > 0)
		(void)wire_receive(fds[1], 0, arena, &message);
	close(fds[0]);
	close(fds[1]);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_open();
	struct span bytes = arena_copy(arena, span_of(data, size));

	parse_parameters(arena, bytes);
	receive_message(arena, bytes);
	arena_close(arena);
	return 0;
}
