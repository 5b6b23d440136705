/* SPDX-License-Identifier: ISC */
/*
 * config.h - the configuration: the door to libconfuse.
 *
 * config/ reads settings, and the notes that artifactctl leaves in state_dir
 * (note.h). It knows what a setting may be, and not what it is for.
 *
 * table.c has a row per setting: name, type, bounds, default, help. Sizes
 * are plain bytes, times seconds.
 */
#ifndef CONFIG_H
#define CONFIG_H

#include "base/mem.h"

#include <stdio.h>

struct config_list {
	const char **items;
	size_t count;
};

struct config {
	const char *listen;
	const char *state_dir;
	const char *secret_file;
	/* What is in secret_file; NULL until it is read. Never shown. */
	const char *secret;
	unsigned workers;
	uint64_t max_content;
	uint64_t max_json;
	uint64_t max_bytes;
	uint64_t reserve;
	struct config_list artifact_types; /* compared lower-cased; 0: any */
	struct config_list retention;	   /* lines, for artifactctl retain */
	const char *public_url;		   /* "": none; no slash at its end */
	unsigned request_timeout;
	unsigned io_timeout;
	unsigned drain_timeout;
	unsigned requests_per_worker;
	int log_level;
};

/*
 * Read path (NULL: the default file, which need not exist), then apply
 * settings of the form name=value in order. NULL: *ret_error is a sentence
 * that names file, line, setting and bounds, and lives in arena; so does the
 * configuration.
 */
struct config *config_load(struct arena *arena, const char *path,
    char *const *settings, size_t setting_count, const char **ret_error);

/*
 * Read the secret that nginx sends with each request from secret_file.
 * false: *ret_error is a sentence with the way out, in arena.
 */
MUST_USE bool config_read_secret(
    struct arena *arena, struct config *config, const char **ret_error);

/* As a configuration file that says the same. */
void config_print(const struct config *config, FILE *file);
/* A line of help per setting. */
void config_help(FILE *file);

/* The default file. */
const char *config_default_path(void);

#endif
