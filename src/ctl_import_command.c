/* SPDX-License-Identifier: ISC */
/* ctl_import_command.c - artifactctl import: from where, into which store. */

#include "ctl_import.h"
#include "ctl_tar.h"

static int
run_tar(struct ctl *ctl, struct import *import)
{
	struct ctl_tar_reader *tar;
	struct ctl_local local;
	int exit_code;

	/* As who we are: the store's user may not be let near it. */
	exit_code = ctl_tar_open(ctl, ctl->operands[0], &tar);
	if (exit_code != CTL_OK)
		return exit_code;
	exit_code = ctl_local_load(ctl, &local);
	if (exit_code == CTL_OK)
		exit_code = import_open(import, ctl, &local);
	if (exit_code == CTL_OK)
		exit_code = import_close(import, import_tar(import, tar));
	ctl_tar_close(tar);
	return exit_code;
}

static int
run(struct ctl *ctl)
{
	static struct import import;

	if (ctl->operand_count == 0)
		return ctl_usage(ctl, "import from where?");
	return run_tar(ctl, &import);
}

static const struct ctl_option options[] = {
	{ "replace", 0, NULL,
	    "replace artifacts of the store that differ; else they are kept" },
	{ "dry-run", 0, NULL, "only say what would be done" },
	{ NULL, 0, NULL, NULL },
};

const struct ctl_command ctl_command_import = {
	.name = "import",
	.summary = "Bring artifacts into the store, with their ids and times",
	.operands = "FILE",
	.least = 0,
	.most = 1,
	.where = CTL_LOCAL,
	.options = options,
	.details =
	    "  FILE is what export wrote; - is standard input. The service "
	    "has\n"
	    "  to be stopped. What is there already is left alone, so that an\n"
	    "  import that ended half way can simply be repeated.\n",
	.run = run,
};
