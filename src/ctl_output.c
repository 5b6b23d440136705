/* SPDX-License-Identifier: ISC */
/*
 * ctl_output.c - rows as JSON lines, as a table, or between tabs; and
 * sentences on stderr. Knows nothing of what they are about.
 */

#include "ctl_output.h"

#include "json.h"
#include "utf8.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <wchar.h>

#define COLUMNS 32
#define PAGE 200 /* rows whose columns get one width */
#define GAP 2	 /* between columns */
#define CUT "..."
#define NARROWEST 4 /* that a column of text becomes */

enum kind { KIND_TEXT, KIND_NUMBER, KIND_SIZE, KIND_BOOL, KIND_SOURCE };

struct member {
	const char *name;
	enum kind kind;
	struct span text; /* TEXT, SOURCE */
	uint64_t number;
};

struct ctl_row {
	struct arena *arena;
	struct member members[COLUMNS];
	size_t count;
};

struct ctl_output {
	const struct ctl *ctl;
	struct arena *arena; /* of a page; owned */
	const char *names[COLUMNS];
	bool is_number[COLUMNS];
	size_t columns;
	struct span *cells; /* PAGE x columns */
	size_t rows;
	bool has_headings; /* they were printed */
};

/* ---- rows ---- */

struct ctl_row *
ctl_row(struct arena *arena)
{
	struct ctl_row *row = arena_alloc(arena, sizeof(*row));

	row->arena = arena;
	return row;
}

static struct member *
row_add(struct ctl_row *row, const char *name, enum kind kind)
{
	struct member *member;

	assert(row->count < COLUMNS);
	member = &row->members[row->count++];
	member->name = name;
	member->kind = kind;
	return member;
}

void
ctl_row_text(struct ctl_row *row, const char *name, struct span text)
{
	row_add(row, name, KIND_TEXT)->text = arena_copy(row->arena, text);
}

void
ctl_row_number(struct ctl_row *row, const char *name, uint64_t number)
{
	row_add(row, name, KIND_NUMBER)->number = number;
}

void
ctl_row_size(struct ctl_row *row, const char *name, uint64_t bytes)
{
	row_add(row, name, KIND_SIZE)->number = bytes;
}

void
ctl_row_bool(struct ctl_row *row, const char *name, bool is_true)
{
	row_add(row, name, KIND_BOOL)->number = is_true;
}

void
ctl_row_source(struct ctl_row *row, const char *name, struct span text)
{
	row_add(row, name, KIND_SOURCE)->text = arena_copy(row->arena, text);
}

/* ---- values as text ---- */

struct span
ctl_size_text(struct arena *arena, uint64_t bytes)
{
	static const char *const units[] = { "KiB", "MiB", "GiB", "TiB",
		"PiB" };
	double size = (double)bytes / 1024;
	size_t unit = 0;

	if (bytes < 1024)
		return arena_printf(arena, "%llu B", (unsigned long long)bytes);
	while (size >= 1024 && unit + 1 < sizeof(units) / sizeof(units[0])) {
		size /= 1024;
		unit++;
	}
	return arena_printf(arena, "%.1f %s", size, units[unit]);
}

struct span
ctl_count_text(struct arena *arena, uint64_t number, const char *word)
{
	return arena_printf(arena, "%llu %s%s", (unsigned long long)number,
	    word, number == 1 ? "" : "s");
}

struct span
ctl_visible(struct arena *arena, struct span text)
{
	struct buffer buffer;
	struct span sequence;
	size_t size, i;

	text = utf8_repair(arena, text);
	buffer_init(&buffer, arena);
	for (; text.size > 0; text = span_from(text, size)) {
		(void)utf8_next(text, &size); /* repaired */
		sequence = span_of(text.data, size);
		if (!utf8_steers(sequence)) {
			buffer_append(&buffer, sequence);
			continue;
		}
		for (i = 0; i < size; i++)
			buffer_printf(&buffer, "\\x%02x",
			    (unsigned char)sequence.data[i]);
	}
	return buffer.size == 0 ? SPAN("") : buffer_span(&buffer);
}

static struct span
member_text(
    struct arena *arena, const struct member *member, bool is_for_people)
{
	switch (member->kind) {
	case KIND_TEXT:
	case KIND_SOURCE:
		if (member->text.data == NULL)
			return is_for_people ? SPAN("-") : SPAN("");
		return ctl_visible(arena, member->text);
	case KIND_SIZE:
		if (is_for_people)
			return ctl_size_text(arena, member->number);
		break;
	case KIND_BOOL:
		return member->number != 0 ? SPAN("yes") : SPAN("no");
	case KIND_NUMBER:
		break;
	}
	return arena_printf(arena, "%llu", (unsigned long long)member->number);
}

static void
print_json(struct arena *arena, const struct ctl_row *row)
{
	struct json_value *object = json_object(arena);
	const struct member *member;
	struct span text;
	size_t i;

	for (i = 0; i < row->count; i++) {
		member = &row->members[i];
		if (member->kind == KIND_TEXT)
			json_put_text(object, member->name, member->text);
		else if (member->kind == KIND_SOURCE)
			json_put_source(object, member->name, member->text);
		else if (member->kind == KIND_BOOL)
			json_put_bool(
			    object, member->name, member->number != 0);
		else
			json_put_number(object, member->name, member->number);
	}
	text = json_text(arena, object);
	fwrite(text.data, 1, text.size, stdout);
	fputc('\n', stdout);
}

/* ---- tables ---- */

/* In columns of a terminal. */
static size_t
width_of(struct span text)
{
	mbstate_t state = { 0 };
	size_t width = 0;
	wchar_t letter;
	size_t size;

	for (; text.size > 0; text = span_from(text, size)) {
		size = mbrtowc(&letter, text.data, text.size, &state);
		if (size == 0 || size > text.size)
			return width + text.size; /* not of this locale */
		if (wcwidth(letter) > 0)
			width += (size_t)wcwidth(letter);
	}
	return width;
}

struct span
ctl_fit(struct arena *arena, struct span text, size_t width)
{
	struct span rest = text;
	size_t used = 0, size;

	if (width_of(text) <= width)
		return text;
	while (rest.size > 0) {
		(void)utf8_next(rest, &size); /* visible */
		used += width_of(span_of(rest.data, size));
		if (used + strlen(CUT) > width)
			break;
		rest = span_from(rest, size);
	}
	return arena_printf(
	    arena, "%.*s" CUT, (int)(text.size - rest.size), text.data);
}

static void
print_cell(struct ctl_output *output, struct span text, size_t width,
    bool is_number, bool is_last)
{
	struct span shown = ctl_fit(output->arena, text, width);
	size_t mine = width_of(shown);
	int padding = (int)(width > mine ? width - mine : 0);

	printf("%*s%.*s%*s%s", is_number ? padding : 0, "", (int)shown.size,
	    shown.data, is_number || is_last ? 0 : padding, "",
	    is_last ? "\n" : "  ");
}

static size_t
column_width(const struct ctl_output *output, size_t column)
{
	size_t most = strlen(output->names[column]);
	size_t width, i;

	for (i = 0; i < output->rows; i++) {
		width = width_of(output->cells[i * output->columns + column]);
		most = width > most ? width : most;
	}
	return most;
}

/* A row is to stay a line: text gives way, from the last column on. */
static void
narrow(const struct ctl_output *output, size_t *widths)
{
	size_t most = output->ctl->width;
	size_t width = GAP * (output->columns - 1), i, excess;

	for (i = 0; i < output->columns; i++)
		width += widths[i];
	for (i = output->columns; i > 0 && most > 0 && width > most; i--) {
		if (output->is_number[i - 1] || widths[i - 1] <= NARROWEST)
			continue;
		excess = width - most;
		if (excess > widths[i - 1] - NARROWEST)
			excess = widths[i - 1] - NARROWEST;
		widths[i - 1] -= excess;
		width -= excess;
	}
}

static void
print_headings(struct ctl_output *output, const size_t *widths)
{
	size_t i;

	if (output->ctl->has_color)
		fputs("\033[1m", stdout);
	for (i = 0; i < output->columns; i++)
		print_cell(output, span_str(output->names[i]), widths[i],
		    output->is_number[i], i + 1 == output->columns);
	if (output->ctl->has_color)
		fputs("\033[0m", stdout);
	output->has_headings = true;
}

static void
print_page(struct ctl_output *output)
{
	size_t widths[COLUMNS];
	size_t row, i;

	if (output->rows == 0)
		return;
	for (i = 0; i < output->columns; i++)
		widths[i] = column_width(output, i);
	narrow(output, widths);
	if (!output->has_headings)
		print_headings(output, widths);
	for (row = 0; row < output->rows; row++)
		for (i = 0; i < output->columns; i++)
			print_cell(output,
			    output->cells[row * output->columns + i], widths[i],
			    output->is_number[i], i + 1 == output->columns);
	output->rows = 0;
	output->cells = NULL;
	arena_reset(output->arena);
}

static void
keep_row(struct ctl_output *output, const struct ctl_row *row)
{
	size_t i;

	output->columns = row->count;
	if (output->cells == NULL)
		output->cells = arena_alloc(output->arena,
		    PAGE * row->count * sizeof(output->cells[0]));
	for (i = 0; i < row->count; i++) {
		output->names[i] = row->members[i].name;
		output->is_number[i] = row->members[i].kind == KIND_NUMBER ||
				       row->members[i].kind == KIND_SIZE;
		output->cells[output->rows * row->count + i] =
		    member_text(output->arena, &row->members[i], true);
	}
	if (++output->rows == PAGE)
		print_page(output);
}

static void
print_tabs(struct arena *arena, const struct ctl_row *row)
{
	struct span text;
	size_t i;

	for (i = 0; i < row->count; i++) {
		text = member_text(arena, &row->members[i], false);
		printf("%.*s%c", (int)text.size, text.data,
		    i + 1 == row->count ? '\n' : '\t');
	}
}

struct ctl_output *
ctl_output_open(const struct ctl *ctl)
{
	struct ctl_output *output = arena_alloc(ctl->arena, sizeof(*output));

	output->ctl = ctl;
	output->arena = arena_open();
	return output;
}

void
ctl_output_row(struct ctl_output *output, const struct ctl_row *row)
{
	if (!output->ctl->is_json && output->ctl->is_terminal) {
		keep_row(output, row);
		return;
	}
	if (output->ctl->is_json)
		print_json(output->arena, row);
	else
		print_tabs(output->arena, row);
	arena_reset(output->arena);
}

void
ctl_output_close(struct ctl_output *output)
{
	print_page(output);
	arena_close(output->arena);
}

void
ctl_print_facts(const struct ctl *ctl, const struct ctl_row *row)
{
	struct span text;
	int width = 0;
	size_t i;

	if (ctl->is_json) {
		print_json(ctl->arena, row);
		return;
	}
	for (i = 0; i < row->count; i++)
		if ((int)strlen(row->members[i].name) > width)
			width = (int)strlen(row->members[i].name);
	for (i = 0; i < row->count; i++) {
		text =
		    member_text(ctl->arena, &row->members[i], ctl->is_terminal);
		if (ctl->is_terminal)
			printf("%-*s  %.*s\n", width, row->members[i].name,
			    (int)text.size, text.data);
		else
			printf("%s\t%.*s\n", row->members[i].name,
			    (int)text.size, text.data);
	}
}

/* ---- saying no ---- */

/* What others wrote may be in it, and is not to steer a terminal. */
static void
print_visible(struct span text)
{
	struct arena *arena = arena_open();
	struct span line;

	while (text.data != NULL) {
		line = ctl_visible(arena, span_split(&text, '\n'));
		fprintf(stderr, "%.*s\n", (int)line.size, line.data);
	}
	arena_close(arena);
}

int
ctl_worse(int one, int other)
{
	/* From the least to the worst: bytes that are wrong, then what will
	 * be no better the next time. */
	static const int order[] = { CTL_OK, CTL_WOULD_CHANGE, CTL_TRY_LATER,
		CTL_CHANGED, CTL_NOT_FOUND, CTL_AMBIGUOUS, CTL_USAGE,
		CTL_FAILED, CTL_INTEGRITY };
	size_t i;

	for (i = sizeof(order) / sizeof(order[0]); i-- > 0;)
		if (order[i] == one || order[i] == other)
			return order[i];
	return CTL_FAILED;
}

int
ctl_error(int exit_code, const char *format, ...)
{
	va_list arguments;
	int error = errno; /* for %m */
	char *text = NULL;

	fflush(stdout); /* what was printed before it was said before it */
	errno = error;
	va_start(arguments, format);
	if (vasprintf(&text, format, arguments) < 0)
		abort(); /* for lack of memory alone */
	va_end(arguments);
	fputs("artifactctl: ", stderr);
	print_visible(span_str(text));
	free(text);
	return exit_code;
}

int
ctl_usage(const struct ctl *ctl, const char *format, ...)
{
	va_list arguments;
	char text[512];

	va_start(arguments, format);
	(void)vsnprintf(text, sizeof(text), format, arguments); /* cut */
	va_end(arguments);
	if (ctl->command == NULL)
		return ctl_error(CTL_USAGE, "%s; see artifactctl help", text);
	return ctl_error(
	    CTL_USAGE, "%s; see artifactctl help %s", text, ctl->command->name);
}
