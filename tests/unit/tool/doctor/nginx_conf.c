/* SPDX-License-Identifier: ISC */
#include "tool/doctor/nginx_conf.h"

#include <criterion/criterion.h>

static struct arena *arena;

static void
setup(void)
{
	arena = arena_open();
}

static void
teardown(void)
{
	arena_close(arena);
}

TestSuite(ctl_nginx, .init = setup, .fini = teardown);

#define FILE_MARK(path) "# configuration file " path ":\n"

static struct nginx *
whole(const char *dump)
{
	return ctl_nginx_read(arena, span_str(dump));
}

static void
assert_word(const struct nginx *directive, size_t i, const char *text)
{
	cr_assert_not_null(directive);
	cr_assert(span_is(ctl_nginx_word(directive, i), text),
	    "word %zu is \"%s\", not \"%s\"", i,
	    ctl_nginx_word(directive, i).data, text);
}

Test(ctl_nginx, reads_words_with_quotes_variables_and_comments)
{
	struct nginx *root =
	    whole(FILE_MARK("/a.conf") "# one\n"
				       "user  'www data' \"a;b\" ${x}y; # two\n"
				       "path ~ \\.php$ a\\\"b 'it\\'s';\n");
	const struct nginx *user = ctl_nginx_child(root, "user");
	const struct nginx *path = ctl_nginx_child(root, "path");

	assert_word(user, 1, "www data");
	assert_word(user, 2, "a;b");
	assert_word(user, 3, "${x}y");
	assert_word(user, 4, "");
	cr_assert_eq(user->line, 2);
	cr_assert_str_eq(user->file, "/a.conf");
	assert_word(path, 2, "\\.php$");
	assert_word(path, 3, "a\"b");
	assert_word(path, 4, "it's");
	cr_assert_eq(path->line, 3);
}

Test(ctl_nginx, finds_in_the_blocks_around_what_is_not_in_one)
{
	struct nginx *root =
	    whole(FILE_MARK("/a.conf") "gzip on; http { server { listen 80;\n"
				       "location / { pass x; gzip off; }\n"
				       "location /b { pass y; } } }\n");
	const struct nginx *block = ctl_nginx_walk(root, NULL, "pass");

	assert_word(block, 1, "/");
	assert_word(ctl_nginx_find(block, "gzip"), 1, "off");
	block = ctl_nginx_walk(root, block, "pass");
	assert_word(block, 1, "/b");
	assert_word(ctl_nginx_find(block, "gzip"), 1, "on");
	cr_assert_null(ctl_nginx_find(block, "pass_nothing"));
	cr_assert_null(ctl_nginx_child(block, "gzip"));
	cr_assert_null(ctl_nginx_walk(root, block, "pass"));
}

Test(ctl_nginx, puts_included_files_in_their_places)
{
	struct nginx *root =
	    whole(
		FILE_MARK(
		    "/etc/nginx/nginx.conf") "http { include s/*; "
					     "}\n" FILE_MARK("/etc/nginx/s/a") "server { include /b; }\n" FILE_MARK(
						 "/b") "listen 1;\nlisten "
						       "2;\n" FILE_MARK(
							   "/etc"
							   "/ngi"
							   "nx/"
							   "s/"
							   "deep"
							   "/no") "server { "
								  "listen 3; "
								  "}\n");
	const struct nginx *server = ctl_nginx_walk(root, NULL, "listen");
	const struct nginx *listen = ctl_nginx_child(server, "listen");

	assert_word(server, 0, "server");
	assert_word(server->parent, 0, "http");
	assert_word(listen, 1, "1");
	assert_word(ctl_nginx_again(listen), 1, "2");
	cr_assert_eq(ctl_nginx_again(listen)->line, 2);
	cr_assert_null(ctl_nginx_again(ctl_nginx_again(listen)));
	cr_assert_null(ctl_nginx_walk(root, server, "listen"));
}

Test(ctl_nginx, ends_with_files_that_include_themselves_or_are_cut_off)
{
	(void)whole(FILE_MARK("/a") "include /a; b { include /a; }");
	(void)whole(FILE_MARK("/a") "b { c 'd");
	(void)whole(FILE_MARK("/a") "b { c \\");
	(void)whole(FILE_MARK("/a") "} } ;;; { {");
	(void)whole("# configuration file ");
	(void)whole("");
	cr_assert_null(whole("no mark; a b;")->first);
}

/* Else what was read would fit in no memory. */
Test(ctl_nginx, ends_with_files_that_include_each_other_twice, .timeout = 20)
{
	static const char itself[] =
	    "# configuration file /a:\n"
	    "include /a; include /a; include /a; b { c d; }\n";
	static const char other[] = "# configuration file /a:\n"
				    "include /b; include /b; include /b;\n"
				    "# configuration file /b:\n"
				    "x y; include /[ab]; include /[ab];\n";

	(void)whole(itself);
	cr_assert_not_null(ctl_nginx_child(whole(other), "x"));
}

Test(ctl_nginx, ends_with_blocks_in_blocks)
{
	struct buffer text;
	unsigned i;

	buffer_init(&text, arena);
	buffer_append(&text, SPAN("# configuration file /a:\nfirst 1; "));
	for (i = 0; i < 1000000; i++)
		buffer_append(&text, SPAN("b{"));
	assert_word(
	    ctl_nginx_child(ctl_nginx_read(arena, buffer_span(&text)), "first"),
	    1, "1");
}

Test(ctl_nginx, takes_more_words_than_it_keeps)
{
	struct buffer text;
	unsigned i;

	buffer_init(&text, arena);
	buffer_append(&text, span_str(FILE_MARK("/a") "many"));
	for (i = 0; i < 1000; i++)
		buffer_append(&text, SPAN(" word"));
	buffer_append(&text, SPAN("; next 1;"));
	assert_word(
	    ctl_nginx_child(ctl_nginx_read(arena, buffer_span(&text)), "next"),
	    1, "1");
}

Test(ctl_nginx, reads_sizes_and_times)
{
	static const struct {
		const char *text;
		uint64_t size;
		uint64_t time;
	} cases[] = { { "0", 0, 0 }, { "130", 130, 130000 },
		{ "54m", 54 << 20, 54 * 60000 }, { "2k", 2048, 1 },
		{ "1G", 1 << 30, 1 }, { "130s", 1, 130000 },
		{ "500ms", 1, 500 }, { "1h 30m", 1, 5400000 },
		{ "1min 30s", 1, 90000 }, { "", 1, 1 }, { "x", 1, 1 },
		{ "infinity", 1, 1 }, { "99999999999999999999", 1, 1 } };
	size_t i;
	uint64_t size, time;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size = time = 1;
		if (!ctl_nginx_size(span_str(cases[i].text), &size))
			size = 1;
		if (!ctl_nginx_time(span_str(cases[i].text), &time))
			time = 1;
		cr_assert_eq(size, cases[i].size, "%s", cases[i].text);
		cr_assert_eq(time, cases[i].time, "%s", cases[i].text);
	}
}
