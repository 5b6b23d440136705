/* SPDX-License-Identifier: ISC */
/* service.c - /readyz and /metrics: what the service says of
 * itself. */

#include "kit/trial.h"

#include <criterion/criterion.h>

static void
set_room(struct trial *trial, unsigned limit, bool is_there)
{
	metrics_set(
	    trial->context.metrics, METRIC_HAS_ROOM, LABELS(limit), is_there);
}

static void
set(struct trial *trial, enum metric metric, uint64_t value)
{
	metrics_set(trial->context.metrics, metric, LABELS_NONE, value);
}

Test(handle_service, is_ready_when_it_can_read_and_write)
{
	struct trial trial;

	trial_open(&trial);
	trial_get(&trial, "/readyz");
	trial_expect(&trial, 200, "{\"status\":\"ready\"}");
	trial_close(&trial);
}

Test(handle_service, is_not_ready_when_it_cannot_read)
{
	struct trial trial;

	trial_open(&trial);
	trial.stat = (struct failure){ RESULT_IO, 1 };
	trial_get(&trial, "/readyz");
	trial_expect(&trial, 503,
	    "{\"detail\":\"The store cannot be read: the operating system "
	    "failed. An operator has to look at the log.\"}");
	cr_assert_eq(trial.response.cause, RESULT_IO);
	cr_assert_not_null(trial_header(&trial, "Retry-After").data);
	trial_close(&trial);
}

Test(handle_service, is_not_ready_when_the_disk_is_full_and_names_numbers)
{
	struct trial trial;

	trial_open(&trial);
	set_room(&trial, METRICS_DISK, false);
	set(&trial, METRIC_DISK_FREE, 123);
	set(&trial, METRIC_DISK_RESERVE, 4567);
	trial_get(&trial, "/readyz");
	trial_expect_status(&trial, 503);
	cr_assert(trial_body_has(&trial,
	    "{\"detail\":\"123 bytes are free on the disk, of which the "
	    "setting `reserve` keeps 4567, so creates and uploads are "
	    "refused"));
	/* Not one of a change that found no room. */
	cr_assert_eq(trial.response.cause, RESULT_UNAVAILABLE);
	trial_close(&trial);
}

Test(handle_service, is_not_ready_when_the_quota_is_used_up)
{
	char id[ID_TEXT + 1];
	struct trial trial;

	trial_open(&trial);
	trial_create(&trial, "12345", id);
	set_room(&trial, METRICS_QUOTA, false);
	set(&trial, METRIC_QUOTA, 5);
	trial_get(&trial, "/readyz");
	trial_expect_status(&trial, 503);
	cr_assert(trial_body_has(
	    &trial, "5 of the 5 bytes that the setting `max_bytes` allows"));
	trial_close(&trial);
}

Test(handle_service, is_not_ready_when_the_writer_is_silent)
{
	struct scoreboard *scoreboard = scoreboard_open();
	struct slot *writer = &scoreboard->slots[SCOREBOARD_WRITER];
	struct trial trial;

	trial_open(&trial);
	trial.context.scoreboard = scoreboard;
	writer->heartbeat = scoreboard_now() - 29000000;
	trial_get(&trial, "/readyz");
	trial_expect_status(&trial, 200);
	writer->heartbeat = scoreboard_now() - 31000000;
	trial_get(&trial, "/readyz");
	trial_expect_status(&trial, 503);
	cr_assert(trial_body_has(&trial, "of the writer for 31 seconds"));
	trial_close(&trial);
	scoreboard_close(scoreboard);
}

Test(handle_service, is_not_ready_when_the_clock_is_a_day_behind)
{
	struct trial trial;

	trial_open(&trial);
	trial.newest = moment_now() + LIMIT_AHEAD - 60000000;
	trial_get(&trial, "/readyz");
	trial_expect_status(&trial, 200);
	trial.newest = moment_now() + LIMIT_AHEAD + 60000000;
	trial_get(&trial, "/readyz");
	trial_expect_status(&trial, 503);
	cr_assert(trial_body_has(&trial, "{\"detail\":\"The newest artifact is "
					 "864"));
	cr_assert(trial_body_has(&trial, "more than a day, so creates are "));
	trial_close(&trial);
}

Test(handle_service, lists_each_check_when_asked)
{
	static const char *const all_well =
	    "{\"status\":\"ready\",\"checks\":["
	    "{\"name\":\"store\",\"status\":\"ok\",\"detail\":"
	    "\"The store can be read: 0 artifacts.\"},"
	    "{\"name\":\"writer\",\"status\":\"ok\",\"detail\":"
	    "\"The writer takes changes.\"},"
	    "{\"name\":\"disk\",\"status\":\"ok\",\"detail\":"
	    "\"9 bytes are free on the disk, of which the setting `reserve` "
	    "keeps 4.\"},"
	    "{\"name\":\"quota\",\"status\":\"ok\",\"detail\":"
	    "\"There is no quota.\"},"
	    "{\"name\":\"clock\",\"status\":\"ok\",\"detail\":"
	    "\"The clock is not behind the artifacts.\"}]}";
	struct trial trial;

	trial_open(&trial);
	set(&trial, METRIC_DISK_FREE, 9);
	set(&trial, METRIC_DISK_RESERVE, 4);
	trial_get(&trial, "/readyz?verbose");
	trial_expect(&trial, 200, all_well);
	trial_get(&trial, "/readyz?x=y&verbose=1");
	trial_expect(&trial, 200, all_well);
	set_room(&trial, METRICS_DISK, false);
	set_room(&trial, METRICS_QUOTA, false);
	trial_get(&trial, "/readyz?verbose");
	trial_expect_status(&trial, 503);
	cr_assert(trial_body_has(&trial, "{\"detail\":\"9 bytes are free"));
	cr_assert(trial_body_has(&trial, "\"status\":\"not ready\""));
	cr_assert(
	    trial_body_has(&trial, "{\"name\":\"disk\",\"status\":\"failed\""));
	cr_assert(trial_body_has(
	    &trial, "{\"name\":\"quota\",\"status\":\"failed\""));
	cr_assert(
	    trial_body_has(&trial, "{\"name\":\"store\",\"status\":\"ok\""));
	trial_close(&trial);
}

Test(handle_service, metrics_hold_what_is_counted_and_what_is_stored)
{
	struct scoreboard *scoreboard = scoreboard_open();
	char id[ID_TEXT + 1];
	struct trial trial;

	trial_open(&trial);
	trial_create(&trial, "12345", id);
	trial.context.scoreboard = scoreboard;
	slot_occupy(&scoreboard->slots[0], 1);
	slot_occupy(&scoreboard->slots[7], 2);
	slot_occupy(&scoreboard->slots[8], 3);
	slot_occupy(&scoreboard->slots[SCOREBOARD_WRITER], 4);
	slot_begin(scoreboard, &scoreboard->slots[7]);
	metrics_add(trial.context.metrics, METRIC_REQUESTS, LABELS(1, 0, 0), 7);
	trial_get(&trial, "/metrics");
	trial_expect_status(&trial, 200);
	trial_expect_header(
	    &trial, "Content-Type", "text/plain; version=0.0.4");
	cr_assert(trial_body_has(&trial, "\nartifactd_store_artifacts 1\n"));
	cr_assert(
	    trial_body_has(&trial, "\nartifactd_store_content_bytes 5\n"));
	cr_assert(trial_body_has(&trial, "\nartifactd_store_readable 1\n"));
	cr_assert(
	    trial_body_has(&trial, "\nartifactd_workers{state=\"busy\"} 1\n"));
	cr_assert(
	    trial_body_has(&trial, "\nartifactd_workers{state=\"idle\"} 2\n"));
	cr_assert(trial_body_has(&trial,
	    "\nartifactd_requests_total{route=\"/artifacts\","
	    "method=\"GET\",code=\"200\"} 7\n"));
	trial_close(&trial);
	scoreboard_close(scoreboard);
}

Test(handle_service, metrics_come_without_figures_when_there_are_none)
{
	struct trial trial;

	trial_open(&trial);
	trial.stat = (struct failure){ RESULT_IO, 1 };
	trial_get(&trial, "/metrics");
	trial_expect_status(&trial, 200);
	cr_assert(trial_body_has(&trial, "\nartifactd_store_readable 0\n"));
	cr_assert_not(trial_body_has(&trial, "artifactd_store_artifacts"));
	trial_close(&trial);
}

/* ---- caches ---- */

/*
 * Whatever it is: content can be replaced and deleted, so that nothing is to
 * be taken from a cache unasked, not even a 404.
 */
Test(handle_service, lets_no_cache_answer_a_read_unasked)
{
	static const struct {
		const char *suffix; /* behind the artifact's path; or a path */
		int status;
	} cases[] = {
		{ "", 200 },
		{ "?include_content=false", 200 },
		{ "?include_content=x", 422 },
		{ "/content", 200 },
		{ "/raw", 200 },
		{ "/raw/", 307 },
		{ "/upload", 405 },
		{ "/artifacts", 200 },
		{ "/artifacts?limit=0", 422 },
		{ "/artifacts/none", 404 },
		{ "/none", 404 },
		{ "/healthz", 200 },
		{ "/readyz", 200 },
		{ "/api/v1/health", 200 },
		{ "/openapi.json", 200 },
		{ "/metrics", 200 },
	};
	static const char *const methods[] = { "GET", "HEAD" };
	struct trial trial;
	char id[ID_TEXT + 1];
	const char *target;
	size_t i, k;

	trial_open(&trial);
	trial_create(&trial, "hello", id);
	cr_assert_null(trial_header(&trial, "Cache-Control").data);
	metrics_set(
	    trial.context.metrics, METRIC_HAS_ROOM, LABELS(METRICS_DISK), 1);
	metrics_set(
	    trial.context.metrics, METRIC_HAS_ROOM, LABELS(METRICS_QUOTA), 1);
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		target = i < 7 ? trial_path(&trial, id, cases[i].suffix)
			       : cases[i].suffix;
		for (k = 0; k < 4; k++) {
			if (k >= 2)
				trial.headers.user = SPAN("ada");
			trial_send(&trial, methods[k % 2], target, SPAN(""));
			trial_expect_status(&trial, cases[i].status);
			trial_expect_header(&trial, "Cache-Control",
			    k < 2 ? "no-cache" : "private, no-cache");
		}
	}
	trial.headers.if_none_match = SPAN("*");
	trial_get(&trial, trial_path(&trial, id, "/raw"));
	trial_expect_status(&trial, 304);
	trial_expect_header(&trial, "Cache-Control", "no-cache");
	trial.headers.range = SPAN("bytes=0-1");
	trial_get(&trial, trial_path(&trial, id, "/raw"));
	trial_expect_status(&trial, 206);
	trial_expect_header(&trial, "Cache-Control", "no-cache");
	trial.headers.range = SPAN("bytes=9-");
	trial_get(&trial, trial_path(&trial, id, "/raw"));
	trial_expect_status(&trial, 416);
	trial_expect_header(&trial, "Cache-Control", "no-cache");
	trial.get = (struct failure){ RESULT_DAMAGED, 1 };
	trial_get(&trial, trial_path(&trial, id, ""));
	trial_expect_status(&trial, 500);
	trial_expect_header(&trial, "Cache-Control", "no-cache");
	trial_close(&trial);
}
