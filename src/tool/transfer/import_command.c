/* SPDX-License-Identifier: ISC */
/* import_command.c - artifactctl import: from where, into which store. */

#include "import.h"
#include "tar.h"

#include <errno.h>

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

/* NULL: none was named. */
static int
open_ids(const struct ctl *ctl, FILE **ret_file)
{
	const char *path = ctl_value(ctl, "ids");

	*ret_file = NULL;
	if (path == NULL)
		return CTL_OK;
	*ret_file = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
	if (*ret_file == NULL)
		return ctl_fail("%s cannot be read: %s", path, strerror(errno));
	return CTL_OK;
}

static int
run_api(struct ctl *ctl, struct import *import)
{
	const char *url = ctl_value(ctl, "from-api");
	struct ctl_local local;
	int exit_code;
	FILE *ids;

	exit_code = open_ids(ctl, &ids);
	if (exit_code == CTL_OK)
		exit_code = ctl_local_load(ctl, &local);
	if (exit_code == CTL_OK)
		exit_code = import_open(import, ctl, &local);
	if (exit_code == CTL_OK)
		exit_code = import_close(import, import_api(import, url, ids));
	if (ids != NULL && ids != stdin)
		(void)fclose(ids); /* it was only read */
	return exit_code;
}

static int
run(struct ctl *ctl)
{
	static struct import import;
	bool is_api = ctl_has(ctl, "from-api");
	const char *workflow;
	size_t index = 0;

	if (is_api == (ctl->operand_count == 1))
		return ctl_usage(
		    ctl, "import needs either FILE or --from-api URL");
	if (!is_api && (ctl_has(ctl, "ids") || ctl_has(ctl, "workflow")))
		return ctl_usage(
		    ctl, "--ids and --workflow go with --from-api");
	while ((workflow = ctl_next_value(ctl, "workflow", &index)) != NULL)
		if (*workflow == '\0')
			return ctl_usage(ctl,
			    "--%s is empty, which would mean all; leave it "
			    "out for that",
			    "workflow");
	return is_api ? run_api(ctl, &import) : run_tar(ctl, &import);
}

static const struct ctl_option options[] = {
	{ "from-api", 0, "URL",
	    "read from this server, of the original API or another artifactd" },
	{ "ids", 0, "FILE", "from the server, those in FILE, one id a line" },
	{ "workflow", 'w', "WORKFLOW",
	    "from the server, those of this workflow; may be repeated" },
	{ "replace", 0, NULL,
	    "replace artifacts of the store that differ; else they are kept" },
	{ "dry-run", 0, NULL, "only say what would be done" },
	{ NULL, 0, NULL, NULL },
};

const struct ctl_command ctl_command_import = {
	.name = "import",
	.summary = "Bring artifacts into the store, with their ids and times",
	.operands = "[FILE]",
	.least = 0,
	.most = 1,
	.where = CTL_LOCAL | CTL_REMOTE,
	.options = options,
	.details =
	    "FILE is what export wrote; - is standard input. The service\n"
	    "has to be stopped. What is there already is left alone, so\n"
	    "that an import that ended half way can simply be repeated.\n"
	    "Lists of the original API end at 200: --ids has no such end.\n",
	.run = run,
};
