/* SPDX-License-Identifier: ISC */
/* config.c - settings from a file and from --set. */

#include "config/config.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <syslog.h>
#include <unistd.h>

#define COUNT(table) (sizeof(table) / sizeof(*(table)))

static struct arena *arena;
static char path[] = "/tmp/test_config.XXXXXX";

static void
setup(void)
{
	arena = arena_open();
	cr_assert_geq(mkstemp(path), 0);
}

static void
teardown(void)
{
	(void)unlink(path);
	arena_close(arena);
}

TestSuite(config, .init = setup, .fini = teardown);

static struct config *
load_text(const char *text, const char *setting, const char **ret_error)
{
	char *settings[] = { NULL };
	FILE *file = fopen(path, "w");

	cr_assert_not_null(file);
	cr_assert_geq(fputs(text, file), 0);
	cr_assert_eq(fclose(file), 0);
	if (setting != NULL)
		settings[0] = arena_string(arena, span_str(setting));
	return config_load(
	    arena, path, settings, setting != NULL ? 1 : 0, ret_error);
}

/* What is accepted. */
static struct config *
loaded(const char *text, const char *setting)
{
	const char *error = NULL;
	struct config *config = load_text(text, setting, &error);

	cr_assert_not_null(config, "%s", error);
	return config;
}

/* The sentence of what is refused. */
static const char *
refused(const char *text, const char *setting)
{
	const char *error = NULL;

	cr_assert_null(load_text(text, setting, &error), "%s %s", text,
	    setting != NULL ? setting : "");
	cr_assert_not_null(error);
	return error;
}

Test(config, has_a_default_for_each_setting)
{
	struct config *config = loaded("", NULL);

	cr_assert_str_eq(config->listen, RUNSTATEDIR "/artifactd/fcgi.sock");
	cr_assert_str_eq(config->state_dir, STATEDIR);
	cr_assert_eq(config->workers, 32);
	cr_assert_eq(config->max_content, 52428800);
	cr_assert_eq(config->max_json, 16777216);
	cr_assert_eq(config->max_bytes, 0);
	cr_assert_eq(config->reserve, 1073741824);
	cr_assert_eq(config->artifact_types.count, 0);
	cr_assert_str_eq(config->public_url, "");
	cr_assert_eq(config->request_timeout, 120);
	cr_assert_eq(config->io_timeout, 10);
	cr_assert_eq(config->drain_timeout, 30);
	cr_assert_eq(config->requests_per_worker, 1000000);
	cr_assert_eq(config->log_level, LOG_INFO);
}

Test(config, reads_each_kind_of_setting_from_a_file)
{
	struct config *config =
	    loaded("# comment\n"
		   "listen = '/run/x y.sock'\n"
		   "workers = 7\n"
		   "max_bytes = 4611686018427387904\n"
		   "artifact_types = {Plan, 'code'}\n"
		   "public_url = \"https://a.example/b//\"\n"
		   "log_level = debug\n",
		NULL);

	cr_assert_str_eq(config->listen, "/run/x y.sock");
	cr_assert_eq(config->workers, 7);
	cr_assert_eq(config->max_bytes, UINT64_C(1) << 62);
	cr_assert_eq(config->artifact_types.count, 2);
	cr_assert_str_eq(config->artifact_types.items[0], "Plan");
	cr_assert_str_eq(config->artifact_types.items[1], "code");
	cr_assert_str_eq(config->public_url, "https://a.example/b");
	cr_assert_eq(config->log_level, LOG_DEBUG);
}

Test(config, takes_lines_of_retention_as_they_stand)
{
	struct config *config =
	    loaded("retention = {\"-t log --older-than 30d\",\n"
		   "'-w \"a, b\" --keep-newest 2', '-t x', '-t x'}\n",
		NULL);

	cr_assert_eq(config->retention.count, 4);
	cr_assert_str_eq(config->retention.items[0], "-t log --older-than 30d");
	cr_assert_str_eq(
	    config->retention.items[1], "-w \"a, b\" --keep-newest 2");
	cr_assert_str_eq(config->retention.items[3], "-t x");
	cr_assert_eq(loaded("", NULL)->retention.count, 0);
	(void)refused("retention = {''}", NULL);
	(void)refused("retention = {\"-t\\na\"}", NULL);
}

Test(config, takes_comments_anywhere_but_inside_strings)
{
	struct config *config = loaded("listen = '/a#b//c/*d' # it's\n"
				       "state_dir = \"/a\\\"#b\" // e\"f\n"
				       "artifact_types = {a, # one\n"
				       "/* two\n */ b} ### three\n"
				       "public_url = http://a.example//x#y\n"
				       "workers = 3#",
	    NULL);

	cr_assert_str_eq(config->listen, "/a#b//c/*d");
	cr_assert_str_eq(config->state_dir, "/a\"#b");
	cr_assert_eq(config->artifact_types.count, 2);
	cr_assert_str_eq(config->public_url, "http://a.example//x");
	cr_assert_eq(config->workers, 3);
}

Test(config, refuses_a_file_with_a_nul_inside)
{
	const char *error = NULL;
	FILE *file = fopen(path, "w");

	cr_assert_not_null(file);
	cr_assert_eq(fwrite("workers = 3\n\0\n", 1, 14, file), 14);
	cr_assert_eq(fclose(file), 0);
	cr_assert_null(config_load(arena, path, NULL, 0, &error));
	cr_assert_not_null(strstr(error, "is no configuration"));
}

Test(config, lets_a_later_value_replace_an_earlier_one)
{
	struct config *config = loaded("workers = 7\nworkers = 8\n"
				       "artifact_types = {a, b}\n"
				       "artifact_types = {b, c}\n",
	    NULL);

	cr_assert_eq(config->workers, 8);
	cr_assert_eq(config->artifact_types.count, 2);
	cr_assert_str_eq(config->artifact_types.items[0], "b");
}

Test(config, lets_set_replace_what_the_file_says)
{
	cr_assert_eq(loaded("workers = 7", "workers=9")->workers, 9);
}

Test(config, splits_a_setting_at_its_first_equals_sign)
{
	cr_assert_str_eq(loaded("", "state_dir=/a=b")->state_dir, "/a=b");
}

Test(config, splits_a_list_at_commas)
{
	struct config *config =
	    loaded("artifact_types = {x}", "artifact_types=plan, code");

	cr_assert_eq(config->artifact_types.count, 2);
	cr_assert_str_eq(config->artifact_types.items[0], "plan");
	cr_assert_str_eq(config->artifact_types.items[1], "code");
}

Test(config, takes_an_empty_list_as_none)
{
	cr_assert_eq(loaded("artifact_types = {x}", "artifact_types=")
			 ->artifact_types.count,
	    0);
	cr_assert_eq(
	    loaded("artifact_types = {}", NULL)->artifact_types.count, 0);
}

Test(config, names_file_line_setting_value_and_bounds)
{
	const char *error = refused("# one\n\n// t'o\n/* 4\n\"5 */\n"
				    "workers = 257\n",
	    NULL);

	cr_assert_str_eq(
	    error, arena_printf(arena,
		       "%s:6: workers is \"257\", but has to be a whole number "
		       "from 1 to 256",
		       path)
		       .data);
}

Test(config, names_the_setting_of_the_command_line)
{
	cr_assert_str_eq(refused("", "workers=0"),
	    "--set workers=0: workers is \"0\", but has to be a whole number "
	    "from 1 to 256");
}

Test(config, names_a_file_that_is_missing)
{
	const char *error = NULL;

	cr_assert_null(
	    config_load(arena, "/nonexistent/x.conf", NULL, 0, &error));
	cr_assert_not_null(strstr(error, "/nonexistent/x.conf: No such file"));
}

Test(config, refuses_a_directory_as_its_file)
{
	const char *error = NULL;

	cr_assert_null(config_load(arena, "/tmp", NULL, 0, &error));
	cr_assert_str_eq(error, "/tmp: Is a directory");
}

Test(config, refuses_files_that_say_nonsense)
{
	static const char *const files[] = {
		"colour = blue\n",
		"workers 3\n",
		"workers = \n",
		"workers\n",
		"workers = {1}\n",
		"artifact_types = plan, code\n",
		"artifact_types = {plan\n",
		"listen = '/a",
		"}\n",
		"workers = 3 x\n",
		"section { a = 1 }\n",
	};
	size_t i;

	for (i = 0; i < COUNT(files); i++)
		cr_assert_not_null(
		    strstr(refused(files[i], NULL), path), "%s", files[i]);
}

Test(config, refuses_values_out_of_bounds)
{
	static const char *const settings[] = {
		"workers=0",
		"workers=257",
		"workers=",
		"workers=-1",
		"workers=+1",
		"workers= 1",
		"workers=0x10",
		"workers=1k",
		"workers=99999999999999999999999",
		"max_content=0",
		"max_json=0",
		"max_bytes=4611686018427387905",
		"reserve=-1",
		"request_timeout=0",
		"io_timeout=0",
		"drain_timeout=0",
		"requests_per_worker=0",
		"log_level=loud",
		"log_level=",
		"listen=fcgi.sock",
		"listen=",
		"listen=/a\nb",
		"state_dir=var",
		"public_url=ftp://a.example",
		"public_url=a.example",
		"public_url=http://",
		"public_url=https:///path",
		"public_url=http://a b",
		"public_url=http://a\"b",
		"public_url=http://a\r\nX: y",
		"public_url=http://a?b",
		"artifact_types=,",
		"artifact_types=a,",
		"artifact_types=,a",
		"artifact_types=a,b,a",
		"artifact_types=a,A",
		"colour=blue",
		"=3",
		"workers",
		"",
	};
	size_t i;

	for (i = 0; i < COUNT(settings); i++)
		cr_assert(span_starts_with(
			      span_str(refused("", settings[i])), "--set "),
		    "%s", settings[i]);
}

/* A setting whose value is prefix and then as many 'a' as make it size. */
static const char *
long_setting(const char *name, const char *prefix, int size)
{
	int rest = size - (int)strlen(prefix);

	return arena_printf(arena, "%s=%s%.*s", name, prefix, rest,
	    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")
	    .data;
}

Test(config, bounds_the_length_of_a_socket_path)
{
	(void)loaded("", long_setting("listen", "/", 107));
	(void)refused("", long_setting("listen", "/", 108));
}

Test(config, bounds_the_length_of_a_type)
{
	(void)loaded("", long_setting("artifact_types", "", 64));
	(void)refused("", long_setting("artifact_types", "", 65));
}

/* What config_print says of a configuration. */
static const char *
printed(const struct config *config)
{
	char *text = NULL;
	size_t size = 0;
	FILE *file = open_memstream(&text, &size);

	cr_assert_not_null(file);
	config_print(config, file);
	cr_assert_eq(fclose(file), 0);
	arena_defer(arena, free, text);
	return text;
}

Test(config, prints_a_file_that_says_the_same)
{
	const char *text =
	    printed(loaded("listen = '/a b/\\'${HOME}\\\\n\"#.sock'\n"
			   "workers = 3\nlog_level = warning\nreserve = 0\n"
			   "artifact_types = {'it\\'s', b}\n"
			   "retention = {'-w \"a b\"', '-t x'}\n"
			   "public_url = 'http://a.example/$x'\n",
		NULL));
	struct config *again = loaded(text, NULL);

	cr_assert_str_eq(printed(again), text);
	cr_assert_str_eq(again->listen, "/a b/'${HOME}\\n\"#.sock");
	cr_assert_str_eq(again->artifact_types.items[0], "it's");
	cr_assert_str_eq(again->retention.items[0], "-w \"a b\"");
	cr_assert_eq(again->log_level, LOG_WARNING);
}

Test(config, prints_defaults_that_are_accepted)
{
	const char *text = printed(loaded("", NULL));

	cr_assert_str_eq(printed(loaded(text, NULL)), text);
}

/* ---- the secret that nginx sends ---- */

#define HEX16 "0123456789abcdef"
#define HEX64 HEX16 HEX16 HEX16 HEX16

static bool
takes_secret(const char *text, const char **ret_secret, const char **ret_error)
{
	FILE *file;
	struct config *config = loaded("", NULL);
	bool is_read;

	file = fopen(path, "w");
	cr_assert_not_null(file);
	cr_assert_geq(fputs(text, file), 0);
	cr_assert_eq(fclose(file), 0);
	*ret_error = "";
	config->secret_file = path;
	is_read = config_read_secret(arena, config, ret_error);
	*ret_secret = config->secret;
	return is_read;
}

Test(config, reads_the_secret_as_nginx_does)
{
	static const char *const cases[] = {
		"fastcgi_param ARTIFACTD_PARAMS " HEX64 ";",
		"# why\n\n\tfastcgi_param\tARTIFACTD_PARAMS   " HEX64 "; \n",
	};
	const char *secret, *error;
	size_t i;

	for (i = 0; i < COUNT(cases); i++) {
		cr_assert(takes_secret(cases[i], &secret, &error), "case %zu",
		    i);
		cr_assert_str_eq(secret, HEX64, "case %zu", i);
	}
}

Test(config, takes_nothing_else_for_a_secret)
{
	static const char *const cases[] = {
		"",
		"# fastcgi_param ARTIFACTD_PARAMS " HEX64 ";",
		"fastcgi_param ARTIFACTD_PARAMS " HEX64,
		"fastcgi_param ARTIFACTD_PARAMS " HEX64 "0;",
		"fastcgi_param ARTIFACTD_PARAMS " HEX16 ";",
		"fastcgi_param ARTIFACTD_PARAMS ;",
		"fastcgi_param ARTIFACTD_PARAM " HEX64 ";",
		"fastcgi_param HTTP_PROXY " HEX64 ";",
		"fastcgi_params ARTIFACTD_PARAMS " HEX64 ";",
		"fastcgi_param ARTIFACTD_PARAMS \"" HEX64 "\";",
		"fastcgi_param ARTIFACTD_PARAMS " HEX64 " if_not_empty;",
		"fastcgi_param ARTIFACTD_PARAMS " HEX64 "; gzip on;",
		"fastcgi_param ARTIFACTD_PARAMS " HEX64 ";\ngzip on;",
		"fastcgi_param ARTIFACTD_PARAMS " HEX64 ";\n"
		"fastcgi_param ARTIFACTD_PARAMS " HEX64 ";",
		"fastcgi_param ARTIFACTD_PARAMS complete;",
		"fastcgi_param",
		"fastcgi_param ARTIFACTD_PARAMS",
	};
	const char *secret, *error;
	size_t i;

	for (i = 0; i < COUNT(cases); i++) {
		cr_assert_not(takes_secret(cases[i], &secret, &error),
		    "case %zu", i);
		cr_assert_null(secret, "case %zu", i);
		cr_assert_not_null(strstr(error, "make-secret.sh"), "case %zu",
		    i);
		cr_assert_not_null(strstr(error, path), "case %zu", i);
		cr_assert_null(strstr(error, HEX16), "case %zu", i);
	}
}

Test(config, says_how_a_secret_is_made)
{
	const char *error = NULL;
	struct config *config = loaded("", "secret_file=/nowhere/secret");

	cr_assert_not(config_read_secret(arena, config, &error));
	cr_assert_not_null(strstr(error, "make-secret.sh /nowhere/secret"));
	config = loaded("", "secret_file=/proc/self/mem");
	cr_assert_not(config_read_secret(arena, config, &error));
	cr_assert_not_null(strstr(error, "/proc/self/mem"));
}

Test(config, never_shows_the_secret)
{
	const char *error = NULL;
	struct config *config = loaded("", NULL);
	char *text;
	size_t size;
	FILE *file;

	cr_assert(takes_secret("fastcgi_param ARTIFACTD_PARAMS " HEX64 ";",
	    &config->secret, &error));
	file = open_memstream(&text, &size);
	cr_assert_not_null(file);
	config_print(config, file);
	cr_assert_eq(fclose(file), 0);
	cr_assert_null(strstr(text, HEX16));
	free(text);
}
