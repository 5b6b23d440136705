/* SPDX-License-Identifier: ISC */
#include "tool/client/http_text.h"

#include <criterion/criterion.h>

static struct arena *arena;

static void
set_up(void)
{
	arena = arena_open();
}

static void
tear_down(void)
{
	arena_close(arena);
}

TestSuite(ctl_http_text, .init = set_up, .fini = tear_down);

static void
expect(struct span is, const char *wanted, const char *of)
{
	cr_expect(span_equal(is, span_str(wanted)), "%s: \"%.*s\" is not %s",
	    of, (int)is.size, is.data, wanted == NULL ? "absent" : wanted);
}

Test(ctl_http_text, takes_urls_with_a_path_and_without_slashes_behind)
{
	static const struct {
		const char *url, *base, *shown;
	} cases[] = {
		{ "http://127.0.0.1:8137", "http://127.0.0.1:8137",
		    "http://127.0.0.1:8137" },
		{ "https://host/api/v1//", "https://host/api/v1",
		    "https://host/api/v1" },
		{ "HTTPS://Host/", "HTTPS://Host", "HTTPS://Host" },
		{ "http://u:p@ss@h/x@y", "http://u:p@ss@h/x@y",
		    "http://h/x@y" },
		{ "http://[::1]:80/", "http://[::1]:80", "http://[::1]:80" },
	};
	struct span base;
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		base = SPAN_NONE;
		cr_expect(ctl_http_base(span_str(cases[i].url), &base));
		expect(base, cases[i].base, cases[i].url);
		expect(
		    ctl_http_shown(arena, base), cases[i].shown, cases[i].url);
	}
}

Test(ctl_http_text, refuses_what_is_no_url_of_a_store)
{
	static const char *const urls[] = { "", "localhost:8137", "/artifacts",
		"ftp://host", "http:/host", "http://", "http:///", "https",
		"http://host?a=b", "http://host/#x", "http://ho st",
		"http://host\n", "http://h\xc3\xb6st",
		"http://127.0.0.1\\@host" };
	struct span base;
	size_t i;

	for (i = 0; i < sizeof(urls) / sizeof(urls[0]); i++)
		cr_expect_not(
		    ctl_http_base(span_str(urls[i]), &base), "%s", urls[i]);
}

Test(ctl_http_text, knows_this_host_by_its_names)
{
	static const struct {
		const char *url;
		bool is_loopback;
	} cases[] = { { "http://127.0.0.1:8137/x", true },
		{ "http://localhost", true }, { "http://u@LOCALHOST:1", true },
		{ "http://[::1]:1/", true }, { "http://127.0.0.1@host", false },
		{ "http://host/127.0.0.1", false },
		{ "http://localhost.example", false },
		{ "http://127.255.0.9", true },
		{ "http://127.0.0.1.example", false },
		{ "http://127.example:1", false },
		{ "http://127.0.0.256", false }, { "http://127.0..1", false },
		{ "http://127.0.0.1.", false }, { "http://[::1]", true },
		{ "http://[::1].example", false }, { "http://[::2]", false },
		{ "http://localhost:1@host", false } };
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		cr_expect_eq(ctl_http_is_loopback(span_str(cases[i].url)),
		    cases[i].is_loopback, "%s", cases[i].url);
}

Test(ctl_http_text, finds_the_query_of_the_next_page)
{
	static const struct {
		const char *link, *query;
	} cases[] = {
		{ "</artifacts?limit=5&cursor=a-_b>; rel=\"next\"",
		    "limit=5&cursor=a-_b" },
		{ "<https://other/x/artifacts?c=1>; rel=next", "c=1" },
		{ "<?c=1>;rel=\"prev next\"; title=\"a, b>\"", "c=1" },
		{ "<?p>; rel=prev, <?n>; title=\"x;rel=next\"; REL=Next", "n" },
		{ "</a?b>; title=\", <?x>; rel=next\", <?n>;rel=next", "n" },
		{ "</artifacts?limit=5>; rel=\"prev\"", NULL },
		{ "</artifacts>; rel=\"next\"", NULL },
		{ "</artifacts?a; rel=\"next\"", NULL },
		{ "<?a>; rel=\"next", "a" },
		{ "<?a>; rel", NULL },
		{ "<?a>; rel=nexts", NULL },
		{ "<", NULL },
		{ "", NULL },
		{ NULL, NULL },
	};
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		expect(ctl_http_next_query(span_str(cases[i].link)),
		    cases[i].query,
		    cases[i].link == NULL ? "none" : cases[i].link);
}

Test(ctl_http_text, waits_for_seconds_or_until_a_date)
{
	static const struct {
		const char *header;
		bool is_good;
		uint64_t seconds;
	} cases[] = { { "0", true, 0 }, { " 120 ", true, 120 },
		{ "999999999", true, 999999999 },
		{ "Thu, 01 Jan 1970 00:01:00 GMT", true, 50 },
		{ "Thu, 01 Jan 1970 00:00:01 GMT", true, 0 }, { "", false, 0 },
		{ "-1", false, 0 }, { "1.5", false, 0 },
		{ "9999999999", false, 0 }, { "soon", false, 0 } };
	uint64_t seconds;
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		seconds = 0;
		cr_expect_eq(ctl_http_retry_after(
				 span_str(cases[i].header), 10, &seconds),
		    cases[i].is_good, "%s", cases[i].header);
		cr_expect_eq(seconds, cases[i].seconds, "%s", cases[i].header);
	}
	cr_expect_not(ctl_http_retry_after(SPAN_NONE, 10, &seconds));
}

Test(ctl_http_text, makes_suggested_file_names_harmless)
{
	static const struct {
		const char *header, *name;
	} cases[] = {
		{ "attachment; filename=\"report.pdf\"", "report.pdf" },
		{ "inline; filename=a.txt", "a.txt" },
		{ "attachment; filename=\"___\"; "
		  "filename*=UTF-8''%C3%A4%20b.txt",
		    "\xc3\xa4 b.txt" },
		{ "attachment; filename=\"a\\\"b\"", "a\"b" },
		{ "attachment; filename=\"/etc/passwd\"", "passwd" },
		{ "attachment; filename=\"..\\\\..\\\\x\"", "x" },
		{ "attachment; filename*=UTF-8''..%2F..%2Fetc%2Fshadow",
		    "shadow" },
		{ "attachment; filename=\"..\"", "_." },
		{ "attachment; filename=\".bashrc\"", "_bashrc" },
		{ "attachment; filename=\"-rf\"", "_rf" },
		{ "attachment; filename*=UTF-8''a%1B%5B2J%0Ab%00c%C2%9Bd",
		    "a_[2J_b_c_d" },
		{ "attachment; filename*=UTF-8''a%E2%80%AEfdp.exe",
		    "a_fdp.exe" },
		{ "attachment; filename*=UTF-8''a%E2%81%A6b%D8%9Cc", "a_b_c" },
		{ "attachment; filename=\"dir/\"", NULL },
		{ "attachment; filename=\"\"", NULL },
		{ "attachment", NULL },
		{ "attachment; filename=\"open", NULL },
		{ NULL, NULL },
	};
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		expect(ctl_http_filename(arena, span_str(cases[i].header)),
		    cases[i].name,
		    cases[i].header == NULL ? "none" : cases[i].header);
}

Test(ctl_http_text, cuts_file_names_at_what_file_systems_take)
{
	struct buffer header;
	struct span name;
	size_t i;

	buffer_init(&header, arena);
	buffer_append(&header, SPAN("attachment; filename=\"a"));
	for (i = 0; i < 200; i++)
		buffer_append(&header, SPAN("\xc3\xa4"));
	buffer_append_byte(&header, '"');
	name = ctl_http_filename(arena, buffer_span(&header));
	cr_expect_eq(name.size, 255);
	cr_expect_eq((unsigned char)name.data[254], 0xa4);
}
