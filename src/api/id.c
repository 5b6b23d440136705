/* SPDX-License-Identifier: ISC */
/*
 * id.c - from the id in a path, whole or the start of one, to the
 * artifact, as this worker sees the store; and from an id to its URL.
 */

#include "id.h"

#include <assert.h>

#define SHOWN 5	      /* candidates that an answer lists */
#define SHOWN_TEXT 12 /* characters of each */

/*
 * What is looked for: ids have lower case, people and other systems write
 * them in either. An answer that repeats the path's text has it as given.
 */
static struct span
folded(const struct request *request)
{
	return span_lower(request->arena, request->id);
}

void
handle_id_resolve(const struct context *context, struct request *request,
    struct target *ret_target)
{
	struct id *first = &ret_target->candidates[0];
	struct span text = folded(request);

	*ret_target = (struct target){ .result = RESULT_OK };
	if (id_parse(text, first))
		ret_target->count = 1;
	else
		ret_target->result = store_find(context->store, text,
		    ret_target->candidates, &ret_target->count);
	if (ret_target->result != RESULT_OK)
		return;
	ret_target->result = RESULT_NOT_FOUND;
	if (ret_target->count == 1)
		ret_target->result = store_get(context->store, first,
		    request->arena, &ret_target->artifact);
}

static void
refuse_ambiguous(const struct request *request, const struct target *target,
    struct response *response)
{
	char text[ID_TEXT + 1];
	struct buffer detail;
	size_t i;

	buffer_init(&detail, request->arena);
	buffer_append(&detail, SPAN("Ambiguous artifact ID '"));
	buffer_append(&detail, request->id);
	buffer_printf(&detail, "' matches %zu entries:\n", target->count);
	for (i = 0; i < target->count && i < SHOWN; i++) {
		id_format(&target->candidates[i], text);
		buffer_printf(&detail, "  - %.*s...\n", SHOWN_TEXT, text);
	}
	if (target->count > SHOWN)
		buffer_printf(
		    &detail, "  ... and %zu more\n", target->count - SHOWN);
	buffer_append(
	    &detail, SPAN("Provide a longer prefix to disambiguate."));
	response_detail(response, 409, buffer_span(&detail));
}

void
handle_id_refuse(const struct request *request, const struct target *target,
    struct response *response)
{
	assert(target->result != RESULT_OK);
	if (target->result == RESULT_NOT_FOUND && target->count > 1)
		refuse_ambiguous(request, target, response);
	else
		response_result(response, target->result, request->id);
}

bool
handle_id_full(
    const struct request *request, struct response *response, struct id *ret_id)
{
	if (id_parse(folded(request), ret_id))
		return true;
	response_result(response, RESULT_NOT_FOUND, request->id);
	return false;
}

struct span
handle_id_text(struct arena *arena, const struct id *id)
{
	char *text = arena_alloc(arena, ID_TEXT + 1);

	id_format(id, text);
	return span_of(text, ID_TEXT);
}

void
handle_id_root(const struct context *context, const struct request *request,
    struct buffer *buffer)
{
	struct span public_url = span_str(context->config->public_url);

	buffer_append(buffer, public_url.size > 0 ? public_url : request->base);
	buffer_append(buffer, SPAN("/artifacts"));
}

struct span
handle_id_url(const struct context *context, const struct request *request,
    const struct id *id, const char *suffix)
{
	struct buffer url;

	buffer_init(&url, request->arena);
	handle_id_root(context, request, &url);
	buffer_append_byte(&url, '/');
	buffer_append(&url, handle_id_text(request->arena, id));
	buffer_append(&url, span_str(suffix));
	return buffer_span(&url);
}
