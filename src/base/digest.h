/* SPDX-License-Identifier: ISC */
/*
 * digest.h - the door to libsodium and to libxxhash.
 *
 * SHA-256 is what clients see (content_hash, Repr-Digest). BLAKE2b makes our
 * own fingerprints (ETags, idempotency keys, cursors): the same strength at
 * five times the speed. XXH3 is the check at the end of every stored value:
 * it finds damage, and keeps nobody out.
 */
#ifndef DIGEST_H
#define DIGEST_H

#include "mem.h"

#define DIGEST_SHA256_SIZE 32
#define DIGEST_SHA256_HEX 64

/* A SHA-256 in the making; size and alignment are libsodium's. */
struct digest {
	_Alignas(16) unsigned char state[128];
};

/* Once per process, before anything else here; false: no random source. */
MUST_USE bool digest_init(void);

void digest_begin(struct digest *digest);
void digest_add(struct digest *digest, struct span bytes);
void digest_end(struct digest *digest, uint8_t ret_hash[DIGEST_SHA256_SIZE]);

/* BLAKE2b over the bytes, size 16 to 64 bytes long. */
void digest_fingerprint(struct span bytes, uint8_t *ret_hash, size_t size);

/* XXH3-64 over key and bytes, as if they were one. */
uint64_t digest_check(struct span key, struct span bytes);

/* Lower-case hex with a NUL: ret_text has room for 2 * size + 1. */
void digest_hex(const uint8_t *bytes, size_t size, char *ret_text);

/* RFC 4648 base64 with padding, in the arena. */
struct span digest_base64(struct arena *arena, struct span bytes);
/* Exactly size bytes from padded base64; false when it is anything else. */
MUST_USE bool
digest_base64_decode(struct span text, uint8_t *ret_bytes, size_t size);
/* The same in the URL-safe alphabet without padding (RFC 4648, section 5). */
struct span digest_base64url(struct arena *arena, struct span bytes);
/*
 * At most size bytes from unpadded URL-safe base64; false when it is
 * anything else or longer.
 */
MUST_USE bool digest_base64url_decode(
    struct span text, uint8_t *ret_bytes, size_t size, size_t *ret_size);

/* Are they the same? In a time that does not tell where they differ. */
bool digest_equal(struct span one, struct span other);

/* Unpredictable bytes from the kernel. */
void digest_random(void *ret_bytes, size_t size);

#endif
