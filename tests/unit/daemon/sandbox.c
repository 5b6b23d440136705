/* SPDX-License-Identifier: ISC */
/* sandbox.c - what is forbidden kills, in children of the tests. */

#include "protocol/date.h"
#include "protocol/json.h"
#include "api/response.h"
#include "daemon/sandbox.h"

#include <assert.h>
#include <criterion/criterion.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#define REFUSED 3 /* exit code: it did not come in */
#define MEMORY (UINT64_C(256) << 20)

static bool
call_unknown(void)
{
	struct utsname name;

	return uname(&name) == 0;
}

static bool
give_up(void)
{
	abort();
}

static bool
copy_descriptor(void)
{
	return dup(STDERR_FILENO) >= 0;
}

/* Grow and shrink the heap and a large block, as a busy arena does. */
static bool
work_memory(void)
{
	char *small[64], *large = NULL;
	size_t i;

	for (i = 0; i < 64; i++) {
		small[i] = malloc(50000);
		large = realloc(large, (i + 1) << 20);
		if (small[i] == NULL || large == NULL)
			return false;
		large[i << 20] = small[i][0] = 1;
	}
	for (i = 64; i-- > 0;)
		free(small[i]);
	free(large);
	return true;
}

/* Last-Modified out, If-Modified-Since in. */
static bool
tell_dates(void)
{
	struct arena *arena = arena_open();
	int64_t seconds;
	bool is_right;

	is_right = date_parse(
		       date_format(arena, 1774958400000000), &seconds) &&
		   seconds == 1774958400;
	arena_close(arena);
	return is_right;
}

/* More members that nobody knows than libc would sort without allocating. */
static bool
refuse_members(void)
{
	static const char *const names[] = { NULL };
	struct arena *arena = arena_open();
	struct json_document document;
	struct faults faults;
	struct buffer text;
	size_t i;

	buffer_init(&text, arena);
	for (i = 0; i < 10000; i++)
		buffer_printf(&text, "%c\"u%zu\":1", i == 0 ? '{' : ',', i);
	buffer_append_byte(&text, '}');
	faults_init(&faults, arena);
	if (json_read(arena, buffer_span(&text), &faults, &document) !=
	    JSON_VALID)
		return false;
	json_refuse_extra(&document, names, &faults);
	return faults.count == 10000;
}

static pid_t bystander; /* while there is one */

/* The end of a defect: libc says where, and aborts. */
static bool
fail_assertion(void)
{
	assert(bystander != 0 && "never so");
	return false;
}

static bool
take_all_memory(void)
{
	struct arena *arena = arena_open();
	size_t i;

	for (i = 0; i < MEMORY; i += 1 << 20)
		(void)arena_room(arena, 1 << 20);
	return true;
}

/* With a descriptor that was open before, as that of lock.mdb is. */
static bool
write_to_output(void)
{
	return write(STDOUT_FILENO, "", 0) == 0;
}

static bool
write_to_log(void)
{
	return write(STDERR_FILENO, "", 0) == 0;
}

static bool
abort_bystander(void)
{
	return syscall(SYS_tgkill, bystander, bystander, SIGABRT) == 0;
}

static int
try_in(enum sandbox_role role, bool (*act)(void))
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		if (sandbox_enter(role, MEMORY, NULL) != RESULT_OK)
			_exit(REFUSED);
		_exit(act() ? 0 : 1);
	}
	cr_assert_gt(pid, 0);
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	return status;
}

static void
need_sandbox(void)
{
	if (!sandbox_is_built())
		cr_skip_test("built without the sandbox");
}

Test(sandbox, kills_for_a_call_that_no_list_names)
{
	int worker, writer;

	need_sandbox();
	worker = try_in(SANDBOX_WORKER, call_unknown);
	writer = try_in(SANDBOX_WRITER, call_unknown);
	cr_assert(WIFSIGNALED(worker) && WTERMSIG(worker) == SIGSYS);
	cr_assert(WIFSIGNALED(writer) && WTERMSIG(writer) == SIGSYS);
}

Test(sandbox, kills_for_a_copy_of_a_descriptor)
{
	int status;

	need_sandbox();
	status = try_in(SANDBOX_WORKER, copy_descriptor);
	cr_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS);
}

Test(sandbox, lets_abort_say_that_it_was_abort)
{
	int worker, writer;

	need_sandbox();
	worker = try_in(SANDBOX_WORKER, give_up);
	writer = try_in(SANDBOX_WRITER, give_up);
	cr_assert(WIFSIGNALED(worker) && WTERMSIG(worker) == SIGABRT);
	cr_assert(WIFSIGNALED(writer) && WTERMSIG(writer) == SIGABRT);
}

/* What a child says on standard error. */
static int
hear_in(bool (*act)(void), char *ret_said, size_t size)
{
	int fds[2], status, kept = dup(STDERR_FILENO);
	ssize_t count;

	cr_assert_eq(pipe(fds), 0);
	cr_assert_eq(dup2(fds[1], STDERR_FILENO), STDERR_FILENO);
	status = try_in(SANDBOX_WORKER, act);
	cr_assert_eq(dup2(kept, STDERR_FILENO), STDERR_FILENO);
	(void)close(fds[1]);
	(void)close(kept);
	count = read(fds[0], ret_said, size - 1);
	ret_said[count > 0 ? count : 0] = '\0';
	(void)close(fds[0]);
	return status;
}

Test(sandbox, lets_last_words_be_said)
{
	char said[1000];
	int status;

	need_sandbox();
	status = hear_in(fail_assertion, said, sizeof(said));
	cr_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
	cr_assert_not_null(strstr(said, "never so"), "%s", said);
	status = hear_in(take_all_memory, said, sizeof(said));
	cr_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
	cr_assert_not_null(strstr(said, "event=out_of_memory"), "%s", said);
}

Test(sandbox, lets_nobody_abort_a_bystander)
{
	int status;

	need_sandbox();
	bystander = fork();
	if (bystander == 0) {
		pause();
		_exit(0);
	}
	status = try_in(SANDBOX_WORKER, abort_bystander);
	cr_expect(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS);
	cr_expect_eq(waitpid(bystander, &status, WNOHANG), 0);
	(void)kill(bystander, SIGKILL);
	(void)waitpid(bystander, &status, 0);
}

Test(sandbox, lets_of_what_is_open_only_the_log_be_written)
{
	int status;

	need_sandbox();
	status = try_in(SANDBOX_WORKER, write_to_output);
	cr_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS);
	cr_assert_eq(try_in(SANDBOX_WORKER, write_to_log), 0);
	cr_assert_eq(try_in(SANDBOX_WRITER, write_to_log), 0);
}

Test(sandbox, lets_the_heap_grow_and_shrink)
{
	cr_assert_eq(try_in(SANDBOX_WORKER, work_memory), 0);
	cr_assert_eq(try_in(SANDBOX_WRITER, work_memory), 0);
}

Test(sandbox, lets_many_unknown_members_be_refused)
{
	cr_assert_eq(try_in(SANDBOX_WORKER, refuse_members), 0);
}

Test(sandbox, lets_dates_be_told)
{
	cr_assert_eq(try_in(SANDBOX_WORKER, tell_dates), 0);
}
