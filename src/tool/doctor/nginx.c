/* SPDX-License-Identifier: ISC */
/*
 * nginx.c - what clients get from nginx: doctor asks over HTTP, as they do.
 * Is nginx there, does it reach artifactd, does it let in bodies as large as
 * artifactd takes, and whom does it let in? What counts is what nginx answers,
 * so its configuration is not read.
 */

#include "doctor.h"
#include "protocol/json.h"
#include "tool/client/http.h"
#include "tool/client/http_text.h"

#include <stdlib.h>

#define ASK_SECONDS 5 /* for each request, unless --timeout says otherwise */

/*
 * The URL to ask: that of --url, else the service's own, for $ARTIFACT_URL may
 * be of a store on another host. NULL: what all commands ask then.
 */
static const char *
chosen_url(const struct doctor *doctor)
{
	const char *url = ctl_value(doctor->ctl, "url");

	if (url == NULL && doctor->config->public_url[0] != '\0')
		url = doctor->config->public_url;
	return url;
}

static const char *
shown_url(const struct doctor *doctor, const struct ctl_http *http)
{
	return arena_string(doctor->arena, ctl_http_url(http));
}

static bool
leads_on(const struct ctl_http_answer *answer)
{
	return answer->status >= 300 && answer->status < 400 &&
	       ctl_http_header(answer, "Location").size > 0;
}

/* What artifactd takes: content, or a body of JSON. */
static uint64_t
largest_body(const struct config *config)
{
	return config->max_content > config->max_json ? config->max_content
						      : config->max_json;
}

static bool
is_turned_away(const struct ctl_http_answer *answer)
{
	return answer->status == 401 || answer->status == 403;
}

/* ---- is it there, and is it ours? ---- */

static void
ask(struct doctor *doctor, const struct ctl_http_request *request,
    struct ctl_http_answer *answer)
{
	if (!ctl_has(doctor->ctl, "timeout"))
		ctl_http_set_deadline(doctor->http, ASK_SECONDS);
	if (ctl_http_send(doctor->http, request, doctor->arena, answer) !=
	    CTL_OK)
		*answer = (struct ctl_http_answer){ 0 };
}

/* A member of the JSON of an answer; SPAN_NONE: there is no such text. */
static struct span
text_member(struct doctor *doctor, const struct ctl_http_answer *answer,
    const char *name)
{
	struct json_document document;
	struct faults faults;

	faults_init(&faults, doctor->arena);
	if (json_read(doctor->arena, answer->body, &faults, &document) !=
		JSON_VALID ||
	    faults.count > 0)
		return SPAN_NONE;
	return json_text_of(doctor->arena, json_get_source(&document, name));
}

/* An error in the form that artifactd and its locations in nginx give it. */
static void
judge_error(
    struct doctor *doctor, const char *url, unsigned status, const char *detail)
{
	if (status == 400 && strstr(detail, "ARTIFACTD_PARAMS") != NULL)
		doctor_problem(doctor,
		    "artifactd refuses all that nginx passes on from %s: %s. "
		    "Include artifactd-params.conf, and no fastcgi_params "
		    "beside it; the secret in it is that of %s. Then reload "
		    "nginx and artifactd",
		    url, detail, doctor->config->secret_file);
	else if (status == 502)
		doctor_problem(doctor,
		    "nginx answers at %s, but does not reach artifactd (502): "
		    "does it run (systemctl start artifactd.socket "
		    "artifactd.service), does artifactd-socket.conf pass to %s "
		    "as the setting listen does, and may nginx's user connect "
		    "(SocketUser and SocketGroup in artifactd.socket)? nginx's "
		    "error log says which",
		    url, doctor->config->listen);
	else
		doctor_problem(
		    doctor, "%s/readyz answers %u: %s", url, status, detail);
}

/* false: it is another server, or not known. */
static bool
judge_ready(struct doctor *doctor, const char *url,
    const struct ctl_http_answer *answer)
{
	struct span detail = text_member(doctor, answer, "detail");
	struct span to = ctl_http_header(answer, "Location");
	bool is_ours = ctl_http_header(answer, "X-Request-ID").size > 0;

	if (answer->status == 0)
		doctor_problem(doctor,
		    "%s gives no answer (%.*s): does nginx run "
		    "(systemctl start nginx), and listen there? --url says "
		    "where else, --cacert who signed its certificate",
		    url, (int)answer->body.size, answer->body.data);
	else if (is_turned_away(answer)) {
		doctor_unknown(doctor,
		    "%s asks who is there (%u), so whether artifactd is behind "
		    "it and ready is not known: give doctor $ARTIFACT_TOKEN, "
		    "--header, or --cert and --key",
		    url, answer->status);
		return true;
	} else if (leads_on(answer))
		doctor_unknown(doctor,
		    "%s leads to %.*s, where nobody was asked: name that by "
		    "--url, or in the setting public_url",
		    url, (int)to.size, to.data);
	else if (is_ours && answer->status == 200 &&
		 span_is(text_member(doctor, answer, "status"), "ready"))
		return true;
	else if (is_ours && detail.data != NULL) {
		judge_error(doctor, url, answer->status,
		    arena_string(doctor->arena, detail));
		return true;
	} else
		doctor_problem(doctor,
		    "what answers at %s (with status %u) is not artifactd: "
		    "include artifactd-http.conf in http { } and "
		    "artifactd-locations.conf in the server block, and reload "
		    "nginx; or name another place by --url",
		    url, answer->status);
	return false;
}

static void
look_at_answer(struct doctor *doctor)
{
	const struct ctl_http_request request = {
		.method = "GET", .path = SPAN("/readyz"), .may_fail = true
	};
	struct ctl_http_answer answer;

	if (ctl_http_open(doctor->ctl, chosen_url(doctor), &doctor->http) !=
	    CTL_OK) {
		doctor_unknown(
		    doctor, "nginx was not asked, as was said above");
		return;
	}
	ask(doctor, &request, &answer);
	doctor->is_nginx_ours =
	    judge_ready(doctor, shown_url(doctor, doctor->http), &answer);
}

/* ---- how large may a body be? ---- */

/*
 * Announce the largest body that artifactd takes, and send none of it: 100
 * says that nginx would let it in. Content comes in a form, which is larger by
 * the headers of its part.
 */
static void
look_at_limit(struct doctor *doctor)
{
	uint64_t most = largest_body(doctor->config);
	const struct ctl_http_part part = { .name = "file",
		.filename = "doctor",
		.content_type = "application/octet-stream",
		.size = most };
	const struct ctl_http_request request = { .method = "POST",
		.path = SPAN("/artifacts"),
		.parts = &part,
		.part_count = 1,
		.only_announces = true,
		.may_fail = true };
	struct ctl_http_answer answer;
	const char *url;

	if (!doctor->is_nginx_ours) {
		doctor_unknown(doctor,
		    "nothing of artifactd's answers that could be asked");
		return;
	}
	url = shown_url(doctor, doctor->http);
	ask(doctor, &request, &answer);
	if (answer.status == 413)
		doctor_problem(doctor,
		    "nginx refuses bodies at %s (413) that artifactd takes, "
		    "which are of up to %s by the settings max_content and "
		    "max_json: say \"client_max_body_size %llum;\" in "
		    "artifactd-pass.conf, and reload nginx",
		    url, doctor_size(doctor, most),
		    (unsigned long long)(most >> 20) + 4);
	else if (is_turned_away(&answer))
		doctor_unknown(doctor,
		    "%s asks who is there (%u), so whether it lets in bodies "
		    "of %s is not known: give doctor $ARTIFACT_TOKEN, "
		    "--header, or --cert and --key",
		    url, answer.status, doctor_size(doctor, most));
	else if (answer.status != 100)
		doctor_unknown(doctor,
		    "%s does not say whether it lets in bodies of %s (status "
		    "%u%s%.*s)",
		    url, doctor_size(doctor, most), answer.status,
		    answer.status == 0 ? ", " : "",
		    answer.status == 0 ? (int)answer.body.size : 0,
		    answer.body.data);
}

/* ---- who is let in? ---- */

#define A_LIST "/artifacts?limit=1"

/*
 * What somebody got who says nothing of himself. A redirection to a login
 * is a refusal; one to the same path, as from http to https, is not: who is
 * let in there nobody has asked.
 */
static void
judge_access(struct doctor *doctor, const char *url,
    const struct ctl_http_answer *answer)
{
	struct span to = ctl_http_header(answer, "Location");

	if (answer->status == 0)
		doctor_unknown(doctor,
		    "%s does not answer here within %d s, so whether it asks "
		    "who is there is not known: ask it from another host",
		    url, ASK_SECONDS);
	else if (answer->status == 200 &&
		 span_starts_with(span_trim(answer->body), "["))
		doctor_warning(doctor,
		    "%s gives its artifacts to whoever asks: all who reach it "
		    "can read, change and delete every one. \"Is it open?\" in "
		    "doc/operations.md has the ways to let in only some",
		    url);
	else if (leads_on(answer) &&
		 span_is(span_end(to, strlen(A_LIST)), A_LIST))
		doctor_unknown(doctor,
		    "%s leads to %.*s, where nobody was asked: name that by "
		    "--url, or in the setting public_url",
		    url, (int)to.size - (int)strlen(A_LIST), to.data);
	else if (!leads_on(answer) && !is_turned_away(answer))
		doctor_unknown(doctor,
		    "%s answers with status %u and not as a store does, so "
		    "whether it asks who is there is not known: has the URL "
		    "the path of the store?",
		    url, answer->status);
}

static void
look_at_access(struct doctor *doctor)
{
	const struct ctl_http_request request = {
		.method = "GET", .path = SPAN(A_LIST), .may_fail = true
	};
	const char *url = chosen_url(doctor);
	struct ctl_http_answer answer;
	struct ctl_http *http;
	struct span base;

	if (ctl_http_base(span_str(url), &base) && ctl_http_is_loopback(base))
		return; /* for who is on this host, and open to all of them */
	if (ctl_http_open_stranger(doctor->ctl, url, ASK_SECONDS, &http) !=
		CTL_OK ||
	    ctl_http_send(http, &request, doctor->arena, &answer) != CTL_OK)
		doctor_unknown(doctor, "nobody was asked, as was said above");
	else
		judge_access(doctor, shown_url(doctor, http), &answer);
}

/* ---- its disk ---- */

#define AT_ONCE 512 /* requests, by limit_conn of artifactd-pass.conf */

/* What an argument said when nginx was built. */
static struct span
built_with(struct span arguments, const char *argument, const char *otherwise)
{
	struct span word;

	while (arguments.data != NULL) {
		word = span_split(&arguments, ' ');
		if (span_starts_with(word, argument))
			return span_of(word.data + strlen(argument),
			    span_find(word, '\n') - strlen(argument));
	}
	return span_str(otherwise);
}

/* The path, if it is on the file system of the store; else NULL. */
static const char *
shared_path(struct doctor *doctor, struct span arguments, struct span path)
{
	struct span prefix =
	    built_with(arguments, "--prefix=", "/usr/local/nginx");
	const char *whole;

	if (!span_starts_with(path, "/"))
		path = arena_printf(doctor->arena, "%.*s/%.*s",
		    (int)prefix.size, prefix.data, (int)path.size, path.data);
	whole = arena_string(doctor->arena, path);
	return ctl_mount_is_shared(whole, doctor->local.directory) ? whole
								   : NULL;
}

/* A reserve that holds what nginx may write is as good as another disk. */
static void
judge_disk(struct doctor *doctor, const char *bodies, const char *answers)
{
	const struct config *config = doctor->config;
	bool are_both = bodies != NULL && answers != NULL;
	uint64_t most = largest_body(config);
	uint64_t times = are_both ? 2 * AT_ONCE : AT_ONCE;

	most = most > UINT64_MAX / times ? UINT64_MAX : most * times;
	if ((bodies == NULL && answers == NULL) || most <= config->reserve)
		return;
	doctor_warning(doctor,
	    "nginx keeps what is on its way in %s%s%s (unless its "
	    "configuration names another directory), on the file system of "
	    "the store: up to %s, and the setting reserve keeps %s: raise it, "
	    "or mount another disk there. See \"Sizing\" in doc/operations.md",
	    bodies != NULL ? bodies : "", are_both ? " and " : "",
	    answers != NULL ? answers : "", doctor_size(doctor, most),
	    doctor_size(doctor, config->reserve));
}

/* What nginx was built with is all that it tells without its configuration. */
static void
look_at_disk(struct doctor *doctor)
{
	const char *const words[] = { "nginx", "-V", NULL };
	struct ctl_program program;
	struct span built;

	if (!ctl_program_run(doctor->arena, words, &program)) {
		doctor_unknown(doctor,
		    "there is no program nginx here to tell where it keeps "
		    "what is on its way, so whether that is the disk of the "
		    "store is not known");
		return;
	}
	built = program.errors;
	judge_disk(doctor,
	    shared_path(doctor, built,
		built_with(built,
		    "--http-client-body-temp-path=", "client_body_temp")),
	    shared_path(doctor, built,
		built_with(
		    built, "--http-fastcgi-temp-path=", "fastcgi_temp")));
}

const struct doctor_check doctor_nginx_checks[] = {
	{ "public_url", DOCTOR_CONFIG | DOCTOR_URL, look_at_access },
	{ "nginx_answers", DOCTOR_CONFIG | DOCTOR_NGINX, look_at_answer },
	{ "nginx_limit", DOCTOR_CONFIG | DOCTOR_NGINX, look_at_limit },
	{ "nginx_disk", DOCTOR_CONFIG | DOCTOR_NGINX | DOCTOR_DIRECTORY,
	    look_at_disk },
	{ NULL, 0, NULL },
};
