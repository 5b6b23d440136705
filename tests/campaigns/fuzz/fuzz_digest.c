/* SPDX-License-Identifier: ISC */
/*
 * fuzz_digest.c - base64 in both alphabets, compared with a decoder that counts
 * bits; and digest headers (RFC 9530), which give back the digest that was put
 * in, whatever else is in the header.
 */
#include "protocol/header.h"
#include "base/digest.h"
#include "fuzz.h"
#include "api/request.h"

#define ROOM 48

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	DEMAND(digest_init());
	return 0;
}

/* ---- the second opinion ---- */

static const char standard[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char for_urls[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/*
 * RFC 4648 to the letter: padding where it belongs and nowhere else, no bit
 * set that is not used, at most ROOM bytes.
 */
static bool
plain_decode(struct span text, const char *digits, bool is_padded,
    uint8_t ret_bytes[ROOM], size_t *ret_size)
{
	size_t i, count = text.size, size = 0;
	unsigned bits = 0, left = 0;
	const char *digit;

	if (is_padded) {
		for (i = 0; i < 2 && count > 0 && text.data[count - 1] == '=';
		     i++)
			count--;
		if (text.size % 4 != 0 ||
		    (text.size - count == 1) != (count % 4 == 3) ||
		    (text.size - count == 2) != (count % 4 == 2))
			return false;
	}
	if (count % 4 == 1)
		return false;
	for (i = 0; i < count; i++) {
		digit =
		    text.data[i] == '\0' ? NULL : strchr(digits, text.data[i]);
		if (digit == NULL)
			return false;
		bits = bits << 6 | (unsigned)(digit - digits);
		left += 6;
		if (left < 8)
			continue;
		if (size == ROOM)
			return false;
		left -= 8;
		ret_bytes[size++] = (uint8_t)(bits >> left & 0xff);
		bits &= (1u << left) - 1;
	}
	*ret_size = size;
	return bits == 0;
}

static void
demand_base64(struct span text)
{
	uint8_t bytes[ROOM], expected[ROOM];
	size_t size = 0, count = 0;
	bool is_good;

	is_good = plain_decode(text, for_urls, false, expected, &count);
	DEMAND(digest_base64url_decode(text, bytes, ROOM, &size) == is_good);
	DEMAND(
	    !is_good || (size == count && memcmp(bytes, expected, size) == 0));

	is_good = plain_decode(text, standard, true, expected, &count);
	for (size = 0; size <= ROOM; size++)
		DEMAND(digest_base64_decode(text, bytes, size) ==
		       (is_good && size == count));
	if (is_good)
		DEMAND(digest_base64_decode(text, bytes, count) &&
		       memcmp(bytes, expected, count) == 0);
}

static void
demand_round_trip(struct arena *arena, struct span bytes)
{
	uint8_t *again = arena_alloc(arena, bytes.size);
	size_t size = 0;

	DEMAND(digest_base64_decode(
	    digest_base64(arena, bytes), again, bytes.size));
	DEMAND(memcmp(again, bytes.data, bytes.size) == 0);
	memset(again, 0, bytes.size);
	DEMAND(digest_base64url_decode(
		   digest_base64url(arena, bytes), again, bytes.size, &size) &&
	       size == bytes.size);
	DEMAND(memcmp(again, bytes.data, bytes.size) == 0);
}

/* ---- headers ---- */

/* What was found stands there, in its form and between its colons. */
static void
demand_stands_there(
    struct arena *arena, struct span header, const uint8_t hash[32])
{
	struct span text = digest_base64(arena, span_of(hash, 32));
	struct span found =
	    arena_printf(arena, ":%.*s:", (int)text.size, text.data);

	DEMAND(
	    memmem(header.data, header.size, found.data, found.size) != NULL);
}

/* A member behind anything that is whole is found, and the last counts. */
static void
demand_last_counts(struct arena *arena, struct span header)
{
	uint8_t hash[32], wanted[32] = { 1, 2, 3 };
	enum result result = header_digest(header, hash);
	struct buffer more;

	if (result == RESULT_OK)
		demand_stands_there(arena, header, hash);
	if (result == RESULT_MALFORMED || span_find(header, '"') < header.size)
		return;
	buffer_init(&more, arena);
	buffer_append(&more, header);
	buffer_append(&more, SPAN(",SHA-256=:"));
	buffer_append(&more, digest_base64(arena, span_of(wanted, 32)));
	buffer_append(&more, SPAN(": ;a=b"));
	DEMAND(header_digest(buffer_span(&more), hash) == RESULT_OK);
	DEMAND(memcmp(hash, wanted, 32) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_open();
	struct span bytes = arena_copy(arena, span_of(data, size));

	demand_base64(bytes);
	if (size > 0)
		demand_round_trip(arena, bytes);
	demand_last_counts(arena, bytes);
	arena_close(arena);
	return 0;
}
