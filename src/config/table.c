/* SPDX-License-Identifier: ISC */
/*
 * table.c - the settings, what each may be, and how they are shown.
 * Knows nothing of libconfuse.
 */

#include "table.h"

#include "base/limits.h"
#include "base/log.h"

#include <inttypes.h>
#include <stddef.h>

#define SIZE_MOST (UINT64_C(1) << 62)
#define JSON_MOST (UINT64_C(1) << 30) /* json-c counts in int */

#define AT(member) offsetof(struct config, member)

const struct config_row config_rows[CONFIG_ROWS] = {
	/* 107: what struct sockaddr_un takes */
	{ "listen", CONFIG_PATH, AT(listen), 2, 107,
	    RUNSTATEDIR "/artifactd/fcgi.sock",
	    "socket to make, unless one is inherited" },
	{ "state_dir", CONFIG_PATH, AT(state_dir), 2, 3800, STATEDIR,
	    "directory of the store" },
	{ "secret_file", CONFIG_PATH, AT(secret_file), 2, 3800,
	    SYSCONFDIR "/artifactd/nginx-secret.conf",
	    "file of the secret that nginx sends with each request" },
	{ "workers", CONFIG_NUMBER, AT(workers), 1, 256, "32",
	    "processes that answer requests, one at a time each" },
	{ "max_content", CONFIG_SIZE, AT(max_content), 1, SIZE_MOST, "52428800",
	    "bytes of one artifact's content" },
	{ "max_json", CONFIG_SIZE, AT(max_json), 1, JSON_MOST, "16777216",
	    "bytes of a JSON body" },
	{ "max_bytes", CONFIG_SIZE, AT(max_bytes), 0, SIZE_MOST, "0",
	    "bytes of all content together; 0: no quota" },
	{ "reserve", CONFIG_SIZE, AT(reserve), 0, SIZE_MOST, "1073741824",
	    "free bytes on the disk below which creates are refused" },
	{ "artifact_types", CONFIG_NAMES, AT(artifact_types), 1, LIMIT_TYPE, "",
	    "types that are accepted; none: any" },
	{ "retention", CONFIG_LINES, AT(retention), 1, 1000, "",
	    "what artifactctl retain deletes: options of rm, a text each" },
	{ "public_url", CONFIG_URL, AT(public_url), 0, 2048, "",
	    "prefix of the URLs in answers; empty: the request's path" },
	{ "request_timeout", CONFIG_NUMBER, AT(request_timeout), 1, 86400,
	    "120", "seconds after which a request's worker is killed" },
	{ "io_timeout", CONFIG_NUMBER, AT(io_timeout), 1, 3600, "10",
	    "seconds that nginx may stall a read or a write" },
	{ "drain_timeout", CONFIG_NUMBER, AT(drain_timeout), 1, 3600, "30",
	    "seconds for requests in progress when the service stops" },
	{ "requests_per_worker", CONFIG_NUMBER, AT(requests_per_worker), 1,
	    1000000000, "1000000", "requests after which a worker retires" },
	{ "log_level", CONFIG_LEVEL, AT(log_level), 0, 0, "info",
	    "least urgent lines that are logged" },
};

static const char *const level_names[] = { "error", "warning", "notice", "info",
	"debug" };

const struct config_row *
config_row(struct span name)
{
	size_t i;

	for (i = 0; i < CONFIG_ROWS; i++)
		if (span_is(name, config_rows[i].name))
			return &config_rows[i];
	return NULL;
}

const char *
config_expected(const struct config_row *row, struct arena *arena)
{
	switch (row->kind) {
	case CONFIG_NUMBER:
	case CONFIG_SIZE:
		return arena_printf(arena,
		    "a whole number from %" PRIu64 " to %" PRIu64, row->min,
		    row->max)
		    .data;
	case CONFIG_LEVEL:
		return "error, warning, notice, info or debug";
	case CONFIG_PATH:
		return arena_printf(arena,
		    "an absolute path of %" PRIu64 " to %" PRIu64 " bytes",
		    row->min, row->max)
		    .data;
	case CONFIG_URL:
		return arena_printf(arena,
		    "empty, or http(s):// and a host, without spaces, quotes, "
		    "? and #, of at most %" PRIu64 " bytes",
		    row->max)
		    .data;
	case CONFIG_NAMES:
		return arena_printf(arena,
		    "a list of names of %" PRIu64 " to %" PRIu64
		    " bytes, each once",
		    row->min, row->max)
		    .data;
	case CONFIG_LINES:
		return arena_printf(arena,
		    "a list of texts of %" PRIu64 " to %" PRIu64 " bytes",
		    row->min, row->max)
		    .data;
	}
	return "";
}

/* Decimal digits only: libconfuse alone would take "010" as 8 and "" as 0. */
static bool
parse_number(const struct config_row *row, struct span text, long *ret_number)
{
	uint64_t number;

	if (text.size > 19 || !span_number(text, &number) ||
	    number < row->min || number > row->max)
		return false;
	*ret_number = (long)number;
	return true;
}

static bool
parse_level(struct span text, long *ret_level)
{
	size_t i;

	for (i = 0; i < COUNT_OF(level_names); i++) {
		if (!span_is(text, level_names[i]))
			continue;
		*ret_level = log_level_of(level_names[i]);
		return true;
	}
	return false;
}

bool
config_number(const struct config_row *row, struct span text, long *ret_number)
{
	if (row->kind == CONFIG_LEVEL)
		return parse_level(text, ret_number);
	return parse_number(row, text, ret_number);
}

static bool
is_url(struct span text)
{
	size_t i;

	if (text.size == 0)
		return true;
	for (i = 0; i < text.size; i++)
		if (ascii_is_one_of(text.data[i], " \"'`<>\\?#"))
			return false;
	if (span_starts_with(text, "http://"))
		text = span_from(text, strlen("http://"));
	else if (span_starts_with(text, "https://"))
		text = span_from(text, strlen("https://"));
	else
		return false;
	return text.size > 0 && text.data[0] != '/';
}

bool
config_is_string(const struct config_row *row, struct span text)
{
	if (text.size < row->min || text.size > row->max ||
	    span_has_control(text) || span_find(text, '\t') < text.size)
		return false;
	if (row->kind == CONFIG_PATH)
		return span_starts_with(text, "/");
	if (row->kind == CONFIG_URL)
		return is_url(text);
	return true;
}

const char *
config_default_path(void)
{
	return SYSCONFDIR "/artifactd/artifactd.conf";
}

/* ---- telling ---- */

/* In single quotes libconfuse expands no ${variable}. */
static void
print_string(const char *text, FILE *file)
{
	fputc('\'', file);
	for (; *text != '\0'; text++) {
		if (*text == '\'' || *text == '\\')
			fputc('\\', file);
		fputc(*text, file);
	}
	fputc('\'', file);
}

static void
print_level(int level, FILE *file)
{
	size_t i;

	for (i = 0; i < COUNT_OF(level_names); i++)
		if (log_level_of(level_names[i]) == level)
			fputs(level_names[i], file);
}

static void
print_list(const struct config_list *list, FILE *file)
{
	size_t i;

	fputc('{', file);
	for (i = 0; i < list->count; i++) {
		if (i > 0)
			fputs(", ", file);
		print_string(list->items[i], file);
	}
	fputc('}', file);
}

void
config_print(const struct config *config, FILE *file)
{
	const void *place;
	size_t i;

	for (i = 0; i < CONFIG_ROWS; i++) {
		place = (const char *)config + config_rows[i].offset;
		fprintf(file, "# %s\n%s = ", config_rows[i].help,
		    config_rows[i].name);
		switch (config_rows[i].kind) {
		case CONFIG_NUMBER:
			fprintf(file, "%u", *(const unsigned *)place);
			break;
		case CONFIG_SIZE:
			fprintf(file, "%" PRIu64, *(const uint64_t *)place);
			break;
		case CONFIG_LEVEL:
			print_level(*(const int *)place, file);
			break;
		case CONFIG_PATH:
		case CONFIG_URL:
			print_string(*(const char *const *)place, file);
			break;
		case CONFIG_NAMES:
		case CONFIG_LINES:
			print_list(place, file);
			break;
		}
		fputc('\n', file);
	}
}

void
config_help(FILE *file)
{
	struct arena *arena = arena_open();
	size_t i;

	for (i = 0; i < CONFIG_ROWS; i++)
		fprintf(file, "  %-20s %s\n%23s%s; default: %s\n",
		    config_rows[i].name, config_rows[i].help, "",
		    config_expected(&config_rows[i], arena),
		    config_rows[i].value[0] == '\0' ? "none"
						    : config_rows[i].value);
	arena_close(arena);
}
