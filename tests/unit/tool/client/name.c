/* SPDX-License-Identifier: ISC */
#include "tool/client/name.h"

#include <criterion/criterion.h>
#include <string.h>

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

TestSuite(ctl_name, .init = set_up, .fini = tear_down);

static const struct id one = { { 0x12, 0x34, 0x56, 0x78, 0x12, 0x34, 0x42, 0x34,
    0x82, 0x34, 0x12, 0x34, 0x56, 0x78, 0x9a, 0xbc } };

Test(ctl_name, is_a_path_only_where_each_part_is_harmless)
{
	static const struct {
		const char *title, *filename, *name;
	} cases[] = {
		{ "docs/plan.md", "plan.md", "docs/plan.md" },
		{ "docs/plan.md", NULL, "docs/plan.md" },
		{ "plan", NULL, "plan" },
		{ "Nightly report", "report.pdf", "report.pdf" },
		{ "docs/other.md", "plan.md", "plan.md" },
		{ "/plan.md", "plan.md", "plan.md" },
		{ "../plan.md", "plan.md", "plan.md" },
		{ "a/../plan.md", "plan.md", "plan.md" },
		{ "a//plan.md", "plan.md", "plan.md" },
		{ "./plan.md", "plan.md", "plan.md" },
		{ ".git/hooks", "hooks", "hooks" },
		{ "-o/plan.md", "plan.md", "plan.md" },
		{ "a\\b/plan.md", "plan.md", "plan.md" },
		{ "a\x1b[2J/plan.md", "plan.md", "plan.md" },
		{ "a\nb/plan.md", "plan.md", "plan.md" },
		{ "../../etc/passwd", NULL, "_._.._etc_passwd" },
		{ "/etc/passwd", NULL, "_etc_passwd" },
		{ "a\\b", NULL, "a_b" },
		{ "..", NULL, "_." },
		{ "a/", NULL, "a_" },
		{ "", NULL, "12345678-1234-4234-8234-123456789abc" },
	};
	const char *name;
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		name = ctl_used_name(ctl_used_open(arena), cases[i].title,
		    span_str(cases[i].filename), &one);
		cr_expect_str_eq(name, cases[i].name, "%s, %s: \"%s\"",
		    cases[i].title, cases[i].filename, name);
	}
}

Test(ctl_name, that_is_taken_gets_the_id_before_its_ending)
{
	struct ctl_used *used = ctl_used_open(arena);
	static const struct {
		const char *title, *name;
	} cases[] = {
		{ "plan.md", "plan.md" },
		{ "plan.md", "plan.12345678-123.md" },
		{ "plan.md", "plan.12345678-1234-4234-8234-123456789abc.md" },
		{ "a.b/plan", "a.b/plan" },
		{ "a.b/plan", "a.b/plan.12345678-123" },
	};
	char longest[256], wanted[256];
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		cr_expect_str_eq(
		    ctl_used_name(used, cases[i].title, SPAN_NONE, &one),
		    cases[i].name);
	memset(longest, 'x', 255);
	memcpy(longest + 251, ".txt", 5);
	cr_expect_str_eq(
	    ctl_used_name(used, longest, SPAN_NONE, &one), longest);
	memset(wanted, 'x', 255);
	memcpy(wanted + 238, ".12345678-123.txt", 18);
	cr_expect_str_eq(ctl_used_name(used, longest, SPAN_NONE, &one), wanted);
}

Test(ctl_name, of_a_place_is_without_detours)
{
	cr_expect_str_eq(
	    ctl_name_place(arena, SPAN("./a//b/./c.md")), "a/b/c.md");
	cr_expect_str_eq(ctl_name_place(arena, SPAN("a\xff")), "a\xef\xbf\xbd");
	cr_expect_null(ctl_name_place(arena, SPAN("/a")));
	cr_expect_null(ctl_name_place(arena, SPAN("a/../b")));
	cr_expect_null(ctl_name_place(arena, SPAN("./")));
}
