/* SPDX-License-Identifier: ISC */
/*
 * config.c - how a configuration is read, by libconfuse, and the secret, from
 * a file that nginx reads too. table.c has the settings.
 *
 * Defaults, the file and --set all go through cfg_setopt, so that each value
 * meets the same parser and the same bounds. Knows nothing of what the
 * settings are for.
 */

#include "table.h"

#include <confuse.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define FILE_MOST (1024 * 1024) /* bytes; a configuration is never near it */
#define SECRET_MOST 4096	/* bytes of its file, comments included */
#define SECRET_HEX 64		/* 32 bytes of a random source */
#define MAKE_SECRET NGINX_DIR "/make-secret.sh"

/* ---- a file ---- */

/* The bytes of a file, at most so many; false: errno says why. */
static bool
read_bytes(const char *path, char *text, size_t most, size_t *ret_size)
{
	FILE *file = fopen(path, "re");
	int error;

	if (file == NULL)
		return false;
	*ret_size = fread(text, 1, most, file);
	error = ferror(file) ? errno : 0;
	(void)fclose(file); /* nothing was written */
	errno = error;
	return error == 0;
}

/* The index behind the string that opens at text[i]. */
static size_t
skip_string(const char *text, size_t i)
{
	char quote = text[i++];

	while (text[i] != '\0' && text[i] != quote)
		i += text[i] == '\\' && text[i + 1] != '\0' ? 2 : 1;
	return text[i] == '\0' ? i : i + 1;
}

/*
 * Put spaces for comments: libconfuse 3.3 counts lines wrong behind a comment,
 * so that its errors name wrong lines, and takes no comment inside a list.
 */
static void
blank_comments(char *text)
{
	bool is_in_word = false; /* where only '#' begins a comment */
	const char *close;
	size_t i, end;

	for (i = 0; text[i] != '\0'; i = end) {
		if (text[i] == '\'' || text[i] == '"') {
			end = skip_string(text, i);
			is_in_word = false;
			continue;
		}
		end = i;
		if (text[i] == '#' ||
		    (!is_in_word && memcmp(text + i, "//", 2) == 0))
			end = i + strcspn(text + i, "\n");
		else if (!is_in_word && memcmp(text + i, "/*", 2) == 0 &&
			 (close = strstr(text + i + 2, "*/")) != NULL)
			end = (size_t)(close + 2 - text);
		if (end == i) {
			is_in_word = !ascii_is_one_of(text[i], " \t\r\n={},()");
			end = i + 1;
			continue;
		}
		for (; i < end; i++)
			if (text[i] != '\n')
				text[i] = ' ';
	}
}

/* ---- libconfuse ---- */

/* What one call of config_load works with: libconfuse passes no pointer of ours
 * to its callbacks. */
static struct {
	struct arena *arena;
	const char *path;
	const char *setting; /* of --set, or NULL: the file */
	const char *error;   /* the first */
} load;

/* Does a list lack this name? The value that is being set is in it as NULL. */
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

/* Set a list as --set and the table write it: names between commas. */
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
	char *text = arena_room(load.arena, FILE_MOST + 2);
	const char *reason = NULL;
	size_t size = 0;

	if (!read_bytes(path, text, FILE_MOST + 1, &size) &&
	    !(errno == ENOENT && may_be_missing))
		reason = strerror(errno);
	else if (size > FILE_MOST || memchr(text, '\0', size) != NULL)
		reason = "is no configuration";
	if (reason != NULL) {
		load.error =
		    arena_printf(load.arena, "%s: %s", path, reason).data;
		return false;
	}
	text[size] = '\0';
	blank_comments(text);
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

/* ---- what is read, as struct config ---- */

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

/* ---- the secret ---- */

/* The next word of a line, between blanks. */
static struct span
next_word(struct span *line)
{
	size_t size = 0;
	struct span word;

	*line = span_trim(*line);
	while (size < line->size && !ascii_is_one_of(line->data[size], " \t"))
		size++;
	word = span_of(line->data, size);
	*line = span_from(*line, size);
	return word;
}

/* Is the line "fastcgi_param ARTIFACTD_PARAMS <64 hex digits>;"? */
static bool
is_secret(struct span line, struct span *ret_secret)
{
	struct span secret;

	if (!span_is(next_word(&line), "fastcgi_param") ||
	    !span_is(next_word(&line), "ARTIFACTD_PARAMS"))
		return false;
	line = span_trim(line);
	secret = span_split(&line, ';');
	if (line.data == NULL || line.size > 0 || secret.size != SECRET_HEX ||
	    span_strip(secret, "0123456789abcdef").size > 0)
		return false;
	*ret_secret = secret;
	return true;
}

/* The only line but for comments: of any other, nginx would read more than we. */
static bool
find_secret(struct span text, struct span *ret_secret)
{
	bool is_found = false;
	struct span line;

	while (text.data != NULL) {
		line = span_trim(span_split(&text, '\n'));
		if (line.size == 0 || line.data[0] == '#')
			continue;
		if (is_found || !is_secret(line, ret_secret))
			return false;
		is_found = true;
	}
	return is_found;
}

static const char *
no_secret(struct arena *arena, const char *path, int error)
{
	if (error == ENOENT)
		return arena_printf(arena,
		    "there is no %s, the secret by which artifactd knows "
		    "nginx: make it as root with \"%s %s\", and reload nginx",
		    path, MAKE_SECRET, path)
		    .data;
	return arena_printf(arena,
	    "%s, the secret by which artifactd knows nginx, cannot be read "
	    "(%s): it belongs to root and the group of the service, mode 0640",
	    path, strerror(error))
	    .data;
}

bool
config_read_secret(
    struct arena *arena, struct config *config, const char **ret_error)
{
	const char *path = config->secret_file;
	char text[SECRET_MOST];
	struct span secret;
	size_t size;

	if (!read_bytes(path, text, sizeof(text), &size)) {
		*ret_error = no_secret(arena, path, errno);
		return false;
	}
	if (size == sizeof(text) ||
	    !find_secret(span_of(text, size), &secret)) {
		*ret_error = arena_printf(arena,
		    "%s is not as make-secret.sh makes it (fastcgi_param "
		    "ARTIFACTD_PARAMS and 64 hex digits): remove it, make it "
		    "anew as root with \"%s %s\", and reload nginx",
		    path, MAKE_SECRET, path)
				 .data;
		return false;
	}
	config->secret = arena_string(arena, secret);
	return true;
}
