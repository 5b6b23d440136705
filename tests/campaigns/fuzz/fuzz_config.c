/* SPDX-License-Identifier: ISC */
/*
 * fuzz_config.c - a configuration file, and after a line "--set", settings
 * of the command line, one on a line. A refusal has a sentence. Accepted values
 * are within their bounds, and print as a file that means the same. After any
 * other file a good file is read as at the first time, since a service reads
 * its file again at each reload.
 */
#include "config/config.h"
#include "fuzz.h"

#include <sys/mman.h>
#include <unistd.h>

#define SETTINGS 8

static int file = -1;
static char path[64];

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	file = memfd_create("config", 0);
	DEMAND(file >= 0);
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
	return 0;
}

static struct config *
load(struct arena *arena, struct span text, char *const *settings, size_t count,
    const char **ret_error)
{
	DEMAND(ftruncate(file, 0) == 0);
	DEMAND(pwrite(file, text.data, text.size, 0) == (ssize_t)text.size);
	return config_load(arena, path, settings, count, ret_error);
}

static struct span
printed(struct arena *arena, const struct config *config)
{
	char *text = NULL;
	size_t size = 0;
	FILE *stream = open_memstream(&text, &size);
	struct span copy;

	DEMAND(stream != NULL);
	config_print(config, stream);
	DEMAND(fclose(stream) == 0);
	copy = arena_copy(arena, span_of(text, size));
	free(text);
	return copy;
}

/* ---- what must hold ---- */

static bool
is_between(uint64_t number, uint64_t low, uint64_t high)
{
	return number >= low && number <= high;
}

/* The bounds of doc/artifactd.conf. */
static void
demand_bounds(const struct config *config)
{
	const uint64_t most = UINT64_C(1) << 62;
	size_t i;

	DEMAND(config->listen[0] == '/' && strlen(config->listen) <= 107);
	DEMAND(config->state_dir[0] == '/' && config->state_dir[1] != '\0');
	DEMAND(is_between(config->workers, 1, 256));
	DEMAND(is_between(config->max_content, 1, most));
	DEMAND(is_between(config->max_json, 1, 1 << 30));
	DEMAND(config->max_bytes <= most && config->reserve <= most);
	DEMAND(is_between(config->request_timeout, 1, 86400));
	DEMAND(is_between(config->io_timeout, 1, 3600));
	DEMAND(is_between(config->drain_timeout, 1, 3600));
	DEMAND(is_between(config->requests_per_worker, 1, 1000000000));
	DEMAND(is_between((uint64_t)config->log_level, 3, 7));
	DEMAND(config->public_url[0] == '\0' ||
	       strncmp(config->public_url, "http", 4) == 0);
	for (i = 0; i < config->artifact_types.count; i++)
		DEMAND(
		    is_between(strlen(config->artifact_types.items[i]), 1, 64));
	for (i = 0; i < config->retention.count; i++)
		DEMAND(config->retention.items[i][0] != '\0');
}

static void
demand_prints_as_it_is(struct arena *arena, const struct config *config)
{
	struct span text = printed(arena, config);
	const char *error = NULL;
	struct config *again;

	again = load(arena, text, NULL, 0, &error);
	DEMAND(again != NULL);
	DEMAND(span_equal(printed(arena, again), text));
}

static void
demand_good_one_is_read(struct arena *arena)
{
	static const struct span good =
	    SPAN("# \"'\nworkers = 7 /* { */\n"
		 "artifact_types = {'a', \"b\"} // x\nlisten = '/s'\n");
	const char *error = NULL;
	struct config *config = load(arena, good, NULL, 0, &error);

	DEMAND(config != NULL);
	DEMAND(config->workers == 7 && config->artifact_types.count == 2);
	DEMAND(strcmp(config->listen, "/s") == 0);
}

/* ---- the target ---- */

/* Take the settings off the text's end. */
static size_t
take_settings(struct arena *arena, struct span *text, char **ret_settings)
{
	const struct span mark = SPAN("\n--set\n");
	const char *found =
	    memmem(text->data, text->size, mark.data, mark.size);
	struct span rest;
	size_t count = 0;

	if (found == NULL)
		return 0;
	rest = span_from(*text, (size_t)(found - text->data) + mark.size);
	text->size = (size_t)(found - text->data) + 1;
	while (rest.data != NULL && count < SETTINGS)
		ret_settings[count++] =
		    arena_string(arena, span_split(&rest, '\n'));
	return count;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_open();
	struct span text = arena_copy(arena, span_of(data, size));
	char *settings[SETTINGS];
	const char *error = NULL;
	struct config *config;
	size_t count;

	count = take_settings(arena, &text, settings);
	config = load(arena, text, settings, count, &error);
	DEMAND((config != NULL) == (error == NULL));
	DEMAND(error == NULL || error[0] != '\0');
	if (config != NULL) {
		demand_bounds(config);
		demand_prints_as_it_is(arena, config);
	}
	demand_good_one_is_read(arena);
	arena_close(arena);
	return 0;
}
