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
