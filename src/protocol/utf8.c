/* SPDX-License-Identifier: ISC */
/*
 * utf8.c - well-formed UTF-8, after Unicode's table 3-7; letters of two cases.
 *
 * Two decisions live here: what a lead byte allows behind it, which all others
 * learn from utf8_next, after a fast look at runs of ASCII; and which letters
 * are one in two cases.
 */
#include "utf8.h"

#include <string.h>

/* What may follow a lead byte: how many bytes, and bounds of the first. */
struct lead {
	size_t size; /* of the whole sequence; 0: no lead byte */
	unsigned char low;
	unsigned char high;
};

static const struct {
	unsigned char first;
	unsigned char last;
	struct lead lead;
} leads[] = {
	{ 0x00, 0x7f, { 1, 0x00, 0x00 } }, { 0xc2, 0xdf, { 2, 0x80, 0xbf } },
	{ 0xe0, 0xe0, { 3, 0xa0, 0xbf } }, /* shortest form */
	{ 0xe1, 0xec, { 3, 0x80, 0xbf } },
	{ 0xed, 0xed, { 3, 0x80, 0x9f } }, /* no surrogates */
	{ 0xee, 0xef, { 3, 0x80, 0xbf } },
	{ 0xf0, 0xf0, { 4, 0x90, 0xbf } }, /* shortest form */
	{ 0xf1, 0xf3, { 4, 0x80, 0xbf } },
	{ 0xf4, 0xf4, { 4, 0x80, 0x8f } }, /* at most U+10FFFF */
};

static struct lead
lead_of(unsigned char byte)
{
	size_t i;

	for (i = 0; i < COUNT_OF(leads); i++)
		if (byte >= leads[i].first && byte <= leads[i].last)
			return leads[i].lead;

	return (struct lead){ 0, 0, 0 };
}

enum utf8
utf8_next(struct span bytes, size_t *ret_size)
{
	const unsigned char *byte = (const unsigned char *)bytes.data;
	struct lead lead = lead_of(byte[0]);
	size_t i;

	*ret_size = 1;
	if (lead.size == 0)
		return UTF8_BAD;

	for (i = 1; i < lead.size; i++) {
		*ret_size = i;
		if (i == bytes.size)
			return UTF8_CUT_OFF;
		if (byte[i] < lead.low || byte[i] > lead.high)
			return UTF8_BAD;
		lead.low = 0x80;
		lead.high = 0xbf;
	}

	*ret_size = lead.size;
	return UTF8_OK;
}

/* How many ASCII bytes it begins with; whole words first. */
static size_t
ascii_run(struct span bytes)
{
	size_t i = 0;
	uint64_t word;

	for (; bytes.size - i >= sizeof(word); i += sizeof(word)) {
		memcpy(&word, bytes.data + i, sizeof(word));
		if ((word & 0x8080808080808080) != 0)
			break;
	}
	while (i < bytes.size && (unsigned char)bytes.data[i] < 0x80)
		i++;

	return i;
}

/* How many well-formed bytes it begins with. */
static size_t
valid_run(struct span bytes)
{
	size_t i = 0;
	size_t size;

	for (;;) {
		i += ascii_run(span_from(bytes, i));
		if (i == bytes.size ||
		    utf8_next(span_from(bytes, i), &size) != UTF8_OK)
			return i;
		i += size;
	}
}

bool
utf8_is_valid(struct span bytes)
{
	return valid_run(bytes) == bytes.size;
}

struct span
utf8_repair(struct arena *arena, struct span bytes)
{
	struct buffer buffer;
	size_t run = valid_run(bytes);
	size_t size;

	if (run == bytes.size)
		return bytes;

	buffer_init(&buffer, arena);
	buffer_reserve(&buffer, bytes.size + UTF8_REPLACEMENT.size);
	for (;;) {
		buffer_append(&buffer, span_of(bytes.data, run));
		bytes = span_from(bytes, run);
		if (bytes.size == 0)
			return buffer_span(&buffer);

		(void)utf8_next(bytes, &size); /* known to be ill-formed */
		buffer_append(&buffer, UTF8_REPLACEMENT);
		bytes = span_from(bytes, size);
		run = valid_run(bytes);
	}
}

struct span
utf8_cut(struct span text, size_t size)
{
	if (text.size <= size)
		return text;

	while (size > 0 && ((unsigned char)text.data[size] & 0xc0) == 0x80)
		size--;
	text.size = size;
	return text;
}

/* Besides C0, DEL and C1: the first and the last of each range. */
static const struct {
	const char *first;
	const char *last;
} steering[] = {
	{ "\xd8\x9c", "\xd8\x9c" },	    /* U+061C: bidi */
	{ "\xe2\x80\x8e", "\xe2\x80\x8f" }, /* U+200E-200F: bidi */
	{ "\xe2\x80\xa8", "\xe2\x80\xae" }, /* U+2028-202E: lines, bidi */
	{ "\xe2\x81\xa6", "\xe2\x81\xaf" }, /* U+2066-206F: bidi, shapes */
	{ "\xef\xbf\xb9", "\xef\xbf\xbb" }, /* U+FFF9-FFFB: notes */
};

bool
utf8_steers(struct span sequence)
{
	unsigned char first = (unsigned char)sequence.data[0];
	size_t i;

	if (sequence.size == 1)
		return first < 0x20 || first == 0x7f;
	for (i = 0; i < COUNT_OF(steering); i++)
		if (sequence.size == strlen(steering[i].first) &&
		    memcmp(sequence.data, steering[i].first, sequence.size) >=
			0 &&
		    memcmp(sequence.data, steering[i].last, sequence.size) <= 0)
			return true;
	return first == 0xc2 && (unsigned char)sequence.data[1] < 0xa0;
}

void
utf8_append(struct buffer *buffer, unsigned code)
{
	static const unsigned char marks[] = { 0, 0, 0xc0, 0xe0, 0xf0 };
	size_t size = code < 0x80      ? 1
		      : code < 0x800   ? 2
		      : code < 0x10000 ? 3
				       : 4;
	char *bytes = buffer_extend(buffer, size);
	size_t i;

	for (i = size - 1; i > 0; i--) {
		bytes[i] = (char)(0x80 | (code & 0x3f));
		code >>= 6;
	}
	bytes[0] = (char)(marks[size] | code);
}

/* ---- case ---- */

#define EACH_BYTE UINT64_C(0x0101010101010101)

/* Eight bytes of ASCII in lower case, all at once: bit 7 of a byte shows whether
 * a sum went past 0x7f. */
static uint64_t
lower_word(uint64_t word)
{
	uint64_t from_a = word + (0x80 - 'A') * EACH_BYTE;
	uint64_t behind_z = word + (0x80 - 'Z' - 1) * EACH_BYTE;

	/* Bit 5 is the case. */
	return word | ((from_a & ~behind_z & 0x80 * EACH_BYTE) >> 2);
}

/* Letters of two bytes whose lower case has two as well. */
#define FOLD_FIRST 0xc0
#define FOLD_LAST 0x52f

/* In place of a distance: upper and lower case alternate, and the upper ones
 * have even codes, or odd ones. */
#define EVEN 1
#define ODD 2

/* How far behind a letter its lower case is. */
static const int16_t fold_distances[FOLD_LAST + 1] = {
	/* Latin, but for U+0130 and U+0131, whose other cases are i and I */
	[0x0c0 ... 0x0d6] = 32,
	[0x0d8 ... 0x0de] = 32,
	[0x100 ... 0x12f] = EVEN,
	[0x132 ... 0x137] = EVEN,
	[0x139 ... 0x148] = ODD,
	[0x14a ... 0x177] = EVEN,
	[0x178] = -121,
	[0x179 ... 0x17e] = ODD,
	/* Greek and Coptic */
	[0x370 ... 0x373] = EVEN,
	[0x376 ... 0x377] = EVEN,
	[0x37f] = 116,
	[0x386] = 38,
	[0x388 ... 0x38a] = 37,
	[0x38c] = 64,
	[0x38e ... 0x38f] = 63,
	[0x391 ... 0x3a1] = 32,
	[0x3a3 ... 0x3ab] = 32,
	[0x3c2] = 1, /* the final sigma */
	[0x3cf] = 8,
	[0x3d8 ... 0x3ef] = EVEN,
	[0x3f4] = -60,
	[0x3f7 ... 0x3f8] = ODD,
	[0x3f9] = -7,
	[0x3fa ... 0x3fb] = EVEN,
	[0x3fd ... 0x3ff] = -130,
	/* Cyrillic */
	[0x400 ... 0x40f] = 80,
	[0x410 ... 0x42f] = 32,
	[0x460 ... 0x481] = EVEN,
	[0x48a ... 0x4bf] = EVEN,
	[0x4c0] = 15,
	[0x4c1 ... 0x4ce] = ODD,
	[0x4d0 ... 0x52f] = EVEN,
};

static unsigned
lower_letter(unsigned code)
{
	int distance = fold_distances[code];

	if (distance == EVEN)
		return code | 1;
	if (distance == ODD)
		return code + (code & 1);
	return (unsigned)((int)code + distance);
}

/* Fold the character at text, or a byte of one, and say how many bytes that was.
 * Those behind it are not looked at in order, so no byte of ill-formed text is
 * lost. */
static size_t
fold_next(const unsigned char *text, size_t size, char *ret_folded)
{
	unsigned code;

	if (text[0] < 0x80) {
		*ret_folded = ascii_lower((char)text[0]);
		return 1;
	}
	*ret_folded = (char)text[0];
	if (text[0] < 0xc0 || size < 2 || (text[1] & 0xc0) != 0x80)
		return 1;
	code = (text[0] - 0xc0u) << 6 | (text[1] & 0x3fu);
	if (code < FOLD_FIRST || code > FOLD_LAST)
		return 1;
	code = lower_letter(code);
	ret_folded[0] = (char)(0xc0 | code >> 6);
	ret_folded[1] = (char)(0x80 | (code & 0x3f));
	return 2;
}

void
utf8_fold(struct buffer *buffer, struct span text)
{
	const unsigned char *byte = (const unsigned char *)text.data;
	char *folded;
	uint64_t word;
	size_t i = 0;

	if (text.size == 0)
		return; /* also an empty buffer has no bytes to point at */
	folded = buffer_extend(buffer, text.size);
	while (i < text.size) {
		for (; text.size - i >= sizeof(word); i += sizeof(word)) {
			memcpy(&word, byte + i, sizeof(word));
			if ((word & 0x80 * EACH_BYTE) != 0)
				break;
			word = lower_word(word);
			memcpy(folded + i, &word, sizeof(word));
		}
		do {
			if (i < text.size)
				i += fold_next(
				    byte + i, text.size - i, folded + i);
		} while (i < text.size && byte[i] >= 0x80);
	}
}
