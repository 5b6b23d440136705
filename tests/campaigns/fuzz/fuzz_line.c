/* SPDX-License-Identifier: ISC */
/*
 * fuzz_line.c - texts of one line or a few that artifactctl reads. The first
 * byte chooses: j, a record as JSON, which is the same when it is written and
 * read again; n, a note, which is too; r, a rule of rm, which selects
 * everything only by --all; t, a time, which is the same when it is written.
 */
#include "tool/transfer/record.h"
#include "tool/client/rm.h"
#include "fuzz.h"
#include "config/note.h"
#include "protocol/utf8.h"

#include <fcntl.h>
#include <unistd.h>

const struct ctl_command *const ctl_commands[] = { &ctl_command_rm, NULL };

static char directory[] = "/dev/shm/artifactd-fuzz.XXXXXX";

static void
remove_directory(void)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "%s/note", directory);
	(void)unlink(path);
	(void)rmdir(directory);
}

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	DEMAND(digest_init());
	DEMAND(mkdtemp(directory) != NULL && atexit(remove_directory) == 0);
	fuzz_hush();
	return 0;
}

/* ---- records ---- */

static void
demand_limits(const struct artifact *artifact)
{
	DEMAND(artifact->workflow.data != NULL && artifact->title.data != NULL);
	DEMAND(artifact->workflow.size <= 4 * LIMIT_WORKFLOW);
	DEMAND(artifact->title.size <= 4 * LIMIT_TITLE);
	DEMAND(artifact->type.size > 0);
	DEMAND(artifact->metadata.size <= LIMIT_METADATA);
	DEMAND(artifact->derived_count <= LIMIT_DERIVED_FROM);
	DEMAND(utf8_is_valid(artifact->title));
}

/* A store takes it, too: what was read is within base/limits.h. */
static void
demand_stored(struct arena *arena, const struct artifact *artifact)
{
	struct artifact *again;
	struct buffer buffer;

	buffer_init(&buffer, arena);
	artifact_encode(artifact, &buffer);
	DEMAND(
	    artifact_decode(buffer_span(&buffer), arena, &again) == RESULT_OK);
	DEMAND(artifact_is_same(artifact, again, arena));
}

static void
read_record(struct arena *arena, struct span text)
{
	struct ctl_record record, again;
	const char *fault = NULL;
	struct span line;

	if (!ctl_record_read(arena, text, &record, &fault)) {
		DEMAND(fault != NULL && fault[0] != '\0');
		return;
	}
	demand_limits(&record.artifact);
	demand_stored(arena, &record.artifact);
	line = ctl_record_line(&record.artifact, arena);
	DEMAND(span_find(line, '\n') == line.size - 1);
	DEMAND(ctl_record_read(arena, line, &again, &fault));
	DEMAND(again.has_created && again.has_hash && again.has_size);
	DEMAND(artifact_is_same(&record.artifact, &again.artifact, arena));
	DEMAND(again.artifact.created == record.artifact.created);
	DEMAND(again.artifact.content.stored == record.artifact.content.stored);
	DEMAND(span_equal(line, ctl_record_line(&again.artifact, arena)));
}

/* ---- notes ---- */

static void
read_note(struct arena *arena, struct span text)
{
	struct note note, again;
	const char *path = arena_printf(arena, "%s/note", directory).data;
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	DEMAND(fd >= 0);
	DEMAND(write(fd, text.data, text.size) == (ssize_t)text.size);
	DEMAND(close(fd) == 0);
	if (note_read(directory, "note", &note) != RESULT_OK)
		return;
	DEMAND(note_write(directory, "note", &note) == RESULT_OK);
	DEMAND(note_read(directory, "note", &again) == RESULT_OK);
	DEMAND(note.finished == again.finished && note.is_ok == again.is_ok);
	DEMAND(note.problems == again.problems && note.bytes == again.bytes);
	DEMAND(note.succeeded == again.succeeded);
	DEMAND(
	    note.duration == again.duration && note.is_deep == again.is_deep);
}

/* ---- rules ---- */

static bool
is_narrow(const struct ctl_which *filter)
{
	return filter_is_narrow(&filter->members) || filter->older_than > 0 ||
	       filter->keep_newest > 0;
}

static void
read_rule(struct arena *arena, struct span text)
{
	const struct ctl ctl = { .arena = arena };
	const char *line = arena_string(arena, text);
	struct ctl_which filter;
	size_t i;
	int exit_code = ctl_rm_parse(&ctl, line, &filter);

	DEMAND(exit_code == CTL_OK || exit_code == CTL_USAGE);
	if (exit_code != CTL_OK)
		return;
	/* "--a" is enough. */
	DEMAND(is_narrow(&filter) || strstr(line, "--a") != NULL ||
	       strpbrk(line, "'\"") != NULL);
	/* An empty value would be no filter to the server. */
	for (i = 0; i < FILTERS; i++)
		DEMAND(filter.members.values[i].data == NULL ||
		       filter.members.values[i].size > 0);
}

/* ---- times ---- */

static void
read_time(struct arena *arena, struct span text)
{
	uint64_t moment = 0, again = 0;
	char form[MOMENT_TEXT + 1];

	(void)arena;
	if (!moment_parse(text, &moment))
		return;
	moment_format(moment, form);
	DEMAND(moment_parse(span_of(form, MOMENT_TEXT), &again));
	DEMAND(again == moment);
	/* Which day it is, two agree on. */
	if (text.size > 19 && (text.data[19] == 'Z' || text.data[19] == 'z'))
		DEMAND(memcmp(form, text.data, 10) == 0);
}

/* ---- the target ---- */

static const struct {
	char which;
	void (*read)(struct arena *arena, struct span text);
} readers[] = { { 'j', read_record }, { 'n', read_note }, { 'r', read_rule },
	{ 't', read_time } };

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_open();
	struct span text = arena_copy(arena, span_of(data, size));
	size_t i;

	for (i = 0; i < sizeof(readers) / sizeof(readers[0]); i++)
		if (size > 0 && text.data[0] == readers[i].which)
			readers[i].read(arena, span_from(text, 1));
	arena_close(arena);
	return 0;
}
