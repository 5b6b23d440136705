/* SPDX-License-Identifier: ISC */
/*
 * handle_service.c - what the service says of itself.
 */

#include "handle.h"

/* doc/openapi.json, made part of the program by the makefile. */
extern const char openapi_json[];

static void
answer_status(struct response *response, const char *status, const char *mode)
{
	struct json_value *object = json_object(response->arena);

	json_put_text(object, "status", span_str(status));
	if (mode != NULL)
		json_put_text(object, "mode", span_str(mode));
	response_json(response, 200, object);
}

/* The process answers. */
void
handle_healthz(const struct context *context, struct request *request,
    struct response *response)
{
	(void)context;
	(void)request;
	answer_status(response, "healthy", NULL);
}

/* The store can be read. */
void
handle_readyz(const struct context *context, struct request *request,
    struct response *response)
{
	struct store_stat stat;
	enum result result;

	(void)request;
	result = store_stat(context->store, &stat);
	if (result == RESULT_OK) {
		answer_status(response, "ready", NULL);
		return;
	}
	response_result(response, RESULT_UNAVAILABLE, SPAN_NONE);
	response->cause = result;
}

void
handle_no_space(const struct context *context, struct response *response)
{
	unsigned long long reserve = context->config->reserve;
	unsigned long long most = context->config->max_bytes;
	struct store_stat stat;

	if (response->cause == RESULT_NO_SPACE)
		response_error(response, 507,
		    "The disk is at its reserve (`reserve` is %llu bytes), so "
		    "creates and uploads are refused; reads and deletes still "
		    "work. Nothing was stored. Free space on the disk, delete "
		    "artifacts, or lower the setting `reserve`.",
		    reserve);
	else if (response->cause == RESULT_QUOTA &&
		 store_stat(context->store, &stat) == RESULT_OK)
		response_error(response, 507,
		    "This content would pass the quota for all content "
		    "together (`max_bytes` is %llu; %llu bytes are stored and "
		    "%llu on their way); reads and deletes still work. "
		    "Nothing was stored. Delete artifacts, or raise the "
		    "setting `max_bytes`.",
		    most, (unsigned long long)stat.bytes,
		    (unsigned long long)stat.staged);
}

/* What clients of the original service look for. */
void
handle_health(const struct context *context, struct request *request,
    struct response *response)
{
	(void)context;
	(void)request;
	answer_status(response, "healthy", "full");
}

void
handle_openapi(const struct context *context, struct request *request,
    struct response *response)
{
	(void)context;
	(void)request;
	response->status = 200;
	response->text = span_str(openapi_json);
	response_header(response, "Content-Type", SPAN("application/json"));
}
