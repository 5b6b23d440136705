/* SPDX-License-Identifier: ISC */
/*
 * fuzz_log.c - whatever a client writes, its log line is one line of printable
 * ASCII, and a reader that follows the rules of base/log.h finds the fields
 * that were put there, and no others. The input is two values with a NUL
 * between.
 */
#include "fuzz.h"
#include "base/log.h"

#include <sys/mman.h>
#include <unistd.h>

#define MOST 2047 /* of a line; what is longer is cut */

static int file = -1;
static int real_stderr = -1;

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	file = memfd_create("log", 0);
	real_stderr = dup(STDERR_FILENO);
	DEMAND(file >= 0 && real_stderr >= 0);
	return 0;
}

/* The line of an event with these values. */
static struct span
logged(struct arena *arena, struct span first, struct span second)
{
	char *text = arena_alloc(arena, 4096);
	ssize_t size;

	DEMAND(ftruncate(file, 0) == 0 && lseek(file, 0, SEEK_SET) == 0);
	DEMAND(dup2(file, STDERR_FILENO) >= 0);
	log_open(LOG_ERR, "fuzz");
	log_text("first", first);
	log_text("second", second);
	log_number("status", 500);
	log_close();
	DEMAND(dup2(real_stderr, STDERR_FILENO) >= 0);
	size = pread(file, text, 4096, 0);
	DEMAND(size > 0);
	return span_of(text, (size_t)size);
}

/* ---- a reader of lines ---- */

/* Take a value, quoted or not, and what it stands for. */
static struct span
take_value(struct arena *arena, struct span *rest)
{
	bool is_quoted = span_starts_with(*rest, "\"");
	struct buffer value;
	char byte;

	buffer_init(&value, arena);
	if (is_quoted)
		*rest = span_from(*rest, 1);
	while (rest->size > 0) {
		byte = rest->data[0];
		if (is_quoted ? byte == '"' : byte == ' ' || byte == '\n')
			break;
		*rest = span_from(*rest, 1);
		DEMAND(byte != '"' && (is_quoted || byte != '\\'));
		if (byte == '\\') {
			DEMAND(rest->size >= 3 && rest->data[0] == 'x');
			byte = (char)(ascii_hex(rest->data[1]) * 16 +
				      ascii_hex(rest->data[2]));
			*rest = span_from(*rest, 3);
		}
		buffer_append_byte(&value, byte);
	}
	if (is_quoted) {
		DEMAND(span_starts_with(*rest, "\""));
		*rest = span_from(*rest, 1);
	}
	return buffer_span(&value);
}

static void
demand_field(
    struct arena *arena, struct span *rest, const char *key, struct span value)
{
	DEMAND(span_starts_with(*rest, key));
	*rest = span_from(*rest, strlen(key));
	DEMAND(span_equal(take_value(arena, rest), value));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_open();
	struct span second = arena_copy(arena, span_of(data, size));
	struct span first = span_split(&second, '\0');
	struct span line = logged(arena, first, second);
	size_t i;

	DEMAND(line.data[line.size - 1] == '\n' && line.size <= MOST);
	for (i = 0; i + 1 < line.size; i++)
		DEMAND(line.data[i] >= ' ' && line.data[i] < 0x7f);
	if (line.size < MOST) {
		demand_field(arena, &line, "<3>event=", SPAN("fuzz"));
		demand_field(arena, &line, " first=", first);
		demand_field(arena, &line, " second=", second);
		demand_field(arena, &line, " status=", SPAN("500"));
		DEMAND(span_is(line, "\n"));
	}
	arena_close(arena);
	return 0;
}
