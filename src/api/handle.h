/* SPDX-License-Identifier: ISC */
/*
 * handle.h - the handlers: a request in, a response out; no socket in sight.
 */
#ifndef HANDLE_H
#define HANDLE_H

#include "config/config.h"
#include "base/metrics.h"
#include "response.h"
#include "base/scoreboard.h"

/* What a handler works with. */
struct context {
	const struct config *config;
	struct store *store;
	struct owner owner; /* of uploads: this worker, this request */
	uint64_t now;	    /* the clock, when the request came */
	struct metrics *metrics;
	struct scoreboard *scoreboard; /* NULL: there are no processes */
};

void handle_list(const struct context *context, struct request *request,
    struct response *response);
void handle_create(const struct context *context, struct request *request,
    struct response *response);
void handle_detail(const struct context *context, struct request *request,
    struct response *response);
void handle_update(const struct context *context, struct request *request,
    struct response *response);
void handle_delete(const struct context *context, struct request *request,
    struct response *response);
void handle_content(const struct context *context, struct request *request,
    struct response *response);
void handle_upload(const struct context *context, struct request *request,
    struct response *response);
void handle_raw_get(const struct context *context, struct request *request,
    struct response *response);
void handle_raw_put(const struct context *context, struct request *request,
    struct response *response);
void handle_healthz(const struct context *context, struct request *request,
    struct response *response);
void handle_metrics(const struct context *context, struct request *request,
    struct response *response);
void handle_readyz(const struct context *context, struct request *request,
    struct response *response);
void handle_health(const struct context *context, struct request *request,
    struct response *response);
void handle_openapi(const struct context *context, struct request *request,
    struct response *response);

#endif
