/* SPDX-License-Identifier: ISC */
/*
 * utf8.c - well-formed UTF-8, after Unicode's table 3-7.
 *
 * One decision lives here: what a lead byte allows behind it. Everything
 * else asks utf8_next, after a fast look at runs of ASCII.
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
