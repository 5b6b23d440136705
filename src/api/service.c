/* SPDX-License-Identifier: ISC */
/*
 * service.c - what the service says of itself.
 */

#include "handle.h"

/* doc/openapi.json, made part of the program by the makefile. */
extern const char openapi_json[];

/*
 * The process answers, and says how much it takes at once: whoever is about to
 * send more need not find out behind the last byte.
 */
void
handle_healthz(const struct context *context, struct request *request,
    struct response *response)
{
	struct json_value *object = json_object(response->arena);

	(void)request;
	json_put_text(object, "status", SPAN("healthy"));
	json_put_number(object, "max_content", context->config->max_content);
	json_put_number(object, "max_json", context->config->max_json);
	response_json(response, 200, object);
}

/* What clients of the original service look for. */
void
handle_health(const struct context *context, struct request *request,
    struct response *response)
{
	struct json_value *object = json_object(response->arena);

	(void)context;
	(void)request;
	json_put_text(object, "status", SPAN("healthy"));
	json_put_text(object, "mode", SPAN("full"));
	response_json(response, 200, object);
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
