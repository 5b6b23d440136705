/* SPDX-License-Identifier: ISC */
/*
 * fuzz_search.c - a search that knows no case: libc's towlower, letter by
 * letter, gives the same folded text; a search that compares at each place
 * finds the same parts. The input is the text, a NUL, and the part.
 */
#include "fuzz.h"
#include "protocol/utf8.h"

#include <locale.h>
#include <wctype.h>

static locale_t locale;

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	locale = newlocale(LC_CTYPE_MASK, "C.UTF-8", NULL);
	DEMAND(locale != NULL);
	return 0;
}

static unsigned
plain_lower(unsigned code)
{
	bool has_case = code < 0x80 || (code >= 0xc0 && code <= 0x17f) ||
			(code >= 0x370 && code <= 0x52f);

	if (code == 0x3c2)
		return 0x3c3; /* the final sigma */
	return has_case ? (unsigned)towlower_l((wint_t)code, locale) : code;
}

/* Of text that is valid. */
static struct span
plain_fold(struct arena *arena, struct span text)
{
	struct buffer all, letter;
	const unsigned char *byte;
	unsigned code;
	size_t size;

	buffer_init(&all, arena);
	buffer_init(&letter, arena);
	for (; text.size > 0; text = span_from(text, size)) {
		DEMAND(utf8_next(text, &size) == UTF8_OK);
		byte = (const unsigned char *)text.data;
		code = byte[0];
		if (size > 1)
			code = (byte[0] & 0x1fu) << 6 | (byte[1] & 0x3fu);
		buffer_clear(&letter);
		if (size <= 2)
			utf8_append(&letter, plain_lower(code));
		buffer_append(&all, letter.size == size
					? buffer_span(&letter)
					: span_of(text.data, size));
	}
	return buffer_span(&all);
}

static struct span
fold(struct arena *arena, struct span text)
{
	struct buffer buffer;

	buffer_init(&buffer, arena);
	utf8_fold(&buffer, text);
	return buffer_span(&buffer);
}

static bool
plain_contains(struct span text, struct span part)
{
	size_t i;

	for (i = 0; i + part.size <= text.size; i++)
		if (span_equal(span_of(text.data + i, part.size), part))
			return true;
	return false;
}

static void
demand_found(struct arena *arena, struct span text, struct span part)
{
	size_t from = text.size / 3;

	DEMAND(span_contains(text, part) == plain_contains(text, part));
	/* What was cut out of it, in a block of its own. */
	part = arena_copy(arena, span_of(text.data + from, text.size / 2));
	DEMAND(span_contains(text, part));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_open();
	struct span part = arena_copy(arena, span_of(data, size));
	struct span text = span_split(&part, '\0');
	struct span folded;

	/* Blocks of their own, so that ASan sees where each ends. */
	text = arena_copy(arena, text);
	part = arena_copy(arena, part);
	folded = fold(arena, text);
	DEMAND(folded.size == text.size);
	DEMAND(span_equal(fold(arena, folded), folded));
	if (utf8_is_valid(text)) {
		DEMAND(utf8_is_valid(folded));
		DEMAND(span_equal(folded, plain_fold(arena, text)));
	}
	demand_found(arena, text, part);
	demand_found(arena, folded, fold(arena, part));
	arena_close(arena);
	return 0;
}
