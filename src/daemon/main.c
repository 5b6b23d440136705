/* SPDX-License-Identifier: ISC */
/* main.c - the options of artifactd; the rest is master.c's. */

#include "base/digest.h"
#include "base/log.h"
#include "master.h"
#include "process.h"

#include <getopt.h>
#include <stdlib.h>

#ifndef PACKAGE_VERSION
#define PACKAGE_VERSION "unknown"
#endif

#define EXIT_USAGE 2

enum act { ACT_RUN, ACT_TEST, ACT_PRINT, ACT_DONE };

struct command {
	enum act act;
	struct master_options options;
	char **settings;
	int exit_code; /* of ACT_DONE */
};

static void
print_help(void)
{
	printf("Usage: artifactd [OPTION]...\n"
	       "Keep artifacts and serve them to nginx over FastCGI. Runs in "
	       "the foreground.\n\n"
	       "  -c, --config FILE       read FILE instead of\n"
	       "                          %s\n"
	       "      --set NAME=VALUE    change a setting; may be repeated\n"
	       "  -t, --test              test the configuration and exit\n"
	       "  -T, --print             print the whole configuration and "
	       "exit\n"
	       "  -h, --help              print this and exit\n"
	       "  -V, --version           print the version and exit\n\n"
	       "Settings:\n",
	    config_default_path());
	config_help(stdout);
}

#define OPTION_SET 256 /* has no letter */

static const struct option long_options[] = {
	{ "config", required_argument, NULL, 'c' },
	{ "set", required_argument, NULL, OPTION_SET },
	{ "test", no_argument, NULL, 't' },
	{ "print", no_argument, NULL, 'T' },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ NULL, 0, NULL, 0 },
};

static void
take_option(struct command *command, int option)
{
	switch (option) {
	case 'c':
		command->options.config_path = optarg;
		break;
	case OPTION_SET:
		command->settings[command->options.setting_count++] = optarg;
		break;
	case 't':
		command->act = ACT_TEST;
		break;
	case 'T':
		command->act = ACT_PRINT;
		break;
	case 'h':
		print_help();
		command->act = ACT_DONE;
		break;
	case 'V':
		printf("artifactd %s\n", PACKAGE_VERSION);
		command->act = ACT_DONE;
		break;
	default: /* getopt_long has said what is wrong */
		fprintf(stderr, "artifactd: see artifactd --help\n");
		command->act = ACT_DONE;
		command->exit_code = EXIT_USAGE;
	}
}

static void
read_command(int argc, char **argv, struct command *command)
{
	int option;

	while (command->act != ACT_DONE &&
	       (option = getopt_long(
		    argc, argv, "c:tThV", long_options, NULL)) != -1)
		take_option(command, option);
	if (command->act == ACT_DONE || optind == argc)
		return;
	fprintf(stderr, "artifactd: what is \"%s\"? See artifactd --help\n",
	    argv[optind]);
	command->act = ACT_DONE;
	command->exit_code = EXIT_USAGE;
}

static void
complain(const char *error)
{
	fprintf(stderr, "artifactd: %s\n", error);
}

/* What is left once there is a configuration. */
static int
act(const struct command *command, struct arena *arena, struct config *config)
{
	const char *path = command->options.config_path;
	const char *error = NULL;

	switch (command->act) {
	case ACT_TEST:
		printf("configuration %s is fine\n",
		    path != NULL ? path : config_default_path());
		return EXIT_SUCCESS;
	case ACT_PRINT:
		config_print(config, stdout);
		return EXIT_SUCCESS;
	default:
		if (config_read_secret(arena, config, &error))
			return master_run(&command->options, config);
		complain(error);
		return PROCESS_REFUSED;
	}
}

static int
configure(const struct command *command)
{
	struct arena *arena = arena_open();
	const char *error = NULL;
	struct config *config;
	int exit_code = PROCESS_REFUSED; /* it would not do the next time */

	config = config_load(arena, command->options.config_path,
	    command->options.settings, command->options.setting_count, &error);
	if (config != NULL)
		exit_code = act(command, arena, config);
	else
		complain(error);
	arena_close(arena);
	return exit_code;
}

int
main(int argc, char **argv)
{
	struct command command = { .act = ACT_RUN };
	int exit_code;

	if (!log_keep_standard())
		return EXIT_FAILURE; /* with nowhere to say why */
	if (!digest_init()) {
		fprintf(
		    stderr, "artifactd: there is no source of randomness\n");
		return EXIT_FAILURE;
	}
	command.settings = calloc((size_t)argc, sizeof(*command.settings));
	if (command.settings == NULL)
		abort();
	command.options.settings = command.settings;
	read_command(argc, argv, &command);
	if (command.act == ACT_DONE)
		exit_code = command.exit_code;
	else
		exit_code = configure(&command);
	free(command.settings);
	return exit_code;
}
