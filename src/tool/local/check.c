/* SPDX-License-Identifier: ISC */
/*
 * check.c - artifactctl check: is all that is stored as it should be? And
 * what backup, restore and compact need of that: the check of a copy, and the
 * note of what came of it.
 */

#include "local.h"
#include "tool/output.h"
#include "tool/progress.h"

#include <errno.h>
#include <unistd.h>

#define MIB (UINT64_C(1) << 20)

/* ---- a check of any store, with progress, at a rate ---- */

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

/* ---- what is noted ---- */

bool
ctl_note(const struct ctl_local *local, const char *name, uint64_t began,
    struct note *note)
{
	uint64_t now = moment_now();

	note->finished = now / SECOND;
	note->duration = now > began ? (now - began) / SECOND : 0;
	return note_write(local->directory, name, note) == RESULT_OK;
}

int
ctl_keep_note(const struct ctl_local *local, const char *name, uint64_t began,
    struct note *note)
{
	if (ctl_note(local, name, began, note))
		return CTL_OK;
	return ctl_fail("cannot keep what became of it in %s/%s: %s",
	    local->directory, name, strerror(errno));
}

/* ---- the command ---- */

struct checking {
	struct ctl_local local;
	struct ctl_verify verify;
	struct note note;
	uint64_t began;
};

static int
check(struct checking *checking)
{
	struct store *store;
	int exit_code;

	ctl_local_watch(true, NULL, NULL);
	exit_code = ctl_local_open_reader(&checking->local, &store);
	if (exit_code == CTL_OK) {
		exit_code = ctl_verify(store, &checking->verify);
		store_close(store);
	}
	ctl_local_unwatch();
	return exit_code;
}

/* A handler of signals calls this. */
static void
note_damage(void *object, bool is_damaged)
{
	struct checking *checking = object;

	checking->note.problems = 1; /* it could not even be read */
	if (is_damaged)
		/* What there is to say of the store has been said. */
		(void)!ctl_note(&checking->local, NOTE_CHECK, checking->began,
		    &checking->note);
}

static void
print_summary(const struct ctl_verify *verify, const struct note *note)
{
	struct ctl_row *row = ctl_row(verify->ctl->arena);

	ctl_row_number(row, "problems", verify->problems);
	ctl_row_number(row, "artifacts", verify->artifacts);
	ctl_row_size(row, "bytes", verify->bytes);
	ctl_row_bool(row, "deep", verify->is_deep);
	ctl_row_bool(row, "counted", verify->is_counted);
	ctl_row_number(row, "seconds", note->duration);
	ctl_print_facts(verify->ctl, row);
	if (!verify->is_counted)
		fprintf(stderr,
		    "artifactctl: the counters were not compared with all "
		    "rows: beside a service there is no time for so many; "
		    "check while it is stopped\n");
}

static int
run(struct ctl *ctl)
{
	struct checking checking = {
		.verify = { .ctl = ctl,
		    .what = "check",
		    .is_deep = ctl_has(ctl, "deep") },
		.began = moment_now(),
	};
	struct ctl_local *local = &checking.local;
	struct ctl_verify *verify = &checking.verify;
	struct note *note = &checking.note;
	uint64_t rate = 0;
	int exit_code, noted;

	exit_code = ctl_number(ctl, "rate", 1, 1 << 20, &rate);
	if (exit_code == CTL_OK)
		exit_code = ctl_local_load(ctl, local);
	if (exit_code == CTL_OK && !ctl_local_has_store(local))
		exit_code = ctl_local_no_store(local);
	if (exit_code == CTL_OK)
		exit_code = ctl_local_become(local);
	if (exit_code != CTL_OK)
		return exit_code;
	verify->rate = rate * MIB;
	note->is_deep = verify->is_deep;
	ctl_local_guard(&(struct ctl_ending){
	    .local = local, .clean_up = note_damage, .object = &checking });
	exit_code = check(&checking);
	ctl_local_hold();
	note->is_ok = exit_code == CTL_OK;
	note->problems = verify->problems;
	note->bytes = verify->bytes;
	if (exit_code == CTL_INTEGRITY && note->problems == 0)
		note->problems = 1; /* it could not even be read */
	if (exit_code == CTL_OK || exit_code == CTL_INTEGRITY) {
		noted = ctl_keep_note(local, NOTE_CHECK, checking.began, note);
		if (exit_code == CTL_OK || verify->problems > 0)
			print_summary(verify, note);
		if (exit_code == CTL_OK)
			exit_code = noted;
	}
	ctl_local_let_go();
	return exit_code;
}

static const struct ctl_option options[] = {
	{ "deep", 0, NULL, "hash all content too, and compare" },
	{ "rate", 0, "MIB", "read at most so many MiB a second" },
	{ NULL, 0, NULL, NULL },
};

const struct ctl_command ctl_command_check = {
	.name = "check",
	.summary = "Prove that everything stored is whole",
	.operands = "",
	.where = CTL_LOCAL,
	.options = options,
	.details = "Every value is read and compared with its check, and with "
		   "what it\n"
		   "hangs together with. It may run for hours beside the "
		   "service. Each\n"
		   "problem is a row: which artifact, what, and what to do. "
		   "The result\n"
		   "is kept in state_dir/last-check, for status and /metrics. "
		   "Exits 4\n"
		   "when there are problems.\n",
	.run = run,
};
