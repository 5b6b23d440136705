/* SPDX-License-Identifier: ISC */
/*
 * pack.h - bounded typed put and get, for stored values and messages.
 *
 * Integers are big-endian. Getting past the end, or a text over its limit,
 * fails the reader for good and gives zeroes; so a decoder reads all its
 * members and asks once, at the end.
 */
#ifndef PACK_H
#define PACK_H

#include "mem.h"

void pack_u8(struct buffer *buffer, uint8_t number);
void pack_u32(struct buffer *buffer, uint32_t number);
void pack_u64(struct buffer *buffer, uint64_t number);
void pack_bytes(struct buffer *buffer, const void *bytes, size_t size);
/* A length and the bytes; SPAN_NONE is kept apart from "". */
void pack_span(struct buffer *buffer, struct span span);

struct unpack {
	struct span rest;
	bool failed;
};

uint8_t unpack_u8(struct unpack *unpack);
uint32_t unpack_u32(struct unpack *unpack);
uint64_t unpack_u64(struct unpack *unpack);
/* A byte that is 0 or 1; any other fails. */
bool unpack_bool(struct unpack *unpack);
void unpack_bytes(struct unpack *unpack, void *ret_bytes, size_t size);
/* Points into what is unpacked; over limit fails. */
struct span unpack_span(struct unpack *unpack, size_t limit);
/* Nothing failed and nothing is left over. */
bool unpack_is_done(const struct unpack *unpack);

/* The same order for keys: 8 bytes, big-endian. */
void pack_key(uint8_t ret_bytes[8], uint64_t number);
uint64_t unpack_key(const uint8_t bytes[8]);

#endif
