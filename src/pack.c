/* SPDX-License-Identifier: ISC */
/* pack.c - big-endian integers and counted bytes; no policy. */

#include "pack.h"

#define ABSENT UINT32_MAX /* the length that stands for SPAN_NONE */

static void
pack_number(struct buffer *buffer, uint64_t number, size_t size)
{
	char bytes[8];
	size_t i;

	for (i = 0; i < size; i++)
		bytes[i] = (char)(number >> (8 * (size - 1 - i)));
	buffer_append(buffer, span_of(bytes, size));
}

void
pack_u8(struct buffer *buffer, uint8_t number)
{
	pack_number(buffer, number, 1);
}

void
pack_u32(struct buffer *buffer, uint32_t number)
{
	pack_number(buffer, number, 4);
}

void
pack_u64(struct buffer *buffer, uint64_t number)
{
	pack_number(buffer, number, 8);
}

void
pack_bytes(struct buffer *buffer, const void *bytes, size_t size)
{
	buffer_append(buffer, span_of(bytes, size));
}

void
pack_span(struct buffer *buffer, struct span span)
{
	if (span.data == NULL) {
		pack_u32(buffer, ABSENT);
		return;
	}
	pack_u32(buffer, (uint32_t)span.size);
	buffer_append(buffer, span);
}

static const char *
take(struct unpack *unpack, size_t size)
{
	const char *bytes = unpack->rest.data;

	if (unpack->failed || size > unpack->rest.size) {
		unpack->failed = true;
		return NULL;
	}
	unpack->rest = span_from(unpack->rest, size);
	return bytes;
}

static uint64_t
unpack_number(struct unpack *unpack, size_t size)
{
	const char *bytes = take(unpack, size);
	uint64_t number = 0;
	size_t i;

	if (bytes == NULL)
		return 0;
	for (i = 0; i < size; i++)
		number = number << 8 | (uint8_t)bytes[i];
	return number;
}

uint8_t
unpack_u8(struct unpack *unpack)
{
	return (uint8_t)unpack_number(unpack, 1);
}

uint32_t
unpack_u32(struct unpack *unpack)
{
	return (uint32_t)unpack_number(unpack, 4);
}

uint64_t
unpack_u64(struct unpack *unpack)
{
	return unpack_number(unpack, 8);
}

void
unpack_bytes(struct unpack *unpack, void *ret_bytes, size_t size)
{
	const char *bytes = take(unpack, size);

	if (bytes == NULL)
		memset(ret_bytes, 0, size);
	else
		memcpy(ret_bytes, bytes, size);
}

struct span
unpack_span(struct unpack *unpack, size_t limit)
{
	uint32_t size = unpack_u32(unpack);
	const char *bytes;

	if (unpack->failed || size == ABSENT)
		return SPAN_NONE;
	if (size > limit) {
		unpack->failed = true;
		return SPAN_NONE;
	}
	bytes = take(unpack, size);
	return bytes == NULL ? SPAN_NONE : span_of(bytes, size);
}

bool
unpack_is_done(const struct unpack *unpack)
{
	return !unpack->failed && unpack->rest.size == 0;
}

void
pack_key(uint8_t ret_bytes[8], uint64_t number)
{
	int i;

	for (i = 0; i < 8; i++)
		ret_bytes[i] = (uint8_t)(number >> (8 * (7 - i)));
}

uint64_t
unpack_key(const uint8_t bytes[8])
{
	uint64_t number = 0;
	int i;

	for (i = 0; i < 8; i++)
		number = number << 8 | bytes[i];
	return number;
}
