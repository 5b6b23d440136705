/* SPDX-License-Identifier: ISC */
/*
 * output.c - print rows as JSON lines, as a table, or as values between tabs;
 * and print sentences on stderr. It does not know what rows and sentences are
 * about.
 */

#include "output.h"

#include "protocol/json.h"
#include "protocol/utf8.h"

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

enum kind {
	KIND_TEXT,
	KIND_KEY,
	KIND_NUMBER,
	KIND_SIZE,
	KIND_AGE,
	KIND_BOOL,
	KIND_SOURCE,
};

struct member {
	const char *name;
	enum kind kind;
	struct span text; /* TEXT, KEY, SOURCE */
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
	enum kind kinds[COLUMNS];
	bool has_value[COLUMNS]; /* in one of the rows so far */
	size_t columns;
	struct span *cells; /* PAGE x columns */
	size_t rows;
	size_t headed; /* so many columns had a value under the headings */
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
ctl_row_key(struct ctl_row *row, const char *name, struct span text)
{
	row_add(row, name, KIND_KEY)->text = arena_copy(row->arena, text);
}

void
ctl_row_age(struct ctl_row *row, const char *name, uint64_t seconds)
{
	row_add(row, name, KIND_AGE)->number = seconds;
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
ctl_row_hash(struct ctl_row *row, const char *name,
    const uint8_t hash[DIGEST_SHA256_SIZE])
{
	char text[DIGEST_SHA256_HEX + 1];

	digest_hex(hash, DIGEST_SHA256_SIZE, text);
	ctl_row_text(row, name, span_str(text));
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
	while (size >= 1024 && unit + 1 < COUNT_OF(units)) {
		size /= 1024;
		unit++;
	}
	return arena_printf(arena, "%.1f %s", size, units[unit]);
}

/* In the units that --older-than takes. */
static struct span
age_text(struct arena *arena, uint64_t seconds)
{
	unsigned long long age = seconds;

	if (age < 60)
		return arena_printf(arena, "%llus", age);
	if (age < 3600)
		return arena_printf(arena, "%llum", age / 60);
	if (age < 48 * 3600)
		return arena_printf(arena, "%lluh", age / 3600);
	return arena_printf(arena, "%llud", age / 86400);
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
	buffer_append_byte(&buffer, '\0');
	return span_of(buffer.data, buffer.size - 1);
}

static struct span
member_text(
    struct arena *arena, const struct member *member, bool is_for_people)
{
	switch (member->kind) {
	case KIND_TEXT:
	case KIND_KEY:
	case KIND_SOURCE:
		if (member->text.data == NULL)
			return is_for_people ? SPAN("-") : SPAN("");
		return ctl_visible(arena, member->text);
	case KIND_SIZE:
		if (is_for_people)
			return ctl_size_text(arena, member->number);
		break;
	case KIND_AGE:
		if (is_for_people)
			return age_text(arena, member->number);
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
		if (member->kind == KIND_TEXT || member->kind == KIND_KEY)
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

static bool
is_number(enum kind kind)
{
	return kind == KIND_NUMBER || kind == KIND_SIZE || kind == KIND_AGE;
}

/* The widest column that may be cut; columns: there is none. A key is cut only
 * when no other column can be, since a cut key is no use to other commands. */
static size_t
widest(const struct ctl_output *output, const size_t *widths, bool with_keys)
{
	size_t found = output->columns, i;

	for (i = 0; i < output->columns; i++)
		if (widths[i] > NARROWEST && !is_number(output->kinds[i]) &&
		    (output->kinds[i] != KIND_KEY || with_keys) &&
		    (found == output->columns || widths[i] >= widths[found]))
			found = i;
	return found;
}

/* Make columns narrower, the widest first, until a row fits on one line. */
static void
narrow(const struct ctl_output *output, size_t *widths)
{
	size_t most = output->ctl->width, width = 0, i;
	bool with_keys = false;

	for (i = 0; i < output->columns; i++)
		if (output->has_value[i])
			width += widths[i] + GAP;
	while (most > 0 && width > most + GAP) {
		i = widest(output, widths, with_keys);
		if (i == output->columns && with_keys)
			return;
		if (i == output->columns) {
			with_keys = true;
			continue;
		}
		widths[i]--;
		width--;
	}
}

/* Print one row, without the columns that have a value in no row. */
static void
print_cells(struct ctl_output *output, const struct span *cells,
    const size_t *widths, size_t last)
{
	size_t i;

	for (i = 0; i <= last; i++)
		if (output->has_value[i])
			print_cell(output, cells[i], widths[i],
			    is_number(output->kinds[i]), i == last);
}

static void
print_headings(struct ctl_output *output, const size_t *widths, size_t last)
{
	struct span names[COLUMNS];
	size_t i;

	for (i = 0; i < output->columns; i++)
		names[i] = span_str(output->names[i]);
	if (output->ctl->has_color)
		fputs("\033[1m", stdout);
	print_cells(output, names, widths, last);
	if (output->ctl->has_color)
		fputs("\033[0m", stdout);
}

/* Print the rows so far. If a column has its first value only in these, the
 * headings are printed again, with that column. */
static void
print_page(struct ctl_output *output)
{
	size_t widths[COLUMNS];
	size_t last = 0, shown = 0, row, i;

	if (output->rows == 0)
		return;
	for (i = 0; i < output->columns; i++) {
		widths[i] = output->has_value[i] ? column_width(output, i) : 0;
		last = output->has_value[i] ? i : last;
		shown += output->has_value[i];
	}
	narrow(output, widths);
	if (shown > output->headed)
		print_headings(output, widths, last);
	output->headed = shown;
	for (row = 0; row < output->rows; row++)
		print_cells(output, output->cells + row * output->columns,
		    widths, last);
	output->rows = 0;
	output->cells = NULL;
	arena_reset(output->arena);
}

static void
keep_row(struct ctl_output *output, const struct ctl_row *row)
{
	const struct member *member;
	size_t i;

	output->columns = row->count;
	if (output->cells == NULL)
		output->cells = arena_alloc(output->arena,
		    PAGE * row->count * sizeof(output->cells[0]));
	for (i = 0; i < row->count; i++) {
		member = &row->members[i];
		output->names[i] = member->name;
		output->kinds[i] = member->kind;
		if (is_number(member->kind) || member->kind == KIND_BOOL ||
		    member->text.size > 0)
			output->has_value[i] = true;
		output->cells[output->rows * row->count + i] =
		    member_text(output->arena, member, true);
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

void
ctl_print_name(const struct ctl *ctl, struct span name)
{
	printf("%s\n", ctl_visible(ctl->arena, name).data);
}

/* ---- errors ---- */

/* A sentence may quote what others wrote: print it without what would steer a
 * terminal. */
static void
print_visible(struct span text)
{
	struct arena *arena = arena_open();
	struct span line;

	while (text.data != NULL) {
		line = span_split(&text, '\n');
		fprintf(stderr, "%s\n", ctl_visible(arena, line).data);
	}
	arena_close(arena);
}

int
ctl_worse(int one, int other)
{
	/* From the least to the worst. What the next try may mend counts less
	 * than what stays; wrong bytes are the worst. */
	static const int order[] = { CTL_OK, CTL_WOULD_CHANGE, CTL_TRY_LATER,
		CTL_CHANGED, CTL_NOT_FOUND, CTL_AMBIGUOUS, CTL_USAGE,
		CTL_FAILED, CTL_INTEGRITY };
	size_t i;

	for (i = COUNT_OF(order); i-- > 0;)
		if (order[i] == one || order[i] == other)
			return order[i];
	return CTL_FAILED;
}

/* For the whole run, as standard error is. */
static bool is_quiet;

void
ctl_be_quiet(void)
{
	is_quiet = true;
}

int
ctl_error(int exit_code, const char *format, ...)
{
	va_list arguments;
	int error = errno; /* for %m */
	char *text = NULL;

	if (is_quiet && exit_code == CTL_OK)
		return exit_code;
	fflush(stdout); /* keep the order of what goes to a terminal */
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
