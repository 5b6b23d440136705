/* SPDX-License-Identifier: ISC */
/*
 * content.c - content as a member of a JSON object, without the rest
 * of the record.
 */

#include "read.h"

static enum result
answer(struct reading *reading)
{
	const struct artifact *artifact = reading->artifact;
	struct arena *arena = reading->request->arena;
	struct json_value *object = json_object(arena);

	json_put_text(
	    object, "artifact_id", handle_id_text(arena, &artifact->id));
	json_put_text(object, "content_type", artifact->content.type);
	json_put_number(object, "size_bytes", artifact->content.size);
	return handle_read_answer(reading, object, true);
}

void
handle_content(const struct context *context, struct request *request,
    struct response *response)
{
	handle_read(context, request, response, answer);
}
