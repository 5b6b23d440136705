/* SPDX-License-Identifier: ISC */
/*
 * condition.c - the table of conditions in doc/contract.md, each
 * method by each header (RFC 9110, 13).
 */

#include "kit/trial.h"

#include <criterion/criterion.h>

#define HASH \
	"\"2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824\""
#define FORM \
	"#\nContent-Disposition: form-data; name=file; " \
	"filename=a\n\nnew\n#--\n"
#define CREATE \
	"{\"workflow_id\":\"w\",\"artifact_type\":\"plan\",\"title\":\"t\"," \
	"\"content\":\"c\"}"
#define PAST "Thu, 01 Jan 1970 00:00:00 GMT"
#define FUTURE "Fri, 01 Jan 2100 00:00:00 GMT"

/* What a client knows of an artifact that has "hello". */
struct known {
	char id[ID_TEXT + 1];
	struct span etag; /* of the detail */
	struct span date;
};

static struct known
known_of(struct trial *trial)
{
	struct known known;

	trial_create(trial, "hello", known.id);
	trial_get(trial, trial_path(trial, known.id, ""));
	known.etag = arena_copy(trial->made, trial_header(trial, "ETag"));
	trial_get(trial, trial_path(trial, known.id, "/raw"));
	known.date =
	    arena_copy(trial->made, trial_header(trial, "Last-Modified"));
	cr_assert_not_null(known.date.data);
	return known;
}

/* "etag", "weak etag", "hash", "weak hash", "date", or the text itself. */
static struct span
value_of(struct trial *trial, const struct known *known, const char *text)
{
	if (text == NULL)
		return SPAN_NONE;
	if (strcmp(text, "etag") == 0)
		return known->etag;
	if (strcmp(text, "weak etag") == 0)
		return arena_printf(trial->made, "W/%.*s",
		    (int)known->etag.size, known->etag.data);
	if (strcmp(text, "hash") == 0)
		return SPAN(HASH);
	if (strcmp(text, "weak hash") == 0)
		return SPAN("W/" HASH);
	if (strcmp(text, "date") == 0)
		return known->date;
	return span_str(text);
}

/* ---- reads ---- */

struct read_case {
	const char *match, *unmodified, *none_match, *modified;
	int raw, detail, other; /* with and without a date; without a tag */
};

static const struct read_case reads[] = {
	{ NULL, NULL, NULL, NULL, 200, 200, 200 },
	/* If-Match: strongly, and before all others. */
	{ "*", NULL, NULL, NULL, 200, 200, 200 },
	{ "hash", NULL, NULL, NULL, 200, 412, 412 },
	{ "etag", NULL, NULL, NULL, 412, 200, 412 },
	{ "weak hash", NULL, NULL, NULL, 412, 412, 412 },
	{ "weak etag", NULL, NULL, NULL, 412, 412, 412 },
	{ "\"x\"", NULL, NULL, NULL, 412, 412, 412 },
	{ "", NULL, NULL, NULL, 412, 412, 412 },
	{ "junk", NULL, NULL, NULL, 412, 412, 412 },
	{ "\"x\"", NULL, "*", NULL, 412, 412, 412 },
	{ "\"x\"", FUTURE, NULL, FUTURE, 412, 412, 412 },
	{ "*", PAST, NULL, NULL, 200, 200, 200 },
	{ "*", NULL, "*", NULL, 304, 304, 304 },
	/* If-Unmodified-Since: only where there is a date. */
	{ NULL, PAST, NULL, NULL, 412, 200, 200 },
	{ NULL, "date", NULL, NULL, 200, 200, 200 },
	{ NULL, FUTURE, NULL, NULL, 200, 200, 200 },
	{ NULL, "yesterday", NULL, NULL, 200, 200, 200 },
	{ NULL, "", NULL, NULL, 200, 200, 200 },
	{ NULL, PAST, "hash", NULL, 412, 200, 200 },
	/* If-None-Match: weakly, and instead of If-Modified-Since. */
	{ NULL, NULL, "*", NULL, 304, 304, 304 },
	{ NULL, NULL, "hash", NULL, 304, 200, 200 },
	{ NULL, NULL, "weak hash", NULL, 304, 200, 200 },
	{ NULL, NULL, "etag", NULL, 200, 304, 200 },
	{ NULL, NULL, "weak etag", NULL, 200, 304, 200 },
	{ NULL, NULL, "\"x\"", NULL, 200, 200, 200 },
	{ NULL, NULL, "\"\"", NULL, 200, 200, 200 },
	{ NULL, NULL, "\"x\"", "date", 200, 200, 200 },
	{ NULL, "date", "hash", NULL, 304, 200, 200 },
	/* If-Modified-Since: the very date that is sent. */
	{ NULL, NULL, NULL, "date", 304, 200, 200 },
	{ NULL, NULL, NULL, PAST, 200, 200, 200 },
	{ NULL, NULL, NULL, FUTURE, 200, 200, 200 },
	{ NULL, NULL, NULL, "yesterday", 200, 200, 200 },
	{ "hash", "date", NULL, "date", 304, 412, 412 },
};

static void
read_with(struct trial *trial, const struct known *known,
    const struct read_case *row, const char *method, const char *target,
    int status)
{
	trial->headers.if_match = value_of(trial, known, row->match);
	trial->headers.if_unmodified_since =
	    value_of(trial, known, row->unmodified);
	trial->headers.if_none_match = value_of(trial, known, row->none_match);
	trial->headers.if_modified_since =
	    value_of(trial, known, row->modified);
	trial_send(trial, method, target, SPAN(""));
	cr_assert_eq(trial->response.status, status,
	    "row %td: %s %s is %d, not %d", row - reads, method, target,
	    trial->response.status, status);
	if (status == 304)
		trial_expect(trial, 304, "");
	if (status == 412)
		cr_assert(trial_body_has(trial, "If-Match"));
}

Test(handle_condition, reads_are_judged_by_each_header)
{
	static const char *const others[] = { "/artifacts", "/healthz",
		"/readyz", "/api/v1/health", "/openapi.json", "/metrics" };
	static const char *const methods[] = { "GET", "HEAD" };
	const struct read_case *row;
	struct trial trial;
	struct known known;
	size_t i, k, n;

	trial_open(&trial);
	known = known_of(&trial);
	for (i = 0; i < sizeof(reads) / sizeof(*reads); i++)
		for (k = 0; k < 2; k++) {
			row = &reads[i];
			read_with(&trial, &known, row, methods[k],
			    trial_path(&trial, known.id, "/raw"), row->raw);
			read_with(&trial, &known, row, methods[k],
			    trial_path(&trial, known.id, ""), row->detail);
			read_with(&trial, &known, row, methods[k],
			    trial_path(&trial, known.id, "/content"),
			    row->detail);
			for (n = 0; n < sizeof(others) / sizeof(*others); n++)
				read_with(&trial, &known, row, methods[k],
				    others[n], row->other);
		}
	trial_close(&trial);
}

/* What would be refused without conditions is refused for what it is. */
Test(handle_condition, come_after_everything_else_is_judged)
{
	static const struct {
		const char *target;
		int status;
	} cases[] = {
		{ "/artifacts/none", 404 },
		{ "/artifacts/none/raw", 404 },
		{ "/artifacts?limit=0", 422 },
		{ "/none", 404 },
	};
	struct trial trial;
	size_t i;

	trial_open(&trial);
	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		trial.headers.if_match = SPAN("\"x\"");
		trial.headers.if_none_match = SPAN("*");
		trial_get(&trial, cases[i].target);
		trial_expect_status(&trial, cases[i].status);
	}
	trial_close(&trial);
}

/* The second half of one content must not follow the first of another. */
Test(handle_condition, come_before_the_range)
{
	struct trial trial;
	struct known known;
	const char *raw;

	trial_open(&trial);
	known = known_of(&trial);
	raw = trial_path(&trial, known.id, "/raw");
	trial.headers.if_match = SPAN(HASH);
	trial.headers.range = SPAN("bytes=0-1");
	trial_get(&trial, raw);
	trial_expect(&trial, 206, "he");
	trial_send(&trial, "PUT", raw, SPAN("HELLO"));
	trial_expect_status(&trial, 200);
	trial.headers.if_match = SPAN(HASH);
	trial.headers.range = SPAN("bytes=2-");
	trial_get(&trial, raw);
	trial_expect_status(&trial, 412);
	trial.headers.if_unmodified_since = SPAN(PAST);
	trial.headers.range = SPAN("bytes=2-");
	trial_get(&trial, raw);
	trial_expect_status(&trial, 412);
	trial.headers.if_match = SPAN(HASH);
	trial.headers.range = SPAN("bytes=99-");
	trial_get(&trial, raw);
	trial_expect_status(&trial, 412);
	trial.headers.if_match = SPAN("*");
	trial.headers.range = SPAN("bytes=99-");
	trial_get(&trial, raw);
	trial_expect_status(&trial, 416);
	trial_close(&trial);
}

/* ---- dates ---- */

/* In one second, or with the clock set back, two contents have one date. */
Test(handle_condition, no_date_is_sent_or_believed_before_its_second_is_over)
{
	struct trial trial;
	struct known known;
	const char *raw;

	trial_open(&trial);
	known = known_of(&trial);
	raw = trial_path(&trial, known.id, "/raw");
	trial.later = (uint64_t)-10;
	trial_get(&trial, raw);
	trial_expect(&trial, 200, "hello");
	cr_assert_null(trial_header(&trial, "Last-Modified").data);
	trial.headers.if_modified_since = known.date;
	trial_get(&trial, raw);
	trial_expect(&trial, 200, "hello");
	trial.headers.if_unmodified_since = known.date;
	trial_get(&trial, raw);
	trial_expect_status(&trial, 412);
	trial.headers.if_range = known.date;
	trial.headers.range = SPAN("bytes=0-1");
	trial_get(&trial, raw);
	trial_expect(&trial, 200, "hello");
	trial.headers.if_none_match = SPAN(HASH);
	trial_get(&trial, raw);
	trial_expect(&trial, 304, "");
	cr_assert_null(trial_header(&trial, "Last-Modified").data);
	trial.later = 2;
	trial.headers.if_modified_since = known.date;
	trial_get(&trial, raw);
	trial_expect(&trial, 304, "");
	cr_assert_not_null(trial_header(&trial, "Last-Modified").data);
	trial_close(&trial);
}

/* ---- changes ---- */

enum verb { CHANGE_PUT_RAW, CHANGE_POST_FORM, CHANGE_PUT, CHANGE_GONE, VERBS };

static void
change_with(struct trial *trial, enum verb verb, const char *id)
{
	switch (verb) {
	case CHANGE_PUT_RAW:
		trial_send(
		    trial, "PUT", trial_path(trial, id, "/raw"), SPAN("new"));
		break;
	case CHANGE_POST_FORM:
		trial_form(trial, trial_path(trial, id, "/upload"), FORM);
		break;
	case CHANGE_PUT:
		trial_json(trial, "PUT", trial_path(trial, id, ""),
		    "{\"title\":\"new\"}");
		break;
	default:
		trial_send(
		    trial, "DELETE", trial_path(trial, id, ""), SPAN(""));
	}
}

Test(handle_condition, changes_are_judged_by_each_header)
{
	static const struct {
		const char *match, *unmodified, *none_match, *modified;
		int content, record; /* of raw and upload; of PUT and DELETE */
	} rows[] = {
		{ NULL, NULL, NULL, NULL, 200, 200 },
		{ "*", NULL, NULL, NULL, 200, 200 },
		{ "etag", NULL, NULL, NULL, 200, 200 },
		{ "hash", NULL, NULL, NULL, 200, 412 },
		{ "\"x\", etag", NULL, NULL, NULL, 412, 412 },
		{ "weak etag", NULL, NULL, NULL, 412, 412 },
		{ "weak hash", NULL, NULL, NULL, 412, 412 },
		{ "\"x\"", NULL, NULL, NULL, 412, 412 },
		{ "", NULL, NULL, NULL, 412, 412 },
		{ "\"x\"", FUTURE, NULL, NULL, 412, 412 },
		{ "etag", PAST, NULL, NULL, 200, 200 },
		{ NULL, PAST, NULL, NULL, 412, 400 },
		{ NULL, FUTURE, NULL, NULL, 200, 400 },
		{ NULL, "yesterday", NULL, NULL, 200, 400 },
		{ NULL, NULL, "*", NULL, 412, 412 },
		{ NULL, NULL, "etag", NULL, 412, 412 },
		{ NULL, NULL, "weak etag", NULL, 412, 412 },
		{ NULL, NULL, "hash", NULL, 412, 200 },
		{ NULL, NULL, "weak hash", NULL, 412, 200 },
		{ NULL, NULL, "\"x\"", NULL, 200, 200 },
		{ NULL, NULL, "junk", NULL, 400, 400 },
		{ "etag", NULL, "*", NULL, 412, 412 },
		{ "etag", NULL, "\"x\"", NULL, 200, 200 },
		{ NULL, FUTURE, "*", NULL, 412, 400 },
		/* Ignored: for reads only. */
		{ NULL, NULL, NULL, FUTURE, 200, 200 },
		{ NULL, NULL, NULL, "date", 200, 200 },
	};
	struct trial trial;
	struct known known;
	int status;
	size_t i, verb;

	trial_open(&trial);
	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		for (verb = 0; verb < VERBS; verb++) {
			known = known_of(&trial);
			trial.headers.if_match =
			    value_of(&trial, &known, rows[i].match);
			trial.headers.if_unmodified_since =
			    value_of(&trial, &known, rows[i].unmodified);
			trial.headers.if_none_match =
			    value_of(&trial, &known, rows[i].none_match);
			trial.headers.if_modified_since =
			    value_of(&trial, &known, rows[i].modified);
			change_with(&trial, (enum verb)verb, known.id);
			status = verb <= CHANGE_POST_FORM ? rows[i].content
							  : rows[i].record;
			cr_assert_eq(trial.response.status, status,
			    "row %zu, verb %zu: %d", i, verb,
			    trial.response.status);
			if (status == 200)
				continue;
			trial_get(&trial, trial_path(&trial, known.id, ""));
			trial_expect_status(&trial, 200);
			trial_expect_header(&trial, "ETag",
			    arena_string(trial.made, known.etag));
		}
	trial_close(&trial);
}

Test(handle_condition, changes_of_nothing_are_404_whatever_they_ask)
{
	struct trial trial;
	size_t verb;

	trial_open(&trial);
	for (verb = 0; verb < VERBS; verb++) {
		trial.headers.if_match = SPAN("*");
		trial.headers.if_none_match = SPAN("*");
		change_with(
		    &trial, (enum verb)verb, "00000000-0000-4000-8000-000000000000");
		trial_expect_status(&trial, 404);
	}
	trial_close(&trial);
}

Test(handle_condition, if_unmodified_since_of_a_record_names_the_way_out)
{
	struct trial trial;
	struct known known;

	trial_open(&trial);
	known = known_of(&trial);
	trial.headers.if_unmodified_since = known.date;
	change_with(&trial, CHANGE_GONE, known.id);
	trial_expect_status(&trial, 400);
	cr_assert(trial_body_has(&trial, "Send If-Match"));
	cr_assert_eq(trial_count(&trial), 1);
	trial_close(&trial);
}

/* ---- creates ---- */

Test(handle_condition, a_create_has_no_state_to_be_judged_by)
{
	static const struct {
		const char *match, *unmodified, *none_match, *modified;
		int status;
	} rows[] = {
		{ "*", NULL, NULL, NULL, 400 },
		{ "\"x\"", NULL, NULL, NULL, 400 },
		{ NULL, NULL, "*", NULL, 400 },
		{ NULL, NULL, "\"x\"", NULL, 400 },
		{ NULL, PAST, NULL, NULL, 201 },
		{ NULL, NULL, NULL, FUTURE, 201 },
	};
	struct trial trial;
	uint64_t count = 0;
	size_t i;

	trial_open(&trial);
	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		trial.headers.if_match = span_str(rows[i].match);
		trial.headers.if_unmodified_since =
		    span_str(rows[i].unmodified);
		trial.headers.if_none_match = span_str(rows[i].none_match);
		trial.headers.if_modified_since = span_str(rows[i].modified);
		trial_json(&trial, "POST", "/artifacts", CREATE);
		trial_expect_status(&trial, rows[i].status);
		if (rows[i].status == 400)
			cr_assert(trial_body_has(&trial, "Idempotency-Key"));
		else
			count++;
		cr_assert_eq(trial_count(&trial), count);
	}
	trial_close(&trial);
}
