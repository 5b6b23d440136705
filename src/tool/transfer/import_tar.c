/* SPDX-License-Identifier: ISC */
/*
 * import_tar.c - artifacts out of an export (export.h), in one pass.
 *
 * Nothing in the file is trusted: each member has to be the one that comes
 * next, with the size that its record tells. Where it is not, the import ends;
 * the artifacts that came whole before are kept.
 */

#include "export.h"
#include "import.h"
#include "tool/output.h"
#include "record.h"
#include "tar.h"

#include <stdarg.h>

#define SMALL_TEXT 4096 /* artifactd.json and end.json */

struct source {
	struct import *import;
	struct ctl_tar_reader *tar;
	struct arena *arena; /* of the block at hand */
	struct ctl_progress progress;
	struct ctl_tar_member member; /* the one at hand */
	bool is_end;		      /* there is none */
	struct artifact *artifacts[EXPORT_LINES];
	size_t count;
	unsigned block;
	uint64_t artifact_total;
	uint64_t byte_total;
};

/* ---- sentences ---- */

static int refuse(const struct source *source, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static int
refuse(const struct source *source, const char *format, ...)
{
	va_list arguments;
	char text[512];

	va_start(arguments, format);
	(void)vsnprintf(text, sizeof(text), format, arguments); /* cut */
	va_end(arguments);
	return ctl_error(
	    CTL_INTEGRITY, "%s: %s", source->import->ctl->operands[0], text);
}

static int
not_next(const struct source *source, const char *expected)
{
	if (source->is_end)
		return refuse(source,
		    "it ends where %s should come, so it was cut off; what "
		    "was whole before is imported, and the whole file brings "
		    "the rest",
		    expected);
	return refuse(source,
	    "its member \"%.200s\" stands where %s should, so it is no export "
	    "of artifactctl, or was changed since",
	    ctl_visible(source->arena, source->member.name).data, expected);
}

/* ---- members ---- */

static int
next(struct source *source)
{
	ctl_progress_at(&source->progress, ctl_tar_position(source->tar));
	return ctl_tar_next(
	    source->tar, source->arena, &source->member, &source->is_end);
}

static bool
is_member(const struct source *source, const char *name)
{
	return !source->is_end && span_is(source->member.name, name);
}

/* The text of the member at hand; the reader has looked at its size. */
static int
read_text(struct source *source, uint64_t most, struct span *ret_text)
{
	struct buffer buffer;
	struct span piece;
	int exit_code;

	if (source->member.size > most)
		return refuse(source,
		    "its member %.*s has %llu bytes, and no export has more "
		    "than %llu there",
		    (int)source->member.name.size, source->member.name.data,
		    (unsigned long long)source->member.size,
		    (unsigned long long)most);
	buffer_init(&buffer, source->arena);
	buffer_reserve(&buffer, (size_t)source->member.size);
	do {
		exit_code = ctl_tar_read(source->tar, &piece);
		if (exit_code != CTL_OK)
			return exit_code;
		buffer_append(&buffer, piece);
	} while (piece.size > 0);
	*ret_text = buffer_span(&buffer);
	return CTL_OK;
}

/* The member at hand as an object of small numbers and words. */
static int
read_object(struct source *source, struct json_document *ret_document)
{
	struct span text;
	int exit_code;

	exit_code = read_text(source, SMALL_TEXT, &text);
	if (exit_code != CTL_OK)
		return exit_code;
	if (!json_read_object(source->arena, text, ret_document))
		return refuse(source, "its member %.*s is no JSON object",
		    (int)source->member.name.size, source->member.name.data);
	return CTL_OK;
}

/* ---- the head ---- */

static int
read_head(struct source *source)
{
	struct json_document head;
	uint64_t version = 0;
	int exit_code;

	exit_code = next(source);
	if (exit_code == CTL_OK && !is_member(source, EXPORT_HEAD))
		return not_next(source, EXPORT_HEAD);
	if (exit_code == CTL_OK)
		exit_code = read_object(source, &head);
	if (exit_code != CTL_OK)
		return exit_code;
	if (!span_is(json_get_text(&head, "format"), EXPORT_FORMAT) ||
	    !json_get_number(&head, "version", &version))
		return refuse(source, "it is no export of artifactctl");
	if (version != EXPORT_VERSION)
		return refuse(source,
		    "it is an export of version %llu, and this artifactctl "
		    "reads version %d: use a newer one",
		    (unsigned long long)version, EXPORT_VERSION);
	return CTL_OK;
}

/* ---- a block ---- */

static int
read_line(struct source *source, struct span line)
{
	struct ctl_record *record = arena_alloc(source->arena, sizeof(*record));
	const char *fault = "created_at, content_hash or size_bytes is missing";

	if (source->count == EXPORT_LINES)
		return refuse(source,
		    "records/%06u.jsonl has more than %d lines", source->block,
		    EXPORT_LINES);
	if (!ctl_record_read(source->arena, line, record, &fault) ||
	    !record->has_created || !record->has_hash || !record->has_size)
		return refuse(source, "records/%06u.jsonl, line %zu: %s",
		    source->block, source->count + 1, fault);
	source->artifacts[source->count++] = &record->artifact;
	return CTL_OK;
}

static int
read_lines(struct source *source)
{
	struct span text, line;
	int exit_code;

	source->count = 0;
	exit_code = read_text(source, EXPORT_TEXT, &text);
	while (exit_code == CTL_OK && text.size > 0) {
		line = span_split(&text, '\n');
		exit_code = read_line(source, line);
	}
	return exit_code;
}

static int
read_content(struct source *source, const struct artifact *artifact)
{
	struct span piece = SPAN("");
	bool is_wanted;
	int exit_code;

	exit_code = import_begin(source->import, artifact, &is_wanted);
	while (exit_code == CTL_OK) {
		exit_code = ctl_tar_read(source->tar, &piece);
		if (exit_code != CTL_OK || piece.size == 0)
			break;
		exit_code = import_write(source->import, piece);
		ctl_progress_at(
		    &source->progress, ctl_tar_position(source->tar));
	}
	if (exit_code == CTL_OK)
		return import_end(source->import);
	return exit_code;
}

static int
read_artifact(struct source *source, const struct artifact *artifact)
{
	char name[EXPORT_NAME];
	int exit_code;

	export_content_name(&artifact->id, name);
	exit_code = next(source);
	if (exit_code != CTL_OK)
		return exit_code;
	if (!is_member(source, name))
		return not_next(source, name);
	if (source->member.size != artifact->content.size)
		return refuse(source,
		    "%s has %llu bytes, and its record says %llu", name,
		    (unsigned long long)source->member.size,
		    (unsigned long long)artifact->content.size);
	source->artifact_total++;
	source->byte_total += artifact->content.size;
	return read_content(source, artifact);
}

static int
read_block(struct source *source)
{
	int exit_code = read_lines(source);
	size_t i;

	for (i = 0; i < source->count && exit_code == CTL_OK; i++)
		exit_code = read_artifact(source, source->artifacts[i]);
	return exit_code;
}

/* ---- all of it ---- */

static int
read_end(struct source *source)
{
	uint64_t artifacts = 0, bytes = 0;
	struct json_document end;
	int exit_code;

	exit_code = read_object(source, &end);
	if (exit_code != CTL_OK)
		return exit_code;
	if (!json_get_number(&end, "artifacts", &artifacts) ||
	    !json_get_number(&end, "bytes", &bytes) ||
	    artifacts != source->artifact_total || bytes != source->byte_total)
		return refuse(source,
		    "its end counts %llu artifacts with %llu bytes, but it has "
		    "%llu with %llu: it was changed",
		    (unsigned long long)artifacts, (unsigned long long)bytes,
		    (unsigned long long)source->artifact_total,
		    (unsigned long long)source->byte_total);
	exit_code = next(source);
	if (exit_code == CTL_OK && !source->is_end)
		return not_next(source, "nothing more");
	return exit_code;
}

static int
read_all(struct source *source)
{
	char name[EXPORT_NAME];
	int exit_code = read_head(source);

	while (exit_code == CTL_OK) {
		arena_reset(source->arena);
		export_records_name(++source->block, name);
		exit_code = next(source);
		if (exit_code != CTL_OK)
			return exit_code;
		if (is_member(source, EXPORT_END))
			return read_end(source);
		if (!is_member(source, name))
			return not_next(source, name);
		exit_code = read_block(source);
	}
	return exit_code;
}

int
import_tar(struct import *import, struct ctl_tar_reader *tar)
{
	static struct source source;
	int exit_code;

	source = (struct source){
		.import = import, .tar = tar, .arena = arena_open()
	};
	ctl_progress_begin(
	    &source.progress, import->ctl, "import", ctl_tar_size(tar));
	exit_code = read_all(&source);
	ctl_progress_end(&source.progress);
	arena_close(source.arena);
	return exit_code;
}
