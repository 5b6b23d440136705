/* SPDX-License-Identifier: ISC */
/*
 * check.c - artifactctl check: is all that is stored as it should be?
 *
 * It reads beside a service, in a process of its own: damaged pages can end
 * whoever reads them.
 */

#include "tool/output.h"
#include "verify.h"
#include "config/note.h"

#define MIB (UINT64_C(1) << 20)

struct checking {
	struct ctl_local *local;
	struct ctl_verify *verify; /* shared */
};

static int
check(void *object)
{
	struct checking *checking = object;
	struct store *store;
	int exit_code;

	ctl_local_end_when_stopped();
	exit_code = ctl_local_open_reader(checking->local, &store);
	if (exit_code != CTL_OK)
		return exit_code;
	exit_code = ctl_verify(store, checking->verify);
	store_close(store);
	return exit_code;
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
	struct ctl_verify *verify = ctl_shared(sizeof(*verify));
	struct ctl_local local;
	struct checking checking = { &local, verify };
	struct note note = { .is_deep = ctl_has(ctl, "deep") };
	uint64_t rate = 0, began = moment_now();
	int exit_code, noted;

	exit_code = ctl_number(ctl, "rate", 1, 1 << 20, &rate);
	if (exit_code == CTL_OK)
		exit_code = ctl_local_load(ctl, &local);
	if (exit_code != CTL_OK)
		return exit_code;
	if (!ctl_local_has_store(&local))
		return ctl_local_no_store(&local);
	*verify = (struct ctl_verify){ .ctl = ctl,
		.what = "check",
		.is_deep = note.is_deep,
		.rate = rate * MIB };
	exit_code = ctl_local_run(&local, check, &checking, NULL);
	note.is_ok = exit_code == CTL_OK;
	note.problems = verify->problems;
	note.bytes = verify->bytes;
	if (exit_code == CTL_INTEGRITY && note.problems == 0)
		note.problems = 1; /* it could not even be read */
	if (exit_code != CTL_OK && exit_code != CTL_INTEGRITY)
		return exit_code;
	noted = ctl_keep_note(&local, NOTE_CHECK, began, &note);
	if (exit_code == CTL_OK || verify->problems > 0)
		print_summary(verify, &note);
	return exit_code == CTL_OK ? noted : exit_code;
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
