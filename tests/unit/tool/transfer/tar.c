/* SPDX-License-Identifier: ISC */
#include "tool/transfer/tar.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static struct ctl ctl;
static char directory[] = "/tmp/artifactd-tar.XXXXXX";
static char path[64];

static void
open_all(void)
{
	ctl.arena = arena_open();
	cr_assert_not_null(mkdtemp(directory));
	(void)snprintf(path, sizeof(path), "%s/x.tar", directory);
}

static void
close_all(void)
{
	(void)unlink(path); /* some tests make none */
	cr_assert_eq(rmdir(directory), 0, "something else stayed there");
	arena_close(ctl.arena);
}

TestSuite(ctl_tar, .init = open_all, .fini = close_all);

static const struct {
	const char *name;
	struct span bytes;
} members[] = {
	{ "first", { "hello", 5 } },
	{ "empty", { "", 0 } },
	{ "deep/er", { "a\0b", 3 } },
};

#define MEMBERS (sizeof(members) / sizeof(members[0]))

static struct ctl_tar_writer *
write_members(void)
{
	struct ctl_tar_writer *tar = NULL;
	size_t i;

	cr_assert_eq(ctl_tar_create(&ctl, path, &tar), CTL_OK);
	for (i = 0; i < MEMBERS; i++) {
		cr_assert_eq(ctl_tar_add(tar, members[i].name,
				 members[i].bytes.size, i * 1000000),
		    CTL_OK);
		cr_assert_eq(ctl_tar_write(tar, members[i].bytes), CTL_OK);
	}
	cr_assert_eq(ctl_tar_finish(tar), CTL_OK);
	return tar;
}

/* 3 would be an artifact that there is not. */
Test(ctl_tar, fails_without_a_file_to_read)
{
	struct ctl_tar_reader *tar = NULL;

	cr_expect_eq(ctl_tar_open(&ctl, path, &tar), CTL_FAILED);
}

Test(ctl_tar, gives_back_what_was_written)
{
	struct ctl_tar_writer *writer = write_members();
	struct ctl_tar_reader *tar;
	struct ctl_tar_member member;
	struct span piece;
	bool is_end = false;
	size_t i;

	cr_assert_eq(ctl_tar_keep(writer), CTL_OK);
	ctl_tar_discard(writer);
	cr_assert_eq(ctl_tar_open(&ctl, path, &tar), CTL_OK);
	for (i = 0; i < MEMBERS; i++) {
		cr_assert_eq(
		    ctl_tar_next(tar, ctl.arena, &member, &is_end), CTL_OK);
		cr_assert_not(is_end);
		cr_assert(span_is(member.name, members[i].name));
		cr_assert_eq(member.size, members[i].bytes.size);
		cr_assert_eq(ctl_tar_read(tar, &piece), CTL_OK);
		cr_assert(span_equal(piece, members[i].bytes));
	}
	cr_assert_eq(ctl_tar_next(tar, ctl.arena, &member, &is_end), CTL_OK);
	cr_assert(is_end);
	cr_assert_eq(ctl_tar_size(tar), 10240);
	ctl_tar_close(tar);
}

Test(ctl_tar, has_its_name_only_when_it_is_kept)
{
	struct ctl_tar_writer *writer = write_members();
	struct stat file;

	cr_assert_neq(stat(path, &file), 0);
	ctl_tar_discard(writer);
	cr_assert_neq(stat(path, &file), 0);
	writer = write_members();
	cr_assert_eq(ctl_tar_keep(writer), CTL_OK);
	ctl_tar_discard(writer);
	cr_assert_eq(stat(path, &file), 0);
	cr_assert_eq(file.st_mode & 07777, 0600);
}
