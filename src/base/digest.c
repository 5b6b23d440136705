/* SPDX-License-Identifier: ISC */
/* digest.c - SHA-256, BLAKE2b, XXH3, their text forms, and random bytes. */

#include "digest.h"

#include <assert.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#define XXH_INLINE_ALL
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wundef"
#include <xxhash.h>
#pragma GCC diagnostic pop

_Static_assert(
    sizeof(crypto_hash_sha256_state) <= sizeof(((struct digest *)0)->state),
    "struct digest has room");
_Static_assert(crypto_hash_sha256_BYTES == DIGEST_SHA256_SIZE, "SHA-256");

bool
digest_init(void)
{
	return sodium_init() >= 0;
}

static crypto_hash_sha256_state *
state_of(struct digest *digest)
{
	return (crypto_hash_sha256_state *)(void *)digest->state;
}

static const unsigned char *
unsigned_of(struct span bytes)
{
	return (const unsigned char *)bytes.data;
}

void
digest_begin(struct digest *digest)
{
	(void)crypto_hash_sha256_init(state_of(digest)); /* always 0 */
}

void
digest_add(struct digest *digest, struct span bytes)
{
	(void)crypto_hash_sha256_update(
	    state_of(digest), unsigned_of(bytes), bytes.size); /* always 0 */
}

void
digest_end(struct digest *digest, uint8_t ret_hash[DIGEST_SHA256_SIZE])
{
	(void)crypto_hash_sha256_final(state_of(digest), ret_hash);
}

void
digest_fingerprint(struct span bytes, uint8_t *ret_hash, size_t size)
{
	assert(size >= crypto_generichash_BYTES_MIN &&
	       size <= crypto_generichash_BYTES_MAX);
	(void)crypto_generichash(ret_hash, size, unsigned_of(bytes), bytes.size,
	    NULL, 0); /* fails only for other sizes */
}

uint64_t
digest_check(struct span key, struct span bytes)
{
	/* The key's hash seeds the value's: one pass each, no state. */
	return XXH3_64bits_withSeed(
	    bytes.data, bytes.size, XXH3_64bits(key.data, key.size));
}

void
digest_hex(const uint8_t *bytes, size_t size, char *ret_text)
{
	(void)sodium_bin2hex(ret_text, 2 * size + 1, bytes, size);
}

static struct span
encode(struct arena *arena, struct span bytes, int variant)
{
	size_t size = sodium_base64_encoded_len(bytes.size, variant);
	char *text = arena_alloc(arena, size);

	(void)sodium_bin2base64(
	    text, size, unsigned_of(bytes), bytes.size, variant);
	return span_of(text, strlen(text));
}

/* libsodium 1.0.18 takes some bytes over 0x7f for digits. */
static bool
is_ascii(struct span text)
{
	size_t i;

	for (i = 0; i < text.size; i++)
		if (text.data[i] == '\0' || (text.data[i] & 0x80) != 0)
			return false;
	return true;
}

static bool
decode(struct span text, int variant, uint8_t *ret_bytes, size_t size,
    size_t *ret_size)
{
	size_t decoded;

	if (!is_ascii(text))
		return false;
	if (sodium_base642bin(ret_bytes, size, text.data, text.size, NULL,
		&decoded, NULL, variant) != 0)
		return false;
	*ret_size = decoded;
	return true;
}

struct span
digest_base64(struct arena *arena, struct span bytes)
{
	return encode(arena, bytes, sodium_base64_VARIANT_ORIGINAL);
}

bool
digest_base64_decode(struct span text, uint8_t *ret_bytes, size_t size)
{
	size_t decoded;

	return decode(text, sodium_base64_VARIANT_ORIGINAL, ret_bytes, size,
		   &decoded) &&
	       decoded == size;
}

struct span
digest_base64url(struct arena *arena, struct span bytes)
{
	return encode(arena, bytes, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}

bool
digest_base64url_decode(
    struct span text, uint8_t *ret_bytes, size_t size, size_t *ret_size)
{
	return decode(text, sodium_base64_VARIANT_URLSAFE_NO_PADDING, ret_bytes,
	    size, ret_size);
}

bool
digest_equal(struct span one, struct span other)
{
	return one.size == other.size &&
	       sodium_memcmp(one.data, other.data, one.size) == 0;
}

void
digest_random(void *ret_bytes, size_t size)
{
	randombytes_buf(ret_bytes, size);
}
