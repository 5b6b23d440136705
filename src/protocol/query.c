/* SPDX-License-Identifier: ISC */
/*
 * query.c - percent-encoding, the query string and its typed values.
 *
 * What counts as an integer or as a bool is what pydantic takes, since
 * clients of the original service rely on it: "5.0" and "0_5" are 5.
 */
#include "query.h"
#include "date.h"
#include "utf8.h"

/* The byte that the escape at the start of text stands for, or -1. */
static int
escaped_byte(struct span text)
{
	int high;
	int low;

	if (text.size < 3 || text.data[0] != '%')
		return -1;

	high = ascii_hex(text.data[1]);
	low = ascii_hex(text.data[2]);
	return high < 0 || low < 0 ? -1 : high * 16 + low;
}

/* Decode %XX, and '+' to a space where asked; then repair. */
static struct span
decode(struct arena *arena, struct span text, bool plus_is_space)
{
	struct buffer buffer;
	int byte;

	if (span_find(text, '%') == text.size &&
	    (!plus_is_space || span_find(text, '+') == text.size))
		return utf8_repair(arena, text);

	buffer_init(&buffer, arena);
	buffer_reserve(&buffer, text.size);
	while (text.size > 0) {
		byte = escaped_byte(text);
		if (byte >= 0)
			buffer_append_byte(&buffer, (char)byte);
		else if (plus_is_space && text.data[0] == '+')
			buffer_append_byte(&buffer, ' ');
		else
			buffer_append_byte(&buffer, text.data[0]);
		text = span_from(text, byte >= 0 ? 3 : 1);
	}

	return utf8_repair(arena, buffer_span(&buffer));
}

struct span
query_decode_path(struct arena *arena, struct span text)
{
	return decode(arena, text, false);
}

struct span
query_find(struct arena *arena, struct span query, const char *name)
{
	struct span found = SPAN_NONE;
	struct span pair;
	struct span key;

	while (query.data != NULL) {
		pair = span_split(&query, '&');
		key = span_split(&pair, '=');
		if (span_is(decode(arena, key, true), name))
			found = pair.data == NULL ? SPAN("") : pair;
	}

	return decode(arena, found, true);
}

/* Whether it is a dot and zeros, at least one. */
static bool
is_zero_fraction(struct span text)
{
	return text.size >= 2 && text.data[0] == '.' &&
	       span_strip(span_from(text, 1), "0").size == 0;
}

/*
 * Read digits with single underscores between them, of any length, then
 * maybe a fraction of zeros. What is over most becomes most + 1.
 */
static bool
parse_digits(struct span text, uint64_t most, uint64_t *ret_number)
{
	uint64_t number = 0;
	bool was_digit = false;
	size_t i;

	for (i = 0; i < text.size && text.data[i] != '.'; i++) {
		if (text.data[i] == '_' && was_digit) {
			was_digit = false;
			continue;
		}
		if (!ascii_is_digit(text.data[i]))
			return false;
		was_digit = true;
		number = number * 10 + (uint64_t)(text.data[i] - '0');
		if (number > most)
			number = most + 1;
	}

	if (!was_digit)
		return false;
	if (i < text.size && !is_zero_fraction(span_from(text, i)))
		return false;

	*ret_number = number;
	return true;
}

static void
add_query_fault(struct faults *faults, const char *name, const char *type,
    const char *message)
{
	faults_add(faults, (struct fault){ .type = type,
			       .message = message,
			       .area = "query",
			       .name = span_str(name) });
}

void
query_number(struct span value, const char *name, uint32_t most,
    struct faults *faults, uint64_t *ret_number)
{
	bool is_negative;
	uint64_t number;

	if (value.data == NULL)
		return;

	value = span_strip(value, " \t\n\v\f\r");
	is_negative = span_starts_with(value, "-");
	if (is_negative || span_starts_with(value, "+"))
		value = span_from(value, 1);

	if (!parse_digits(value, most, &number))
		add_query_fault(faults, name, "int_parsing",
		    "Input should be a valid integer, "
		    "unable to parse string as an integer");
	else if (is_negative || number < 1)
		add_query_fault(faults, name, "greater_than_equal",
		    "Input should be greater than or equal to 1");
	else if (number > most)
		add_query_fault(faults, name, "less_than_equal",
		    arena_printf(faults->arena,
			"Input should be less than or equal to %u",
			(unsigned)most)
			.data);
	else
		*ret_number = number;
}

void
query_bool(
    struct span value, const char *name, struct faults *faults, bool *ret_bool)
{
	static const struct {
		const char *word;
		bool value;
	} words[] = {
		{ "1", true },
		{ "t", true },
		{ "y", true },
		{ "on", true },
		{ "yes", true },
		{ "true", true },
		{ "0", false },
		{ "f", false },
		{ "n", false },
		{ "off", false },
		{ "no", false },
		{ "false", false },
	};
	size_t i;

	if (value.data == NULL)
		return;

	for (i = 0; i < COUNT_OF(words); i++) {
		if (span_is_nocase(value, words[i].word)) {
			*ret_bool = words[i].value;
			return;
		}
	}

	add_query_fault(faults, name, "bool_parsing",
	    "Input should be a valid boolean, unable to interpret input");
}

void
query_moment(struct span value, const char *name, struct faults *faults,
    uint64_t *ret_moment)
{
	if (value.data != NULL && !moment_parse_offset(value, ret_moment))
		add_query_fault(faults, name, "datetime_parsing",
		    "Input should be a valid datetime with an offset, "
		    "as in 2026-03-31T12:00:00Z");
}

static bool
is_unreserved(char byte)
{
	return ascii_is_alpha(byte) || ascii_is_digit(byte) ||
	       ascii_is_one_of(byte, "-._~");
}

void
query_encode(struct buffer *buffer, struct span text)
{
	size_t i;

	for (i = 0; i < text.size; i++) {
		if (is_unreserved(text.data[i]))
			buffer_append_byte(buffer, text.data[i]);
		else
			buffer_printf(
			    buffer, "%%%02X", (unsigned char)text.data[i]);
	}
}
