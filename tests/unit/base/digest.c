/* SPDX-License-Identifier: ISC */
#include "base/digest.h"

#include <criterion/criterion.h>
#include <stdlib.h>

static struct arena *arena;

static void
open_it(void)
{
	cr_assert(digest_init());
	arena = arena_open();
}

static void
close_it(void)
{
	arena_close(arena);
}

TestSuite(digest, .init = open_it, .fini = close_it);

static const char *
sha256_hex(struct span bytes, size_t step)
{
	static char text[DIGEST_SHA256_HEX + 1];
	uint8_t hash[DIGEST_SHA256_SIZE];
	struct digest digest;
	struct span part;

	digest_begin(&digest);
	while (bytes.size > 0) {
		part =
		    span_of(bytes.data, bytes.size < step ? bytes.size : step);
		digest_add(&digest, part);
		bytes = span_from(bytes, part.size);
	}
	digest_end(&digest, hash);
	digest_hex(hash, sizeof(hash), text);
	return text;
}

/* FIPS 180-4's examples. */
Test(digest, knows_the_published_vectors_of_sha256)
{
	char *million = arena_alloc(arena, 1000000);

	memset(million, 'a', 1000000);
	cr_assert_str_eq(sha256_hex(SPAN(""), 1),
	    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	cr_assert_str_eq(sha256_hex(SPAN("abc"), 1),
	    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	cr_assert_str_eq(sha256_hex(span_of(million, 1000000), 777),
	    "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
	cr_assert_str_eq(sha256_hex(span_of(million, 1000000), 1000000),
	    "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

Test(digest, adds_nothing_for_an_absent_span)
{
	uint8_t hash[DIGEST_SHA256_SIZE];
	char text[DIGEST_SHA256_HEX + 1];
	struct digest digest;

	digest_begin(&digest);
	digest_add(&digest, SPAN_NONE);
	digest_add(&digest, SPAN("abc"));
	digest_end(&digest, hash);
	digest_hex(hash, sizeof(hash), text);
	cr_assert_str_eq(text, sha256_hex(SPAN("abc"), 3));
}

/* RFC 7693, appendix A is of 64 bytes; this is BLAKE2b-256 of "abc". */
Test(digest, fingerprints_are_blake2b)
{
	uint8_t hash[32], shorter[16];
	char text[65];

	digest_fingerprint(SPAN("abc"), hash, sizeof(hash));
	digest_hex(hash, sizeof(hash), text);
	cr_assert_str_eq(text,
	    "bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319");
	digest_fingerprint(SPAN("abc"), shorter, sizeof(shorter));
	cr_assert_neq(
	    memcmp(shorter, hash, 16), 0, "the size is part of the hash");
	digest_fingerprint(SPAN_NONE, hash, sizeof(hash));
	digest_hex(hash, sizeof(hash), text);
	cr_assert_str_eq(text,
	    "0e5751c026e543b2e8ab2eb06099daa1d1e5df47778f7787faab45cdf12fe3a8");
}

Test(digest, a_check_depends_on_key_and_bytes)
{
	uint64_t check = digest_check(SPAN("key"), SPAN("bytes"));
	char bytes[] = "bytes";
	size_t i;

	cr_assert_eq(digest_check(SPAN("key"), SPAN("bytes")), check);
	cr_assert_neq(digest_check(SPAN("kez"), SPAN("bytes")), check);
	cr_assert_neq(digest_check(SPAN("keyb"), SPAN("ytes")), check);
	cr_assert_neq(digest_check(SPAN("bytes"), SPAN("key")), check);
	cr_assert_neq(digest_check(SPAN("key"), SPAN("byte")), check);
	for (i = 0; i < 5 * 8; i++) {
		bytes[i / 8] ^= (char)(1 << i % 8);
		cr_assert_neq(
		    digest_check(SPAN("key"), span_str(bytes)), check);
		bytes[i / 8] ^= (char)(1 << i % 8);
	}
	cr_assert_neq(digest_check(SPAN("a"), SPAN("")),
	    digest_check(SPAN("b"), SPAN("")));
}

/* It is in every file: it must not change with a library. */
Test(digest, a_check_stays_what_it_was)
{
	cr_assert_eq(digest_check(SPAN("key"), SPAN("bytes")),
	    UINT64_C(0x56311ebe8d708ec6));
}

Test(digest, writes_hex_in_lower_case)
{
	static const uint8_t bytes[] = { 0x00, 0xAB, 0xff };
	char text[7];

	digest_hex(bytes, sizeof(bytes), text);
	cr_assert_str_eq(text, "00abff");
}

/* ---- base64 ---- */

static const struct {
	const char *plain;
	const char *padded;
	const char *url;
} texts[] = {
	{ "", "", "" },
	{ "f", "Zg==", "Zg" },
	{ "fo", "Zm8=", "Zm8" },
	{ "foo", "Zm9v", "Zm9v" },
	{ "foob", "Zm9vYg==", "Zm9vYg" },
	{ "fooba", "Zm9vYmE=", "Zm9vYmE" },
	{ "foobar", "Zm9vYmFy", "Zm9vYmFy" },
	{ "\xfb\xff\xfe", "+//+", "-__-" },
};

Test(digest, base64_goes_both_ways)
{
	uint8_t bytes[16];
	size_t i, size;

	for (i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		struct span plain = span_str(texts[i].plain);
		struct span padded = span_str(texts[i].padded);
		struct span url = span_str(texts[i].url);

		cr_assert(span_equal(digest_base64(arena, plain), padded));
		cr_assert(span_equal(digest_base64url(arena, plain), url));
		cr_assert(digest_base64_decode(padded, bytes, plain.size));
		cr_assert_eq(memcmp(bytes, plain.data, plain.size), 0);
		size = 99;
		cr_assert(
		    digest_base64url_decode(url, bytes, sizeof(bytes), &size));
		cr_assert(span_equal(span_of(bytes, size), plain));
		cr_assert(
		    digest_base64url_decode(url, bytes, plain.size, &size));
	}
}

Test(digest, base64_refuses_everything_else)
{
	static const struct span bad[] = {
		{ "Zm9", 3 },
		{ "Zm9vY", 5 },
		{ "Zm8", 3 },
		{ "Zg=", 3 },
		{ "Zg===", 5 },
		{ "=Zm9", 4 },
		{ "Zm9v=", 5 },
		{ "Zm9v\n", 5 },
		{ " Zm9v", 5 },
		{ "Zm 9v", 5 },
		{ "Zm\0v", 4 },
		{ "Zm9-", 4 },
		{ "Zm9_", 4 },
		{ "Zm9\xc3", 4 },
		{ "Zm9v\0", 5 },
		{ "Zh==", 4 },
		{ "Zm9=", 4 },
		{ "====", 4 },
		{ "Zg==Zg==", 8 },
	};
	uint8_t bytes[16];
	size_t i, size;

	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		for (size = 0; size <= 6; size++)
			cr_assert_not(digest_base64_decode(bad[i], bytes, size),
			    "case %zu, %zu bytes", i, size);
	cr_assert_not(digest_base64_decode(SPAN("Zm9v"), bytes, 2));
	cr_assert_not(digest_base64_decode(SPAN("Zm9v"), bytes, 4));
}

Test(digest, base64url_refuses_everything_else)
{
	static const struct span bad[] = {
		{ "Z", 1 },
		{ "Zm9vY", 5 },
		{ "Zg==", 4 },
		{ "Zm8=", 4 },
		{ "Zm9+", 4 },
		{ "Zm9/", 4 },
		{ "Zm9v\n", 5 },
		{ "Zm 9v", 5 },
		{ "Zm\0v", 4 },
		{ "Zm9v\0", 5 },
		{ "Zh", 2 },
		{ "Zm9", 3 },
		{ "\xff\xff", 2 },
	};
	uint8_t bytes[16];
	size_t size = 99;
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		cr_assert_not(digest_base64url_decode(
				  bad[i], bytes, sizeof(bytes), &size),
		    "case %zu", i);
	cr_assert_not(digest_base64url_decode(SPAN("Zm9v"), bytes, 2, &size));
	cr_assert_eq(size, 99, "an output was touched");
}

/* Each byte alone in each place: the alphabets and no other passes. */
Test(digest, base64_alphabets_are_exact)
{
	static const char both[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				   "abcdefghijklmnopqrstuvwxyz0123456789";
	char text[] = "Zm9v";
	uint8_t bytes[16];
	size_t place, size;
	int byte;

	for (place = 0; place < 4; place++) {
		for (byte = 0; byte < 256; byte++) {
			bool is_both = byte != 0 && strchr(both, byte) != NULL;

			text[place] = (char)byte;
			cr_assert_eq(
			    digest_base64_decode(span_of(text, 4), bytes, 3),
			    is_both || byte == '+' || byte == '/');
			cr_assert_eq(digest_base64url_decode(
					 span_of(text, 4), bytes, 3, &size),
			    is_both || byte == '-' || byte == '_');
		}
		text[place] = "Zm9v"[place];
	}
}

/* The texts come from clients, in buffers without a NUL. */
Test(digest, base64_reads_no_byte_too_many)
{
	uint8_t bytes[16];
	char *text = malloc(4);
	size_t size;

	memcpy(text, "Zm9v", 4);
	cr_assert(digest_base64_decode(span_of(text, 4), bytes, 3));
	cr_assert(digest_base64url_decode(span_of(text, 4), bytes, 16, &size));
	cr_assert_not(digest_base64_decode(span_of(text, 3), bytes, 2));
	free(text);
	cr_assert_not(digest_base64_decode(SPAN_NONE, bytes, 3));
}

Test(digest, random_bytes_fill_exactly_their_place)
{
	uint8_t bytes[34] = { 0 };
	uint8_t other[32];

	digest_random(bytes + 1, 32);
	digest_random(other, 32);
	cr_assert_eq(bytes[0], 0);
	cr_assert_eq(bytes[33], 0);
	cr_assert_neq(memcmp(bytes + 1, other, 32), 0);
}
