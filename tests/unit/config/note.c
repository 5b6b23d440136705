/* SPDX-License-Identifier: ISC */
/* note.c - what one writes the other reads, and nothing else. */

#include "config/note.h"

#include "base/mem.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char directory[] = "/tmp/artifactd-note.XXXXXX";
static char path[64], draft[80];

static void
begin(void)
{
	cr_assert_not_null(mkdtemp(directory));
	(void)snprintf(path, sizeof(path), "%s/" NOTE_CHECK, directory);
	(void)snprintf(draft, sizeof(draft), "%s.new", path);
}

static void
end(void)
{
	(void)unlink(path);
	(void)unlink(draft);
	cr_assert_eq(rmdir(directory), 0, "nothing else was left");
}

static void
put(const char *text, size_t size)
{
	FILE *file = fopen(path, "w");

	cr_assert_not_null(file);
	cr_assert_eq(fwrite(text, 1, size, file), size);
	cr_assert_eq(fclose(file), 0);
}

TestSuite(note, .init = begin, .fini = end);

Test(note, comes_back_as_it_was)
{
	const struct note notes[] = {
		{ 1764090000, true, 0, 3, 4096, false, 0, 0 },
		{ 1764090001, false, 12, 86400, UINT64_C(1) << 50, true, 0, 0 },
		{ 0, false, 0, 0, 0, false, 0, 0 },
	};
	struct note note;
	size_t i;

	for (i = 0; i < 3; i++) {
		cr_assert_eq(
		    note_write(directory, NOTE_CHECK, &notes[i]), RESULT_OK);
		cr_assert_eq(
		    note_read(directory, NOTE_CHECK, &note), RESULT_OK);
		cr_assert_eq(note.finished, notes[i].finished);
		cr_assert_eq(note.is_ok, notes[i].is_ok);
		cr_assert_eq(note.problems, notes[i].problems);
		cr_assert_eq(note.duration, notes[i].duration);
		cr_assert_eq(note.bytes, notes[i].bytes);
		cr_assert_eq(note.is_deep, notes[i].is_deep);
	}
}

Test(note, of_a_failure_keeps_where_the_last_good_one_is)
{
	const struct note good = {
		.finished = 5, .is_ok = true, .place = NOTE_PLACE_SHARED
	};
	const struct note bad = { .finished = 9, .place = NOTE_PLACE_OTHER };
	const struct note better = {
		.finished = 10, .is_ok = true, .place = NOTE_PLACE_OTHER
	};
	const struct span unknown = SPAN("place=77\nis_ok=1\nfinished=5\n");
	struct note note;

	cr_assert_eq(note_write(directory, NOTE_CHECK, &good), RESULT_OK);
	cr_assert_eq(note_write(directory, NOTE_CHECK, &bad), RESULT_OK);
	cr_assert_eq(note_read(directory, NOTE_CHECK, &note), RESULT_OK);
	cr_assert_eq(note.place, NOTE_PLACE_SHARED);
	cr_assert_eq(note_write(directory, NOTE_CHECK, &better), RESULT_OK);
	cr_assert_eq(note_read(directory, NOTE_CHECK, &note), RESULT_OK);
	cr_assert_eq(note.place, NOTE_PLACE_OTHER);
	put(unknown.data, unknown.size);
	cr_assert_eq(note_read(directory, NOTE_CHECK, &note), RESULT_OK);
	cr_assert_eq(note.place, NOTE_PLACE_UNKNOWN);
}

Test(note, of_a_failure_keeps_when_one_last_ended_well)
{
	const struct note good = { .finished = 5, .is_ok = true };
	const struct note bad = { .finished = 9, .succeeded = 8 };
	struct note note;
	int i;

	cr_assert_eq(note_write(directory, NOTE_CHECK, &bad), RESULT_OK);
	cr_assert_eq(note_read(directory, NOTE_CHECK, &note), RESULT_OK);
	cr_assert_eq(note.succeeded, 0, "there was none");
	cr_assert_eq(note_write(directory, NOTE_CHECK, &good), RESULT_OK);
	for (i = 0; i < 2; i++) {
		cr_assert_eq(
		    note_read(directory, NOTE_CHECK, &note), RESULT_OK);
		cr_assert_eq(note.succeeded, 5);
		cr_assert_eq(
		    note_write(directory, NOTE_CHECK, &bad), RESULT_OK);
	}
	cr_assert_eq(note_read(directory, NOTE_CHECK, &note), RESULT_OK);
	cr_assert_eq(note.finished, 9);
	cr_assert_eq(note.succeeded, 5);
}

Test(note, of_an_older_version_keeps_its_success_too)
{
	const struct span text = SPAN("is_ok=1\nfinished=5\n");
	const struct note bad = { .finished = 9 };
	struct note note;

	put(text.data, text.size);
	cr_assert_eq(note_read(directory, NOTE_CHECK, &note), RESULT_OK);
	cr_assert_eq(note.succeeded, 5);
	cr_assert_eq(note_write(directory, NOTE_CHECK, &bad), RESULT_OK);
	cr_assert_eq(note_read(directory, NOTE_CHECK, &note), RESULT_OK);
	cr_assert_eq(note.succeeded, 5);
}

Test(note, leaves_no_draft_where_it_cannot_be_kept)
{
	const struct note note = { .finished = 1 };

	cr_assert_eq(mkdir(path, 0700), 0);
	cr_assert_eq(note_write(directory, NOTE_CHECK, &note), RESULT_IO);
	cr_assert_neq(errno, 0);
	cr_assert_neq(access(draft, F_OK), 0);
	cr_assert_eq(rmdir(path), 0);
}

Test(note, is_not_found_where_none_is)
{
	struct note note;

	cr_assert_eq(note_read(directory, NOTE_CHECK, &note), RESULT_NOT_FOUND);
	cr_assert_eq(note_read("/nowhere", NOTE_CHECK, &note), RESULT_IO);
	cr_assert_eq(note_write("/nowhere", NOTE_CHECK, &note), RESULT_IO);
	cr_assert_eq(errno, ENOENT);
}

Test(note, passes_over_keys_of_others)
{
	const struct span text =
	    SPAN("who=me\nproblems=2\nfuture=a=b\n=\nfinished=5\n");
	struct note note;

	put(text.data, text.size);
	cr_assert_eq(note_read(directory, NOTE_CHECK, &note), RESULT_OK);
	cr_assert_eq(note.finished, 5);
	cr_assert_eq(note.problems, 2);
	cr_assert_not(note.is_ok);
}

Test(note, refuses_half_of_one)
{
	const struct note whole = { 1764090000, true, 0, 3, 4096, false, 0, 0 };
	struct note note = { .finished = 77 };
	struct stat file;
	off_t size;

	cr_assert_eq(note_write(directory, NOTE_CHECK, &whole), RESULT_OK);
	cr_assert_eq(stat(path, &file), 0);
	for (size = file.st_size - 1; size >= 0; size--) {
		cr_assert_eq(truncate(path, size), 0);
		cr_assert_eq(note_read(directory, NOTE_CHECK, &note),
		    RESULT_MALFORMED, "%d bytes", (int)size);
	}
	cr_assert_eq(note.finished, 77, "and touches nothing");
}

Test(note, refuses_what_is_none)
{
	static const struct span texts[] = {
		SPAN(""),
		SPAN("\n"),
		SPAN("finished\n"),
		SPAN("finished=\n"),
		SPAN("finished=-1\n"),
		SPAN("finished= 1\n"),
		SPAN("finished=1.5\n"),
		SPAN("finished=1234567890123456789\n"),
		SPAN("finished=1\nproblems=0\n"),
		SPAN("problems=x\nfinished=1\n"),
		SPAN("no line\nfinished=1\n"),
		SPAN("finished=1\0\n"),
	};
	struct note note;
	char large[1100];
	size_t i;

	for (i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		put(texts[i].data, texts[i].size);
		cr_assert_eq(note_read(directory, NOTE_CHECK, &note),
		    RESULT_MALFORMED, "case %zu", i);
	}
	memset(large, 'a', sizeof(large));
	memcpy(large + sizeof(large) - 13, "=\nfinished=1\n", 13);
	put(large, sizeof(large));
	cr_assert_eq(note_read(directory, NOTE_CHECK, &note), RESULT_MALFORMED,
	    "too large");
}

Test(note, follows_no_link_and_waits_for_no_fifo)
{
	const struct note whole = { .finished = 1 };
	struct note note;

	/* Even to a good one. */
	cr_assert_eq(note_write(directory, NOTE_CHECK, &whole), RESULT_OK);
	cr_assert_eq(rename(path, draft), 0);
	cr_assert_eq(symlink(draft, path), 0);
	cr_assert_eq(note_read(directory, NOTE_CHECK, &note), RESULT_MALFORMED);
	cr_assert_eq(unlink(path), 0);
	cr_assert_eq(mkfifo(path, 0600), 0);
	cr_assert_eq(note_read(directory, NOTE_CHECK, &note), RESULT_MALFORMED);
	cr_assert_eq(unlink(draft), 0);
	cr_assert_eq(symlink("/dev/null", draft), 0);
	cr_assert_eq(note_write(directory, NOTE_CHECK, &whole), RESULT_IO);
	cr_assert_eq(errno, ELOOP);
}
