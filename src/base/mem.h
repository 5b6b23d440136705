/* SPDX-License-Identifier: ISC */
/*
 * mem.h - memory: spans, arenas, growing buffers.
 *
 * base/ is what all others stand on: memory, results (result.h), limits
 * (limits.h), integers as bytes (pack.h), hashes (digest.h), the log (log.h), and
 * what processes share (scoreboard.h, metrics.h). It includes no other folder.
 *
 * A span is untrusted bytes: a pointer and a length, no NUL, owned by
 * somebody else. An arena owns what a request allocates; all of it dies with
 * arena_reset. A buffer grows inside an arena.
 *
 * Out of memory ends the process: every size that a client can choose has a
 * bound in limits.h, so it means that the host is in trouble.
 */
#ifndef MEM_H
#define MEM_H

#include "result.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* How many elements an array has. */
#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* Bytes of somebody else; data == NULL means absent, size == 0 empty. */
struct span {
	const char *data;
	size_t size;
};

#define SPAN(literal) ((struct span){ "" literal, sizeof(literal) - 1 })
#define SPAN_NONE ((struct span){ NULL, 0 })

/* A span over size bytes at data, or over the string (NULL: SPAN_NONE). */
static inline struct span
span_of(const void *data, size_t size)
{
	return (struct span){ data, size };
}
struct span span_str(const char *string);

bool span_equal(struct span one, struct span other);
/* By their bytes; where one begins the other, the shorter is below: below 0,
 * 0, or above 0. */
int span_compare(struct span one, struct span other);
bool span_is(struct span span, const char *string);
/* The same, with ASCII letters of either case taken as equal. */
bool span_is_nocase(struct span span, const char *string);
bool span_starts_with(struct span span, const char *string);
/* Its last size bytes; all of a shorter one. */
struct span span_end(struct span span, size_t size);
/* What follows after the first size bytes; size must not be over. */
struct span span_from(struct span span, size_t size);
/* Index of the first such byte, or span.size. */
size_t span_find(struct span span, char byte);
/*
 * Does part stand in it, with the same bytes? Part is empty, or of a size that
 * limits.h bounds: time grows with the size of the span, and no faster than with
 * the product of both.
 */
bool span_contains(struct span span, struct span part);
/* Without any of these bytes at both ends. */
struct span span_strip(struct span span, const char *bytes);
/* Without space and tab at both ends. */
struct span span_trim(struct span span);
/*
 * Take off and return what stands before the first separator; *rest becomes
 * what follows it, or SPAN_NONE when there is none left.
 */
struct span span_split(struct span *rest, char separator);

/* How many digits it begins with. */
size_t span_digits(struct span span);
/* Digits and nothing else as a number; false: other text, or over 64 bits. */
MUST_USE bool span_number(struct span span, uint64_t *ret_number);
/* Is there a control byte other than a tab? */
bool span_has_control(struct span span);

/* ASCII only, whatever the locale. */
char ascii_lower(char byte);
bool ascii_is_digit(char byte);
bool ascii_is_alpha(char byte);
/* 0 to 15, or -1. */
int ascii_hex(char byte);
/* Is it one of these bytes? NUL never is. */
bool ascii_is_one_of(char byte, const char *bytes);

/*
 * Sort pointers, without memory: libc's qsort asks the kernel how much memory
 * the machine has, and for that call the sandbox kills. Items that compare as
 * equal end in any order.
 */
void pointers_sort(const void **items, size_t count,
    int (*compare)(const void *one, const void *other));

struct arena;

/* A new, empty arena; the caller closes it. */
struct arena *arena_open(void);
/* Free the arena and everything in it; NULL is fine. */
void arena_close(struct arena *arena);
/* Run the cleanups, newest first, and free everything in it. */
void arena_reset(struct arena *arena);
/* Zeroed memory, aligned for any type. size 0 gives a valid pointer. */
void *arena_alloc(struct arena *arena, size_t size);
/* Memory that is not zeroed, for bytes that are written before they are read. */
void *arena_room(struct arena *arena, size_t size);
/*
 * Give an allocation of old_size another size; its first bytes are kept,
 * and what is new is not zeroed. NULL with old_size 0 allocates.
 */
void *
arena_resize(struct arena *arena, void *data, size_t old_size, size_t size);
/*
 * Room for one more item of a list that has *capacity of them: the list, which
 * may have moved.
 */
void *arena_grow(struct arena *arena, void *list, size_t count,
    size_t *capacity, size_t item_size);
/* A copy in the arena; SPAN_NONE stays SPAN_NONE. */
struct span arena_copy(struct arena *arena, struct span span);
/* The same with ASCII letters in lower case. */
struct span span_lower(struct arena *arena, struct span span);
/* A copy with a NUL behind it, for interfaces that want a string. */
char *arena_string(struct arena *arena, struct span span);
/* Formatted text in the arena, with a NUL behind it that is not counted. */
struct span arena_printf(struct arena *arena, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Call release(object) at the next reset. */
void
arena_defer(struct arena *arena, void (*release)(void *object), void *object);

/* Bytes that grow; they live in the arena. */
struct buffer {
	struct arena *arena;
	char *data;
	size_t size;
	size_t capacity;
};

void buffer_init(struct buffer *buffer, struct arena *arena);
/* Make room for size more bytes, exactly where it is the first. */
void buffer_reserve(struct buffer *buffer, size_t size);
/* Room for so many bytes more, at the end, for the caller to fill at once. */
static inline char *
buffer_extend(struct buffer *buffer, size_t size)
{
	if (size > buffer->capacity - buffer->size)
		buffer_reserve(buffer, size);
	buffer->size += size;
	return buffer->data + buffer->size - size;
}
static inline void
buffer_append(struct buffer *buffer, struct span span)
{
	if (span.size > 0)
		memcpy(buffer_extend(buffer, span.size), span.data, span.size);
}
static inline void
buffer_append_byte(struct buffer *buffer, char byte)
{
	*buffer_extend(buffer, 1) = byte;
}
/* In decimal digits. */
void buffer_append_number(struct buffer *buffer, uint64_t number);
void buffer_printf(struct buffer *buffer, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* What it holds now; valid until the next call that grows it. */
struct span buffer_span(const struct buffer *buffer);
/* Forget the bytes, keep the room. */
void buffer_clear(struct buffer *buffer);

#endif
