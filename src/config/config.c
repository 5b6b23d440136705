/* SPDX-License-Identifier: ISC */
/*
 * config.c - a row per setting, and what libconfuse makes of a file.
 *
 * Defaults, the file and --set all go through cfg_setopt, so each value
 * meets the same parser and the same bounds. Knows nothing of what the
 * settings are for.
 */

#include "table.h"

#include <confuse.h>
#include <stdio.h>
#include <stdlib.h>

#define COUNT(table) (sizeof(table) / sizeof(*(table)))

/* libconfuse hands callbacks no pointer of ours, so this is one load's. */
static struct {
	struct arena *arena;
	const char *path;
	const char *setting; /* of --set, or NULL: the file */
	const char *error;   /* the first */
} load;

/* ---- judging a value ---- */

/* The value that is being set is already in the list, as NULL. */
static bool
is_new(cfg_opt_t *opt, struct span name)
{
	const char *other;
	unsigned i;

	for (i = 0; i < cfg_opt_size(opt); i++) {
		other = cfg_opt_getnstr(opt, i);
		if (other != NULL && span_is_nocase(name, other))
			return false;
	}
	return true;
}

static int
refuse(cfg_t *cfg, const struct config_row *row, const char *value)
{
	cfg_error(cfg, "%s is \"%.200s\", but has to be %s", row->name, value,
	    config_expected(row, load.arena));
	return -1;
}

static int
take_number(cfg_t *cfg, cfg_opt_t *opt, const char *value, void *ret_value)
{
	const struct config_row *row = config_row(span_str(opt->name));

	if (!config_number(row, span_str(value), ret_value))
		return refuse(cfg, row, value);
	return 0;
}

static int
take_string(cfg_t *cfg, cfg_opt_t *opt, const char *value, void *ret_value)
{
	const struct config_row *row = config_row(span_str(opt->name));

	if (!config_is_string(row, span_str(value)) ||
	    (row->kind == CONFIG_NAMES && !is_new(opt, span_str(value))))
		return refuse(cfg, row, value);
	*(const char **)ret_value = value; /* libconfuse copies it */
	return 0;
}

/* ---- reading ---- */

__attribute__((format(printf, 2, 0))) static void
note_error(cfg_t *cfg, const char *format, va_list list)
{
	char text[1024];

	if (load.error != NULL)
		return;
	(void)vsnprintf(text, sizeof(text), format, list);
	if (load.setting != NULL)
		load.error = arena_printf(
		    load.arena, "--set %.200s: %s", load.setting, text)
				 .data;
	else
		load.error = arena_printf(
		    load.arena, "%s:%d: %s", load.path, cfg->line, text)
				 .data;
}

static void
make_option(const struct config_row *row, cfg_opt_t *ret_opt)
{
	const cfg_opt_t number =
	    CFG_INT_CB(row->name, 0, CFGF_NODEFAULT, take_number);
	const cfg_opt_t string =
	    CFG_STR_CB(row->name, NULL, CFGF_NODEFAULT, take_string);
	const cfg_opt_t list =
	    CFG_STR_LIST_CB(row->name, NULL, CFGF_NODEFAULT, take_string);

	switch (row->kind) {
	case CONFIG_NUMBER:
	case CONFIG_SIZE:
	case CONFIG_LEVEL:
		*ret_opt = number;
		break;
	case CONFIG_PATH:
	case CONFIG_URL:
		*ret_opt = string;
		break;
	case CONFIG_NAMES:
	case CONFIG_LINES:
		*ret_opt = list;
		break;
	}
}

/* A list as --set and the table have it: names between commas. */
static bool
set_list(cfg_t *cfg, cfg_opt_t *opt, struct span value)
{
	(void)cfg_free_value(opt);
	while (value.size > 0 || (value.data != NULL && cfg_opt_size(opt) > 0))
		if (cfg_setopt(cfg, opt,
			arena_string(load.arena,
			    span_trim(span_split(&value, ',')))) == NULL)
			return false;
	return true;
}

static bool
set_value(cfg_t *cfg, const struct config_row *row, struct span value)
{
	cfg_opt_t *opt = cfg_getopt(cfg, row->name);

	if (row->kind == CONFIG_NAMES || row->kind == CONFIG_LINES)
		return set_list(cfg, opt, value);
	return cfg_setopt(cfg, opt, arena_string(load.arena, value)) != NULL;
}

static bool
set_defaults(cfg_t *cfg)
{
	size_t i;

	for (i = 0; i < CONFIG_ROWS; i++)
		if (!set_value(
			cfg, &config_rows[i], span_str(config_rows[i].value)))
			return false;
	return true;
}

static bool
read_file(cfg_t *cfg, const char *path, bool may_be_missing)
{
	char *text;

	if (!config_file_read(
		load.arena, path, may_be_missing, &text, &load.error))
		return false;
	load.path = path;
	return cfg_parse_buf(cfg, text) == CFG_SUCCESS;
}

static bool
apply_setting(cfg_t *cfg, const char *setting)
{
	struct span value = span_str(setting);
	struct span name = span_split(&value, '=');
	const struct config_row *row = config_row(name);

	load.setting = setting;
	if (value.data == NULL) {
		cfg_error(cfg, "this is not of the form name=value");
		return false;
	}
	if (row == NULL) {
		cfg_error(cfg, "there is no such setting");
		return false;
	}
	return set_value(cfg, row, value);
}

static bool
read_all(
    cfg_t *cfg, const char *path, char *const *settings, size_t setting_count)
{
	size_t i;

	if (!set_defaults(cfg))
		return false;
	if (!read_file(
		cfg, path != NULL ? path : config_default_path(), path == NULL))
		return false;
	for (i = 0; i < setting_count; i++)
		if (!apply_setting(cfg, settings[i]))
			return false;
	return true;
}

/* ---- the result ---- */

static struct span
without_slashes(struct span text)
{
	while (text.size > 0 && text.data[text.size - 1] == '/')
		text.size--;
	return text;
}

static void
copy_list(cfg_opt_t *opt, struct config_list *list)
{
	size_t i;

	list->count = cfg_opt_size(opt);
	list->items =
	    arena_alloc(load.arena, list->count * sizeof(*list->items));
	for (i = 0; i < list->count; i++)
		list->items[i] = arena_string(
		    load.arena, span_str(cfg_opt_getnstr(opt, (unsigned)i)));
}

static void
copy_value(cfg_t *cfg, const struct config_row *row, struct config *config)
{
	cfg_opt_t *opt = cfg_getopt(cfg, row->name);
	void *place = (char *)config + row->offset;

	switch (row->kind) {
	case CONFIG_NUMBER:
		*(unsigned *)place = (unsigned)cfg_opt_getnint(opt, 0);
		break;
	case CONFIG_SIZE:
		*(uint64_t *)place = (uint64_t)cfg_opt_getnint(opt, 0);
		break;
	case CONFIG_LEVEL:
		*(int *)place = (int)cfg_opt_getnint(opt, 0);
		break;
	case CONFIG_PATH:
		*(const char **)place =
		    arena_string(load.arena, span_str(cfg_opt_getnstr(opt, 0)));
		break;
	case CONFIG_URL:
		*(const char **)place = arena_string(load.arena,
		    without_slashes(span_str(cfg_opt_getnstr(opt, 0))));
		break;
	case CONFIG_NAMES:
	case CONFIG_LINES:
		copy_list(opt, place);
		break;
	}
}

struct config *
config_load(struct arena *arena, const char *path, char *const *settings,
    size_t setting_count, const char **ret_error)
{
	cfg_opt_t options[CONFIG_ROWS + 1] = { 0 };
	struct config *config = NULL;
	cfg_t *cfg;
	size_t i;

	load.arena = arena;
	load.path = "defaults";
	load.setting = NULL;
	load.error = NULL;
	for (i = 0; i < CONFIG_ROWS; i++)
		make_option(&config_rows[i], &options[i]);
	options[i] = (cfg_opt_t)CFG_END();
	cfg = cfg_init(options, CFGF_NONE);
	if (cfg == NULL)
		abort(); /* out of memory */
	(void)cfg_set_error_function(cfg, note_error);

	if (read_all(cfg, path, settings, setting_count)) {
		config = arena_alloc(arena, sizeof(*config));
		for (i = 0; i < CONFIG_ROWS; i++)
			copy_value(cfg, &config_rows[i], config);
	} else {
		*ret_error =
		    load.error != NULL ? load.error : "the file has no meaning";
	}
	(void)cfg_free(cfg);
	return config;
}
