/* SPDX-License-Identifier: ISC */
/*
 * worker.c - a worker's life: accept, parse, dispatch, send, log. The only
 * file that knows both FastCGI and the router.
 */

#include "process.h"
#include "base/digest.h"
#include "fcgi.h"
#include "base/limits.h"
#include "base/log.h"
#include "api/router.h"
#include "sandbox.h"
#include "store/lmdb/lmdb.h"
#include "store/proxy/proxy.h"

#include <errno.h>

struct worker {
	const struct process *process;
	struct store *store;
	struct fcgi *fcgi;
	struct arena *arena; /* of the present request */
	uint64_t sent;	     /* bytes of its answer's body */
	bool is_cut_off;     /* the peer did not take all of its answer */
};

/* ---- sending ---- */

static enum result
write_out(void *object, struct span bytes)
{
	struct worker *worker = object;

	if (fcgi_write(worker->fcgi, bytes))
		return RESULT_OK;
	worker->is_cut_off = true;
	return RESULT_IO;
}

/* may_keep: the connection may serve another request. */
static enum result
send_response(struct worker *worker, const struct request *request,
    const struct response *response, bool may_keep)
{
	const struct response_sink sink = { worker, write_out };
	enum result result;

	result = response_write(
	    response, request, worker->store, &sink, &worker->sent);
	if (result != RESULT_OK) {
		fcgi_abort(worker->fcgi);
		return result;
	}
	worker->is_cut_off = !fcgi_finish(worker->fcgi, may_keep);
	return worker->is_cut_off ? RESULT_IO : RESULT_OK;
}

/* ---- one request ---- */

static void
log_request(struct worker *worker, int level, const char *event,
    const struct request *request, const struct response *response)
{
	const char *reason = store_reason(worker->store);

	log_open(level, event);
	log_text("request", request->request_id);
	log_number("status", response->status);
	if (response->cause != RESULT_OK)
		log_string("result", result_text(response->cause));
	if (response->cause != RESULT_OK && reason[0] != '\0')
		log_string("cause", reason);
	log_text("address", request->address);
	log_text("user", request->user);
	/* The client's own words last: a line that is too long is cut. */
	if (response->detail.size > 0)
		log_text("detail", response->detail);
	log_text("method", request->method);
	log_text("target", request->target);
	log_close();
}

/* Before the answer goes out, so that who has a 2xx finds the line. */
static void
log_change(const struct request *request, const struct response *response)
{
	char id[ID_TEXT + 1];

	id_format(&response->event_id, id);
	log_open(LOG_NOTICE, response->event);
	log_text("request", request->request_id);
	log_string("artifact", id);
	if (response->event_version > 0)
		log_number("version", response->event_version);
	log_text("address", request->address);
	log_text("user", request->user);
	log_close();
}

static void
log_outcome(struct worker *worker, const struct request *request,
    struct response *response, enum result sent)
{
	if (worker->is_cut_off && response->status < 500) {
		/* The peer went away; the store did not fail. */
		log_request(
		    worker, LOG_INFO, "answer_cut_off", request, response);
		return;
	}
	if (sent != RESULT_OK && response->cause == RESULT_OK)
		response->cause = sent;
	if (response->status >= 500 || sent != RESULT_OK)
		log_request(
		    worker, LOG_ERR, "request_failed", request, response);
	else if (response->status >= 400)
		log_request(
		    worker, LOG_INFO, "request_refused", request, response);
	else
		log_request(worker, LOG_DEBUG, "request", request, response);
}

static void
count(struct worker *worker, const struct request *request,
    const struct response *response)
{
	struct metrics *metrics = worker->process->metrics;
	int64_t began = worker->process->slot->began;

	metrics_add(metrics, METRIC_REQUESTS,
	    LABELS(request->route, metrics_method(request->method),
		metrics_code(response->status)),
	    1);
	metrics_observe(metrics, METRIC_REQUEST_SECONDS, LABELS(request->route),
	    (uint64_t)(scoreboard_now() - began));
	metrics_add(
	    metrics, METRIC_BYTES_IN, LABELS_NONE, fcgi_received(worker->fcgi));
	metrics_add(metrics, METRIC_BYTES_OUT, LABELS_NONE, worker->sent);
}

static void
dispatch(
    struct worker *worker, struct request *request, struct response *response)
{
	const struct process *process = worker->process;
	struct context context = {
		.config = process->config,
		.store = worker->store,
		.owner = { process->slot->incarnation,
		    process->slot->requests },
		.now = moment_now(),
		.metrics = process->metrics,
		.scoreboard = process->scoreboard,
	};

	/* A change waits for the writer, a body for the peer. */
	if (!request_is_read(request) || request->content_length > 0)
		fcgi_share(worker->fcgi);
	request->body = fcgi_body(worker->fcgi, request->content_length);
	router_dispatch(&context, request, response);
	if (response->event != NULL)
		log_change(request, response);
}

static void
serve_request(struct worker *worker)
{
	struct request request = { .arena = worker->arena };
	struct response response;
	const char *reason;
	enum request_verdict verdict;
	enum result sent;

	verdict = request_parse(worker->arena, fcgi_parameters(worker->fcgi),
	    span_str(worker->process->config->secret), &request, &reason);
	response_init(&response, worker->arena);
	slot_name(worker->process->slot, request.request_id);
	if (verdict == REQUEST_GOOD) {
		dispatch(worker, &request, &response);
	} else {
		fcgi_share(worker->fcgi); /* its body may be slow to come */
		response_error(&response, 400, "%s", reason);
		response_caching(&response, &request);
	}
	worker->is_cut_off = false;
	sent = send_response(worker, &request, &response,
	    verdict == REQUEST_GOOD && request_is_read(&request));
	count(worker, &request, &response);
	if (verdict == REQUEST_NOT_OURS)
		/* No client causes this: nginx has another secret, or some
		 * other program sends requests. */
		log_request(
		    worker, LOG_WARNING, "peer_refused", &request, &response);
	else
		log_outcome(worker, &request, &response, sent);
	arena_reset(worker->arena);
}

/* The request's deadline runs from here on, since its parameters may be slow to
 * come. */
static void
serve_connection(struct worker *worker)
{
	const struct process *process = worker->process;

	slot_begin(process->scoreboard, process->slot);
	if (fcgi_receive(worker->fcgi))
		serve_request(worker);
	slot_end(process->slot);
}

/* ---- start and end ---- */

static bool
open_store(struct worker *worker)
{
	const struct process *process = worker->process;
	const struct store_proxy_options options = {
		.control_fd = process->control_fd,
		.incarnation = process->slot->incarnation,
		.scoreboard = process->scoreboard,
		.slot = process->slot,
	};
	char error[256];

	if (store_lmdb_open_reader(process->config->state_dir, error,
		&worker->store) != RESULT_OK) {
		log_open(LOG_ERR, "store_refused");
		log_string("cause", error);
		log_close();
		return false;
	}
	store_proxy_add(worker->store, &options);
	return true;
}

/* More than any request needs: a worker that asks for more ends. */
static uint64_t
memory_of(const struct config *config)
{
	uint64_t memory =
	    LIMIT_MEMORY_BESIDE + config->max_json * LIMIT_MEMORY_BODIES;

	return memory > LIMIT_MEMORY ? memory : LIMIT_MEMORY;
}

static bool
start(struct worker *worker)
{
	const struct process *process = worker->process;

	if (!open_store(worker))
		return false;
	worker->fcgi = fcgi_open(process);
	if (worker->fcgi == NULL ||
	    sandbox_enter(SANDBOX_WORKER, memory_of(process->config),
		&process->pool) != RESULT_OK) {
		log_open(LOG_ERR, "start_failed");
		log_errno("cause", errno);
		log_close();
		return false;
	}
	return true;
}

/* After how many requests to retire: up to an eighth more than the setting, so
 * that workers do not retire all at once. */
static uint64_t
retirement(const struct config *config)
{
	uint32_t jitter;

	digest_random(&jitter, sizeof(jitter));
	return config->requests_per_worker +
	       jitter % (config->requests_per_worker / 8 + 1);
}

static int
serve(struct worker *worker)
{
	struct slot *slot = worker->process->slot;
	uint64_t last = retirement(worker->process->config);
	enum arrival arrival;

	while (!process_is_ending() && slot->requests < last) {
		arrival = fcgi_accept(worker->fcgi);
		if (arrival == ARRIVAL_PEER)
			serve_connection(worker);
		if (arrival == ARRIVAL_NEWS)
			store_proxy_hear(worker->store);
		/* The master gives a worker one channel to each writer. This
		 * worker has given up waiting for one, so it ends; the worker
		 * that takes its place gets a new channel. */
		if (store_proxy_is_cut_off(worker->store)) {
			log_open(LOG_ERR, "writer_unreachable");
			log_close();
			return PROCESS_DONE;
		}
		if (arrival != ARRIVAL_FAILED)
			continue;
		log_open(LOG_ERR, "accept_failed");
		log_errno("cause", errno);
		log_close();
		return PROCESS_FAILED;
	}
	return PROCESS_DONE;
}

int
worker_run(const struct process *process)
{
	struct worker worker = { .process = process };
	int code = PROCESS_FAILED;

	worker.arena = arena_open();
	if (start(&worker))
		code = serve(&worker);
	fcgi_close(worker.fcgi);
	store_close(worker.store);
	arena_close(worker.arena);
	return code;
}
