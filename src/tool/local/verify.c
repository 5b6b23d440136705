/* SPDX-License-Identifier: ISC */
/* verify.c - checks, and what is noted of them. */

#include "verify.h"

#include "tool/output.h"
#include "config/note.h"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#define SECOND INT64_C(1000000)

struct verifying {
	struct ctl_verify *verify;
	struct ctl_output *output; /* NULL: no problem yet */
	struct ctl_progress progress;
	uint64_t done; /* bytes so far */
	int64_t due;   /* when they were to be, at the rate; us, monotonic */
};

static void
print_problem(void *object, const struct store_problem *problem)
{
	struct verifying *verifying = object;
	const struct artifact *artifact = problem->artifact;
	struct arena *arena = arena_open();
	struct ctl_row *row = ctl_row(arena);
	char text[ID_TEXT + 1];
	struct span id = SPAN_NONE;

	ctl_progress_end(&verifying->progress);
	if (verifying->output == NULL)
		verifying->output = ctl_output_open(verifying->verify->ctl);
	if (artifact != NULL) {
		id_format(&artifact->id, text);
		id = span_str(text);
	}
	ctl_row_text(row, "artifact", id);
	ctl_row_text(
	    row, "title", artifact != NULL ? artifact->title : SPAN_NONE);
	ctl_row_text(row, "problem", span_str(problem->line));
	ctl_row_text(row, "advice", span_str(problem->advice));
	ctl_output_row(verifying->output, row);
	arena_close(arena);
}

/*
 * Sleep until these bytes were due. What was missed while something else was
 * slow is not caught up with, but for a second.
 */
static void
keep_pace(void *object, uint64_t done, uint64_t total)
{
	struct verifying *verifying = object;
	uint64_t rate = verifying->verify->rate;
	int64_t now = scoreboard_now();
	int64_t left;

	verifying->progress.total = total;
	ctl_progress_at(&verifying->progress, done);
	if (rate == 0)
		return;
	if (verifying->due < now - SECOND)
		verifying->due = now - SECOND;
	verifying->due += (int64_t)((double)(done - verifying->done) /
				    (double)rate * (double)SECOND);
	verifying->done = done;
	while ((left = verifying->due - scoreboard_now()) > 0) {
		(void)usleep((unsigned)(left < SECOND / 4 ? left : SECOND / 4));
		ctl_progress_at(&verifying->progress, done);
	}
}

int
ctl_verify(struct store *store, struct ctl_verify *verify)
{
	struct verifying verifying = { .verify = verify,
		.due = scoreboard_now() };
	struct store_check check = {
		.is_deep = verify->is_deep,
		.report = print_problem,
		.pace = keep_pace,
		.object = &verifying,
	};
	enum result result;

	ctl_progress_begin(&verifying.progress, verify->ctl, verify->what, 0);
	result = store_lmdb_check(store, &check);
	ctl_progress_end(&verifying.progress);
	if (verifying.output != NULL)
		ctl_output_close(verifying.output);
	verify->problems = check.problems;
	verify->artifacts = check.artifacts;
	verify->bytes = check.bytes;
	verify->is_counted = check.is_counted;
	if (result != RESULT_OK)
		return ctl_local_refusal(
		    result, arena_printf(verify->ctl->arena,
				"the %s could not be ended: %s", verify->what,
				store_reason(store))
				.data);
	return check.problems == 0 ? CTL_OK : CTL_INTEGRITY;
}

int
ctl_verify_copy(const char *directory, struct ctl_verify *verify)
{
	struct store *store;
	char error[256] = "";
	enum result result;
	int exit_code;

	result = store_lmdb_open_copy(directory, error, &store);
	if (result != RESULT_OK)
		return ctl_local_refusal(
		    result, arena_printf(verify->ctl->arena,
				"the copy cannot be opened: %s", error)
				.data);
	exit_code = ctl_verify(store, verify);
	store_close(store);
	return exit_code;
}

void *
ctl_shared(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		abort();
	return memory;
}

/* ---- notes ---- */

struct keeping {
	struct ctl_local *local;
	const char *name;
	const struct note *note;
};

static int
keep(void *object)
{
	const struct keeping *keeping = object;

	if (note_write(keeping->local->directory, keeping->name,
		keeping->note) == RESULT_OK)
		return CTL_OK;
	return ctl_fail("cannot keep what became of it in %s/%s: %s",
	    keeping->local->directory, keeping->name, strerror(errno));
}

int
ctl_keep_note(struct ctl_local *local, const char *name, uint64_t began,
    struct note *note)
{
	struct keeping keeping = { local, name, note };
	uint64_t now = moment_now();

	note->finished = now / SECOND;
	note->duration = now > began ? (now - began) / SECOND : 0;
	return ctl_local_run_last(local, keep, &keeping);
}
