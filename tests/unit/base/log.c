/* SPDX-License-Identifier: ISC */
#include "base/log.h"
#include "base/metrics.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

static int saved_stderr;
static int reading;
static char lines[16384];

/* From here to caught() stderr is a pipe. */
static void catch (void)
{
	int ends[2];

	cr_assert_eq(pipe2(ends, O_NONBLOCK), 0);
	saved_stderr = dup(STDERR_FILENO);
	cr_assert_geq(saved_stderr, 0);
	cr_assert_geq(dup2(ends[1], STDERR_FILENO), 0);
	close(ends[1]);
	reading = ends[0];
}

/* What was written, as a string; the pipe's end is back in its place. */
static const char *
caught(void)
{
	ssize_t size = read(reading, lines, sizeof(lines) - 1);

	(void)dup2(saved_stderr, STDERR_FILENO);
	close(saved_stderr);
	close(reading);
	lines[size < 0 ? 0 : size] = '\0';
	return lines;
}

Test(log, writes_one_event_as_one_line)
{
	catch ();
	log_open(LOG_WARNING, "worker_died");
	log_number("pid", -12);
	log_text("request", SPAN("abc-1"));
	log_string("name", "x");
	log_close();
	log_open(LOG_ERR, "other");
	log_close();
	cr_assert_str_eq(caught(),
	    "<4>event=worker_died pid=-12 request=abc-1 name=x\n"
	    "<3>event=other\n");
}

Test(log, escapes_what_could_forge_a_line_or_a_field)
{
	static const struct {
		struct span value;
		const char *expected;
	} cases[] = {
		{ { "", 0 }, "\"\"" },
		{ { NULL, 0 }, "\"\"" },
		{ { "plain/1?x", 9 }, "plain/1?x" },
		{ { "a b", 3 }, "\"a b\"" },
		{ { "a=b", 3 }, "\"a=b\"" },
		{ { "a\nb", 3 }, "\"a\\x0ab\"" },
		{ { "a\"b", 3 }, "\"a\\x22b\"" },
		{ { "a\\b", 3 }, "\"a\\x5cb\"" },
		{ { "a\0b", 3 }, "\"a\\x00b\"" },
		{ { "\x1b[31m", 5 }, "\"\\x1b[31m\"" },
		{ { "\x7f\x80\xff", 3 }, "\"\\x7f\\x80\\xff\"" },
		{ { "%s%n", 4 }, "%s%n" },
	};
	char expected[128];
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		snprintf(expected, sizeof(expected), "<6>event=e key=%s\n",
		    cases[i].expected);
		catch ();
		log_open(LOG_INFO, "e");
		log_text("key", cases[i].value);
		log_close();
		cr_assert_str_eq(caught(), expected);
	}
}

Test(log, writes_nothing_below_its_level)
{
	catch ();
	log_open(LOG_DEBUG, "hidden");
	log_close();
	log_level(LOG_WARNING);
	log_open(LOG_NOTICE, "hidden");
	log_close();
	log_open(LOG_WARNING, "seen");
	log_close();
	log_level(LOG_DEBUG);
	log_open(LOG_DEBUG, "seen");
	log_close();
	cr_assert_str_eq(caught(), "<4>event=seen\n<7>event=seen\n");
}

Test(log, knows_its_levels_by_name)
{
	cr_assert_eq(log_level_of("error"), LOG_ERR);
	cr_assert_eq(log_level_of("warning"), LOG_WARNING);
	cr_assert_eq(log_level_of("notice"), LOG_NOTICE);
	cr_assert_eq(log_level_of("info"), LOG_INFO);
	cr_assert_eq(log_level_of("debug"), LOG_DEBUG);
	cr_assert_eq(log_level_of("Info"), -1);
	cr_assert_eq(log_level_of(""), -1);
}

Test(log, says_whose_lines_these_are)
{
	char expected[128];

	snprintf(expected, sizeof(expected),
	    "<6>event=e role=writer pid=%d error=\"Permission denied\"\n",
	    (int)getpid());
	log_role("writer");
	catch ();
	log_open(LOG_INFO, "e");
	log_errno("error", EACCES);
	log_close();
	cr_assert_str_eq(caught(), expected);
}

Test(log, a_line_that_is_too_long_is_cut_and_still_one_line)
{
	char value[5000];
	const char *text;
	size_t size;

	for (size = 1900; size < sizeof(value); size += 1) {
		/* Around the end each size counts, then a few will do. */
		if (size > 2100)
			size += 500;
		if (size >= sizeof(value))
			break;
		memset(value, size % 2 == 0 ? 'x' : '\n', size);
		catch ();
		log_open(LOG_INFO, "e");
		log_text("key", span_of(value, size));
		log_string("more", "y");
		log_close();
		text = caught();
		cr_assert_gt(strlen(text), 1900);
		cr_assert_leq(strlen(text), 2048);
		cr_assert_eq(strchr(text, '\n'), text + strlen(text) - 1);
	}
}

/* ---- standard error that nobody reads ---- */

/* From here to caught() stderr is such a pipe, or a socket, without room. A
 * call that waits for room ends the test. */
static void
catch_full(bool is_socket)
{
	char byte = '.';
	int ends[2];

	catch ();
	if (is_socket) {
		cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
		cr_assert_geq(dup2(ends[1], STDERR_FILENO), 0);
		close(ends[1]);
		cr_assert_geq(dup2(ends[0], reading), 0);
		close(ends[0]);
		cr_assert_eq(fcntl(reading, F_SETFL, O_NONBLOCK), 0);
	}
	cr_assert_eq(fcntl(STDERR_FILENO, F_SETFL, O_NONBLOCK), 0);
	while (write(STDERR_FILENO, &byte, 1) == 1)
		;
	cr_assert_eq(errno, EAGAIN);
	cr_assert_eq(fcntl(STDERR_FILENO, F_SETFL, 0), 0);
	(void)alarm(10);
}

static void
make_room(void)
{
	while (read(reading, lines, sizeof(lines)) > 0)
		;
}

static void
log_one(const char *event)
{
	log_open(LOG_INFO, event);
	log_close();
}

static void
check_lost(bool is_socket)
{
	struct metrics *metrics = metrics_open();

	cr_assert_not_null(metrics);
	log_count_lost(metrics);
	catch_full(is_socket);
	errno = EDOM;
	log_one("lost");
	cr_assert_eq(errno, EDOM);
	log_one("lost");
	log_level(LOG_WARNING);
	log_one("not_wanted");
	log_tell_lost();
	log_tell_lost();
	cr_assert_eq(
	    metrics_get(metrics, METRIC_LOG_LINES_LOST, LABELS_NONE), 2);
	make_room();
	log_tell_lost();
	log_tell_lost();
	log_level(LOG_INFO);
	log_one("seen");
	cr_assert_str_eq(caught(), "<4>event=log_lines_lost lines=2\n"
				   "<6>event=seen\n");
	catch_full(is_socket);
	log_one("lost");
	make_room();
	log_tell_lost();
	cr_assert_str_eq(caught(), "<4>event=log_lines_lost lines=1\n");
	log_count_lost(NULL);
	metrics_close(metrics);
}

Test(log, counts_the_lines_that_a_full_pipe_does_not_take)
{
	check_lost(false);
}

Test(log, counts_the_lines_that_a_full_socket_does_not_take)
{
	check_lost(true);
}

Test(log, makes_no_pipe_nonblocking_that_others_share)
{
	int shared;

	catch ();
	cr_assert_eq(fcntl(STDERR_FILENO, F_SETFL, 0), 0);
	shared = dup(STDERR_FILENO);
	log_own();
	cr_assert_neq(fcntl(STDERR_FILENO, F_GETFL) & O_NONBLOCK, 0);
	cr_assert_eq(fcntl(shared, F_GETFL) & O_NONBLOCK, 0);
	log_one("seen");
	cr_assert_str_eq(caught(), "<6>event=seen\n");
	close(shared);
}

Test(log, goes_on_without_standard_error)
{
	struct metrics *metrics = metrics_open();

	cr_assert_not_null(metrics);
	log_count_lost(metrics);
	saved_stderr = dup(STDERR_FILENO);
	close(STDERR_FILENO);
	log_own();
	log_one("lost");
	(void)dup2(saved_stderr, STDERR_FILENO);
	cr_assert_eq(
	    metrics_get(metrics, METRIC_LOG_LINES_LOST, LABELS_NONE), 1);
	log_count_lost(NULL);
	metrics_close(metrics);
}
