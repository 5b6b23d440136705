/* SPDX-License-Identifier: ISC */
/*
 * criterion.h - as much of Criterion as the unit tests use, for valgrind.
 *
 * Criterion executes its program anew for each test, and valgrind then reads and
 * translates all of it again: two seconds a test. Here a test runs in a fork of
 * one process, which has been translated already. What a test means is the
 * same; a test that needs more of Criterion does not compile here.
 */
#ifndef CRITERION_H
#define CRITERION_H

/* As a header of the system is: the tests' own warnings stay on. */
#pragma GCC system_header

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

struct plain_test {
	const char *suite;
	const char *name; /* NULL: init and fini are for the whole suite */
	void (*run)(void);
	void (*init)(void);
	void (*fini)(void);
	int signal; /* that has to end the test; 0: none */
	struct plain_test *next;
};

void plain_add(struct plain_test *test);
/* A claim is not true: end the test, or note it for its end. */
void plain_fail(bool is_fatal, const char *file, int line, const char *claim,
    const char *format, ...) __attribute__((format(printf, 5, 6)));
void plain_skip(const char *why) __attribute__((noreturn));

#define PLAIN_ADD(id, ...) \
	__attribute__((constructor)) static void id##_add(void) \
	{ \
		static struct plain_test test = { __VA_ARGS__ }; \
		plain_add(&test); \
	}

#define Test(Suite, Name, ...) \
	static void Suite##_##Name##_run(void); \
	PLAIN_ADD(Suite##_##Name, .suite = #Suite, .name = #Name, \
	    .run = Suite##_##Name##_run, ##__VA_ARGS__) \
	static void Suite##_##Name##_run(void)
#define TestSuite(Suite, ...) \
	PLAIN_ADD(Suite##_suite, .suite = #Suite, ##__VA_ARGS__) \
	struct plain_test

#define PLAIN(is_fatal, claim, ...) \
	do { \
		if (!(claim)) \
			plain_fail(is_fatal, __FILE__, __LINE__, #claim, \
			    "" __VA_ARGS__); \
	} while (0)

#define cr_assert(claim, ...) PLAIN(true, claim, ##__VA_ARGS__)
#define cr_assert_not(claim, ...) PLAIN(true, !(claim), ##__VA_ARGS__)
#define cr_assert_null(a, ...) PLAIN(true, (a) == NULL, ##__VA_ARGS__)
#define cr_assert_not_null(a, ...) PLAIN(true, (a) != NULL, ##__VA_ARGS__)
#define cr_assert_eq(a, b, ...) PLAIN(true, (a) == (b), ##__VA_ARGS__)
#define cr_assert_neq(a, b, ...) PLAIN(true, (a) != (b), ##__VA_ARGS__)
#define cr_assert_lt(a, b, ...) PLAIN(true, (a) < (b), ##__VA_ARGS__)
#define cr_assert_leq(a, b, ...) PLAIN(true, (a) <= (b), ##__VA_ARGS__)
#define cr_assert_gt(a, b, ...) PLAIN(true, (a) > (b), ##__VA_ARGS__)
#define cr_assert_geq(a, b, ...) PLAIN(true, (a) >= (b), ##__VA_ARGS__)
#define cr_assert_str_eq(a, b, ...) \
	PLAIN(true, strcmp(a, b) == 0, ##__VA_ARGS__)
#define cr_assert_str_neq(a, b, ...) \
	PLAIN(true, strcmp(a, b) != 0, ##__VA_ARGS__)
#define cr_assert_arr_eq(a, b, size, ...) \
	PLAIN(true, memcmp(a, b, size) == 0, ##__VA_ARGS__)
#define cr_expect(claim, ...) PLAIN(false, claim, ##__VA_ARGS__)
#define cr_expect_not(claim, ...) PLAIN(false, !(claim), ##__VA_ARGS__)
#define cr_expect_null(a, ...) PLAIN(false, (a) == NULL, ##__VA_ARGS__)
#define cr_expect_not_null(a, ...) PLAIN(false, (a) != NULL, ##__VA_ARGS__)
#define cr_expect_eq(a, b, ...) PLAIN(false, (a) == (b), ##__VA_ARGS__)
#define cr_expect_arr_eq(a, b, size, ...) \
	PLAIN(false, memcmp(a, b, size) == 0, ##__VA_ARGS__)
#define cr_expect_str_eq(a, b, ...) \
	PLAIN(false, strcmp(a, b) == 0, ##__VA_ARGS__)

#define cr_skip_test(why) plain_skip(why)
#define cr_log_warn(...) plain_log(__VA_ARGS__)
#define cr_log_error(...) plain_log(__VA_ARGS__)
void plain_log(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
