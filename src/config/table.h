/* SPDX-License-Identifier: ISC */
/*
 * table.h - a row per setting: what it is called, where it goes in struct
 * config, what it may be.
 */
#ifndef CONFIG_TABLE_H
#define CONFIG_TABLE_H

#include "config.h"

enum config_kind {
	CONFIG_NUMBER, /* unsigned */
	CONFIG_SIZE,   /* uint64_t */
	CONFIG_LEVEL,  /* int, by name */
	CONFIG_PATH,   /* bounds are of the length, here and below */
	CONFIG_URL,
	CONFIG_NAMES, /* a list; bounds are of each name */
	CONFIG_LINES, /* the same, in which one may stand twice */
};

struct config_row {
	const char *name;
	enum config_kind kind;
	size_t offset; /* in struct config */
	uint64_t min;
	uint64_t max;
	const char *value; /* the default */
	const char *help;
};

#define CONFIG_ROWS 16
extern const struct config_row config_rows[CONFIG_ROWS];

/* The row of that name, or NULL. */
const struct config_row *config_row(struct span name);

/* What a value has to be, in words that follow "has to be". */
const char *config_expected(const struct config_row *row, struct arena *arena);

/* Is this the number (NUMBER, SIZE, LEVEL) of a row, and which? */
MUST_USE bool
config_number(const struct config_row *row, struct span text, long *ret_number);

/* Is this a string (PATH, URL, NAMES) as the row wants it? */
bool config_is_string(const struct config_row *row, struct span text);

#endif
