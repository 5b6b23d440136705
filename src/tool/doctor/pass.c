/* SPDX-License-Identifier: ISC */
/*
 * pass.c - where nginx and artifactd disagree about a request: in
 * each block that passes to us, what counts there is held against the setting
 * that it belongs to, or against artifactd-pass.conf.
 */

#include "nginx.h"

#define BODY_DEFAULT (1 << 20) /* nginx's own */
#define TIMEOUT_DEFAULT 60000

static void
judge_body(struct doctor *doctor, const struct nginx *block,
    const struct nginx *directive)
{
	uint64_t most = doctor->config->max_content;
	uint64_t size = BODY_DEFAULT;

	if (doctor->config->max_json > most)
		most = doctor->config->max_json;
	if (directive != NULL &&
	    !ctl_nginx_size(ctl_nginx_word(directive, 1), &size))
		return;
	if (size != 0 && size <= most)
		doctor_problem(doctor,
		    "nginx takes bodies of %s in %s, and artifactd takes %s: "
		    "what is between them gets nginx's 413. Say "
		    "\"client_max_body_size %llum;\" at %s",
		    doctor_size(doctor, size), doctor_title(doctor, block),
		    doctor_size(doctor, most),
		    (unsigned long long)(most >> 20) + 4,
		    doctor_place(
			doctor, directive != NULL ? directive : block));
}

static void
judge_timeout(struct doctor *doctor, const struct nginx *block,
    const struct nginx *directive)
{
	uint64_t most = (uint64_t)doctor->config->request_timeout * 1000;
	uint64_t time = TIMEOUT_DEFAULT;

	if (directive != NULL &&
	    !ctl_nginx_time(ctl_nginx_word(directive, 1), &time))
		return;
	if (time <= most)
		doctor_problem(doctor,
		    "nginx waits %llu s for an answer in %s, and artifactd "
		    "works %u s on one (request_timeout): clients get 504 for "
		    "what then happens. Say \"%s %us;\" at %s",
		    (unsigned long long)time / 1000,
		    doctor_title(doctor, block),
		    doctor->config->request_timeout,
		    directive != NULL ? directive->words[0].data
				      : "fastcgi_read_timeout",
		    doctor->config->request_timeout + 10,
		    doctor_place(
			doctor, directive != NULL ? directive : block));
}

static void
judge_keep_conn(struct doctor *doctor, const struct nginx *block,
    const struct nginx *directive)
{
	if (directive == NULL || !span_is(ctl_nginx_word(directive, 1), "on"))
		doctor_problem(doctor,
		    "\"fastcgi_keep_conn on;\" is missing in %s: what a killed "
		    "worker has sent then passes for the whole answer. Include "
		    "artifactd-pass.conf",
		    doctor_title(doctor, block));
}

static void
judge_buffering(struct doctor *doctor, const struct nginx *block,
    const struct nginx *directive)
{
	if (directive != NULL && !span_is(ctl_nginx_word(directive, 1), "on"))
		doctor_problem(doctor,
		    "%s is off in %s: each slow client then holds a worker. "
		    "Remove it at %s",
		    directive->words[0].data, doctor_title(doctor, block),
		    doctor_place(doctor, directive));
}

static void
judge_params(struct doctor *doctor, const struct nginx *block,
    const struct nginx *directive)
{
	for (; directive != NULL; directive = ctl_nginx_again(directive))
		if (span_is(ctl_nginx_word(directive, 1), "ARTIFACTD_PARAMS"))
			return;
	doctor_problem(doctor,
	    "the parameter ARTIFACTD_PARAMS is missing in %s, so that "
	    "artifactd "
	    "answers 400 to all: include artifactd-params.conf, and no "
	    "fastcgi_params beside it",
	    doctor_title(doctor, block));
}

static void
judge_limit_conn(struct doctor *doctor, const struct nginx *block,
    const struct nginx *directive)
{
	if (directive == NULL)
		doctor_warning(doctor,
		    "there is no limit_conn in %s: overload is then a queue, "
		    "and one client can use up all workers. Include "
		    "artifactd-pass.conf",
		    doctor_title(doctor, block));
}

void
doctor_look_at_limits(struct doctor *doctor)
{
	doctor_each(doctor, "client_max_body_size", judge_body);
	doctor_each(doctor, "fastcgi_read_timeout", judge_timeout);
	doctor_each(doctor, "fastcgi_send_timeout", judge_timeout);
	doctor_each(doctor, "limit_conn", judge_limit_conn);
}

void
doctor_look_at_passing(struct doctor *doctor)
{
	doctor_each(doctor, "fastcgi_keep_conn", judge_keep_conn);
	doctor_each(doctor, "fastcgi_request_buffering", judge_buffering);
	doctor_each(doctor, "fastcgi_buffering", judge_buffering);
	doctor_each(doctor, "fastcgi_param", judge_params);
}
