/* SPDX-License-Identifier: ISC */
/* metrics.c - what is counted, and how it reads. */

#include "base/metrics.h"

#include "api/response.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static struct metrics *metrics;
static struct arena *arena;
static const char *const routes[] = { "/artifacts", "/artifacts/{id}" };

static void
begin(void)
{
	metrics = metrics_open();
	cr_assert_not_null(metrics);
	arena = arena_open();
}

static void
end(void)
{
	arena_close(arena);
	metrics_close(metrics);
}

TestSuite(metrics, .init = begin, .fini = end);

static const char *
text(void)
{
	struct buffer buffer;

	buffer_init(&buffer, arena);
	metrics_write(metrics, routes, 2, &buffer);
	buffer_append_byte(&buffer, '\0');
	return buffer.data;
}

/* Is this a whole line of the text? */
static bool
has_line(const char *line)
{
	const char *found = text();
	size_t size = strlen(line);

	for (; (found = strstr(found, line)) != NULL; found++)
		if (found[-1] == '\n' && found[size] == '\n')
			return true;
	return false;
}

Test(metrics, begin_at_nothing)
{
	cr_assert(has_line("artifactd_request_body_bytes_total 0"));
	cr_assert(has_line("artifactd_child_starts_total{role=\"worker\"} 0"));
	cr_assert(has_line("artifactd_batch_changes_count 0"));
	cr_assert_null(strstr(text(), "artifactd_requests_total{"));
	cr_assert_null(
	    strstr(text(), "artifactd_request_duration_seconds_count"));
	metrics_close(NULL);
}

Test(metrics, count_by_label)
{
	const unsigned get = metrics_method(SPAN("GET"));
	const unsigned put = metrics_method(SPAN("PUT"));

	metrics_add(
	    metrics, METRIC_REQUESTS, LABELS(1, get, metrics_code(200)), 1);
	metrics_add(
	    metrics, METRIC_REQUESTS, LABELS(1, get, metrics_code(200)), 2);
	metrics_add(
	    metrics, METRIC_REQUESTS, LABELS(2, put, metrics_code(412)), 1);
	metrics_add(metrics, METRIC_REQUESTS,
	    LABELS(0, metrics_method(SPAN("BREW")), metrics_code(418)), 1);
	cr_assert_eq(metrics_get(metrics, METRIC_REQUESTS,
			 LABELS(1, get, metrics_code(200))),
	    3);
	cr_assert(has_line("artifactd_requests_total{route=\"/artifacts\","
			   "method=\"GET\",code=\"200\"} 3"));
	cr_assert(has_line("artifactd_requests_total{route=\"/artifacts/{id}\","
			   "method=\"PUT\",code=\"412\"} 1"));
	cr_assert(has_line("artifactd_requests_total{route=\"other\","
			   "method=\"other\",code=\"other\"} 1"));
}

Test(metrics, every_combination_of_labels_has_a_cell_of_its_own)
{
	unsigned one, two, three;

	for (one = 0; one < METRICS_ROUTES; one++)
		for (two = 0; two <= metrics_method(SPAN("?")); two++)
			for (three = 0; three <= metrics_code(0); three++)
				metrics_add(metrics, METRIC_REQUESTS,
				    LABELS(one, two, three), 1);
	for (one = 0; one < METRICS_ROUTES; one++)
		for (two = 0; two <= metrics_method(SPAN("?")); two++)
			for (three = 0; three <= metrics_code(0); three++)
				cr_assert_eq(
				    metrics_get(metrics, METRIC_REQUESTS,
					LABELS(one, two, three)),
				    1);
	cr_assert_eq(metrics_get(metrics, METRIC_BYTES_IN, LABELS_NONE), 0);
	cr_assert_eq(
	    metrics_get(metrics, METRIC_REQUEST_SECONDS, LABELS(0)), 0);
}

Test(metrics, a_histogram_sums_up_its_buckets)
{
	const uint64_t values[] = { 1, 500, 501, 49999, 30000001 };
	size_t i;

	for (i = 0; i < 5; i++)
		metrics_observe(
		    metrics, METRIC_COMMIT_SECONDS, LABELS_NONE, values[i]);
	cr_assert_eq(
	    metrics_get(metrics, METRIC_COMMIT_SECONDS, LABELS_NONE), 5);
#define LINE(rest) has_line("artifactd_commit_duration_seconds_" rest)
	cr_assert(LINE("bucket{le=\"0.0005\"} 2"));
	cr_assert(LINE("bucket{le=\"0.002\"} 3"));
	cr_assert(LINE("bucket{le=\"0.01\"} 3"));
	cr_assert(LINE("bucket{le=\"0.05\"} 4"));
	cr_assert(LINE("bucket{le=\"1\"} 4"));
	cr_assert(LINE("bucket{le=\"30\"} 4"));
	cr_assert(LINE("bucket{le=\"+Inf\"} 5"));
	cr_assert(LINE("sum 30.051002"));
	cr_assert(LINE("count 5"));
}

Test(metrics, a_histogram_of_a_route_says_which)
{
	metrics_observe(metrics, METRIC_REQUEST_SECONDS, LABELS(2), 2000000);
	cr_assert(has_line("artifactd_request_duration_seconds_bucket{"
			   "route=\"/artifacts/{id}\",le=\"5\"} 1"));
	cr_assert(has_line("artifactd_request_duration_seconds_sum{"
			   "route=\"/artifacts/{id}\"} 2"));
	cr_assert_null(strstr(text(), "seconds_sum{route=\"/artifacts\"}"));
}

Test(metrics, a_histogram_of_sizes_has_no_fractions)
{
	metrics_observe(metrics, METRIC_BATCHES, LABELS_NONE, 3);
	metrics_observe(metrics, METRIC_BATCHES, LABELS_NONE, 2000);
	cr_assert(has_line("artifactd_batch_changes_bucket{le=\"2\"} 0"));
	cr_assert(has_line("artifactd_batch_changes_bucket{le=\"4\"} 1"));
	cr_assert(has_line("artifactd_batch_changes_bucket{le=\"1024\"} 1"));
	cr_assert(has_line("artifactd_batch_changes_sum 2003"));
}

Test(metrics, gauges_go_down_too)
{
	metrics_set(metrics, METRIC_WORKERS, LABELS(METRICS_IDLE), 8);
	metrics_set(metrics, METRIC_WORKERS, LABELS(METRICS_IDLE), 7);
	cr_assert(has_line("artifactd_workers{state=\"idle\"} 7"));
	cr_assert(has_line("artifactd_workers{state=\"busy\"} 0"));
}

Test(metrics, processes_count_together_and_outlive_each_other)
{
	size_t i, k;

	for (i = 0; i < 4; i++) {
		if (fork() != 0)
			continue;
		for (k = 0; k < 10000; k++)
			metrics_add(metrics, METRIC_BYTES_OUT, LABELS_NONE, 3);
		_exit(0);
	}
	while (wait(NULL) > 0)
		continue;
	cr_assert_eq(
	    metrics_get(metrics, METRIC_BYTES_OUT, LABELS_NONE), 120000);
}

Test(metrics, every_status_that_is_answered_is_a_label)
{
	int status;

	for (status = 100; status < 600; status++)
		cr_assert_eq(response_reason(status)[0] == '\0',
		    metrics_code(status) == metrics_code(0), "%d", status);
}

Test(metrics, nobody_counts_where_there_are_none)
{
	struct buffer buffer;

	metrics_add(NULL, METRIC_BYTES_IN, LABELS_NONE, 1);
	metrics_set(NULL, METRIC_STARTED, LABELS_NONE, 1);
	metrics_observe(NULL, METRIC_BATCHES, LABELS_NONE, 1);
	cr_assert_eq(metrics_get(NULL, METRIC_BYTES_IN, LABELS_NONE), 0);
	buffer_init(&buffer, arena);
	metrics_write(NULL, routes, 2, &buffer);
	cr_assert_eq(buffer.size, 0);
}

Test(metrics, single_gauges_and_the_build_read_alike)
{
	struct buffer buffer;

	buffer_init(&buffer, arena);
	metrics_write_gauge("store_artifacts", "How many", 12, &buffer);
	metrics_write_build("1.2.3", &buffer);
	cr_assert(span_is(buffer_span(&buffer),
	    "# HELP artifactd_store_artifacts How many\n"
	    "# TYPE artifactd_store_artifacts gauge\n"
	    "artifactd_store_artifacts 12\n"
	    "# HELP artifactd_build_info Which artifactd this is\n"
	    "# TYPE artifactd_build_info gauge\n"
	    "artifactd_build_info{version=\"1.2.3\"} 1\n"));
}
