/* SPDX-License-Identifier: ISC */
/* pack.c - big-endian integers and counted bytes; no policy. */

#include "pack.h"

#include <endian.h>

#define ABSENT UINT32_MAX /* the length that stands for SPAN_NONE */

void
pack_u8(struct buffer *buffer, uint8_t number)
{
	pack_bytes(buffer, &number, sizeof(number));
}

void
pack_u32(struct buffer *buffer, uint32_t number)
{
	number = htobe32(number);
	pack_bytes(buffer, &number, sizeof(number));
}

void
pack_u64(struct buffer *buffer, uint64_t number)
{
	number = htobe64(number);
	pack_bytes(buffer, &number, sizeof(number));
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
	unpack->rest.data += size;
	unpack->rest.size -= size;
	return bytes;
}

uint8_t
unpack_u8(struct unpack *unpack)
{
	uint8_t number;

	unpack_bytes(unpack, &number, sizeof(number));
	return number;
}

uint32_t
unpack_u32(struct unpack *unpack)
{
	uint32_t number;

	unpack_bytes(unpack, &number, sizeof(number));
	return be32toh(number);
}

uint64_t
unpack_u64(struct unpack *unpack)
{
	uint64_t number;

	unpack_bytes(unpack, &number, sizeof(number));
	return be64toh(number);
}

bool
unpack_bool(struct unpack *unpack)
{
	uint8_t byte = unpack_u8(unpack);

	if (byte > 1)
		unpack->failed = true;
	return byte == 1;
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
	number = htobe64(number);
	memcpy(ret_bytes, &number, sizeof(number));
}

uint64_t
unpack_key(const uint8_t bytes[8])
{
	uint64_t number;

	memcpy(&number, bytes, sizeof(number));
	return be64toh(number);
}
