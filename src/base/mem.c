/* SPDX-License-Identifier: ISC */
/*
 * mem.c - spans, arenas, buffers. An arena is a list of blocks: small
 * allocations share a block, a large one has its own, which can be resized
 * in place.
 */

#include "mem.h"

#include "log.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define BLOCK_SIZE 16384
/*
 * From here on an allocation has its own block. A build with sanitizers
 * says 1: so they see where each ends, and who uses one that has moved.
 */
#ifndef LARGE_SIZE
#define LARGE_SIZE 4096
#endif
#define ALIGNMENT 16

/* The header's size keeps what follows it aligned. */
struct block {
	struct block *previous;
	struct block *next;
	size_t used;
	size_t size;
};

struct cleanup {
	struct cleanup *next;
	void (*release)(void *object);
	void *object;
};

struct arena {
	struct block *shared; /* small allocations go into the first one */
	struct block *large;
	struct cleanup *cleanups;
};

_Static_assert(sizeof(struct block) % ALIGNMENT == 0, "blocks stay aligned");

/* ---- spans ---- */

struct span
span_str(const char *string)
{
	if (string == NULL)
		return SPAN_NONE;
	return (struct span){ string, strlen(string) };
}

bool
span_equal(struct span one, struct span other)
{
	if (one.size != other.size)
		return false;
	return one.size == 0 || memcmp(one.data, other.data, one.size) == 0;
}

int
span_compare(struct span one, struct span other)
{
	size_t size = one.size < other.size ? one.size : other.size;
	int order = size == 0 ? 0 : memcmp(one.data, other.data, size);

	if (order != 0)
		return order;
	return (one.size > other.size) - (one.size < other.size);
}

bool
span_is(struct span span, const char *string)
{
	return span_equal(span, span_str(string));
}

bool
span_is_nocase(struct span span, const char *string)
{
	size_t i;

	if (span.size != strlen(string))
		return false;
	for (i = 0; i < span.size; i++)
		if (ascii_lower(span.data[i]) != ascii_lower(string[i]))
			return false;
	return true;
}

bool
span_starts_with(struct span span, const char *string)
{
	size_t size = strlen(string);

	return span.size >= size && span_is(span_of(span.data, size), string);
}

struct span
span_end(struct span span, size_t size)
{
	return span.size <= size ? span : span_from(span, span.size - size);
}

struct span
span_from(struct span span, size_t size)
{
	assert(size <= span.size);
	if (span.data == NULL)
		return span;
	return (struct span){ span.data + size, span.size - size };
}

size_t
span_find(struct span span, char byte)
{
	const char *found;

	if (span.size == 0)
		return 0;
	found = memchr(span.data, byte, span.size);
	return found == NULL ? span.size : (size_t)(found - span.data);
}

bool
span_contains(struct span span, struct span part)
{
	return part.size == 0 ||
	       (span.size >= part.size &&
		   memmem(span.data, span.size, part.data, part.size) != NULL);
}

struct span
span_strip(struct span span, const char *bytes)
{
	while (span.size > 0 && ascii_is_one_of(span.data[0], bytes))
		span = span_from(span, 1);
	while (
	    span.size > 0 && ascii_is_one_of(span.data[span.size - 1], bytes))
		span.size--;
	return span;
}

struct span
span_trim(struct span span)
{
	return span_strip(span, " \t");
}

struct span
span_split(struct span *rest, char separator)
{
	size_t end = span_find(*rest, separator);
	struct span head = { rest->data, end };

	if (end == rest->size)
		*rest = SPAN_NONE;
	else
		*rest = span_from(*rest, end + 1);
	return head;
}

size_t
span_digits(struct span span)
{
	size_t count = 0;

	while (count < span.size && ascii_is_digit(span.data[count]))
		count++;
	return count;
}

bool
span_number(struct span span, uint64_t *ret_number)
{
	uint64_t number = 0, digit;
	size_t i;

	if (span.size == 0)
		return false;
	for (i = 0; i < span.size; i++) {
		if (!ascii_is_digit(span.data[i]))
			return false;
		digit = (uint64_t)(span.data[i] - '0');
		if (number > (UINT64_MAX - digit) / 10)
			return false;
		number = number * 10 + digit;
	}
	*ret_number = number;
	return true;
}

bool
span_has_control(struct span span)
{
	unsigned char byte;
	size_t i;

	for (i = 0; i < span.size; i++) {
		byte = (unsigned char)span.data[i];
		if ((byte < ' ' && byte != '\t') || byte == 0x7f)
			return true;
	}
	return false;
}

char
ascii_lower(char byte)
{
	return byte >= 'A' && byte <= 'Z' ? (char)(byte - 'A' + 'a') : byte;
}

bool
ascii_is_digit(char byte)
{
	return byte >= '0' && byte <= '9';
}

bool
ascii_is_alpha(char byte)
{
	byte = ascii_lower(byte);
	return byte >= 'a' && byte <= 'z';
}

int
ascii_hex(char byte)
{
	if (ascii_is_digit(byte))
		return byte - '0';
	byte = ascii_lower(byte);
	return byte >= 'a' && byte <= 'f' ? byte - 'a' + 10 : -1;
}

bool
ascii_is_one_of(char byte, const char *bytes)
{
	return byte != '\0' && strchr(bytes, byte) != NULL;
}

/* ---- sorting: a heap sort ---- */

/* Let the item at a place of a heap sink below its larger children. */
static void
sink(const void **items, size_t count, size_t at,
    int (*compare)(const void *one, const void *other))
{
	const void *item = items[at];
	size_t child;

	while ((child = 2 * at + 1) < count) {
		if (child + 1 < count &&
		    compare(items[child], items[child + 1]) < 0)
			child++;
		if (compare(item, items[child]) >= 0)
			break;
		items[at] = items[child];
		at = child;
	}
	items[at] = item;
}

void
pointers_sort(const void **items, size_t count,
    int (*compare)(const void *one, const void *other))
{
	const void *largest;
	size_t i;

	for (i = count / 2; i-- > 0;)
		sink(items, count, i, compare);
	for (i = count; i-- > 1;) {
		largest = items[0];
		items[0] = items[i];
		items[i] = largest;
		sink(items, i, 0, compare);
	}
}

/* ---- arenas ---- */

static void
out_of_memory(size_t size)
{
	log_open(LOG_CRIT, "out_of_memory");
	log_number("size", (int64_t)size);
	log_close();
	abort();
}

static void *
need(void *memory, size_t size)
{
	if (memory == NULL)
		out_of_memory(size);
	return memory;
}

static size_t
aligned(size_t size)
{
	if (size > SIZE_MAX / 2)
		out_of_memory(size);
	return (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

static char *
block_data(struct block *block)
{
	return (char *)(block + 1);
}

static struct block *
block_of(void *data)
{
	return (struct block *)data - 1;
}

static struct block *
block_add(struct block **list, size_t size)
{
	struct block *block = need(malloc(sizeof(*block) + size), size);

	*block = (struct block){ .size = size, .next = *list };
	if (*list != NULL)
		(*list)->previous = block;
	*list = block;
	return block;
}

static void
blocks_free(struct block *block)
{
	struct block *next;

	for (; block != NULL; block = next) {
		next = block->next;
		free(block);
	}
}

struct arena *
arena_open(void)
{
	return need(calloc(1, sizeof(struct arena)), sizeof(struct arena));
}

void
arena_close(struct arena *arena)
{
	if (arena == NULL)
		return;
	arena_reset(arena);
	free(arena);
}

void
arena_reset(struct arena *arena)
{
	struct cleanup *cleanup;

	for (cleanup = arena->cleanups; cleanup; cleanup = cleanup->next)
		cleanup->release(cleanup->object);
	arena->cleanups = NULL;
	blocks_free(arena->shared);
	blocks_free(arena->large);
	arena->shared = NULL;
	arena->large = NULL;
}

void *
arena_room(struct arena *arena, size_t size)
{
	struct block *block = arena->shared;
	char *data;

	if (size >= LARGE_SIZE)
		return block_data(block_add(&arena->large, size));
	size = aligned(size == 0 ? 1 : size);
	if (block == NULL || block->size - block->used < size)
		block = block_add(&arena->shared, BLOCK_SIZE);
	data = block_data(block) + block->used;
	block->used += size;
	return data;
}

void *
arena_alloc(struct arena *arena, size_t size)
{
	return memset(arena_room(arena, size), 0, size);
}

/* A large allocation keeps its block; the list follows where it moves. */
static void *
resize_large(struct arena *arena, void *data, size_t size)
{
	struct block *block = block_of(data);

	block = need(realloc(block, sizeof(*block) + size), size);
	block->size = size;
	if (block->previous != NULL)
		block->previous->next = block;
	else
		arena->large = block;
	if (block->next != NULL)
		block->next->previous = block;
	return block_data(block);
}

void *
arena_resize(struct arena *arena, void *data, size_t old_size, size_t size)
{
	void *moved;

	/* One that was large stays large, so that its size tells its kind. */
	if (old_size >= LARGE_SIZE)
		return resize_large(
		    arena, data, size < LARGE_SIZE ? LARGE_SIZE : size);
	moved = arena_room(arena, size);
	if (old_size > 0)
		memcpy(moved, data, old_size < size ? old_size : size);
	return moved;
}

void *
arena_grow(struct arena *arena, void *list, size_t count, size_t *capacity,
    size_t item_size)
{
	size_t old = *capacity;

	if (count < old)
		return list;
	*capacity = old == 0 ? 8 : 2 * old;
	return arena_resize(
	    arena, list, old * item_size, *capacity * item_size);
}

struct span
arena_copy(struct arena *arena, struct span span)
{
	char *data;

	if (span.data == NULL)
		return SPAN_NONE;
	data = arena_room(arena, span.size);
	memcpy(data, span.data, span.size);
	return span_of(data, span.size);
}

struct span
span_lower(struct arena *arena, struct span span)
{
	char *lower;
	size_t i;

	if (span.data == NULL)
		return SPAN_NONE;
	lower = arena_alloc(arena, span.size);
	for (i = 0; i < span.size; i++)
		lower[i] = ascii_lower(span.data[i]);
	return span_of(lower, span.size);
}

char *
arena_string(struct arena *arena, struct span span)
{
	char *data = arena_room(arena, span.size + 1);

	if (span.size > 0)
		memcpy(data, span.data, span.size);
	data[span.size] = '\0';
	return data;
}

struct span
arena_printf(struct arena *arena, const char *format, ...)
{
	va_list list, again;
	char *data;
	int size;

	va_start(list, format);
	va_copy(again, list);
	size = vsnprintf(NULL, 0, format, list);
	va_end(list);
	assert(size >= 0);
	data = arena_room(arena, (size_t)size + 1);
	(void)vsnprintf(data, (size_t)size + 1, format, again);
	va_end(again);
	return span_of(data, (size_t)size);
}

void
arena_defer(struct arena *arena, void (*release)(void *object), void *object)
{
	struct cleanup *cleanup = arena_alloc(arena, sizeof(*cleanup));

	cleanup->release = release;
	cleanup->object = object;
	cleanup->next = arena->cleanups;
	arena->cleanups = cleanup;
}

/* ---- buffers ---- */

void
buffer_init(struct buffer *buffer, struct arena *arena)
{
	*buffer = (struct buffer){ .arena = arena };
}

void
buffer_reserve(struct buffer *buffer, size_t size)
{
	size_t capacity = buffer->capacity;

	if (size <= capacity - buffer->size)
		return;
	if (capacity == 0)
		capacity = size;
	while (capacity - buffer->size < size) {
		if (capacity > SIZE_MAX / 4)
			out_of_memory(size);
		capacity *= 2;
	}
	buffer->data = arena_resize(
	    buffer->arena, buffer->data, buffer->capacity, capacity);
	buffer->capacity = capacity;
}

void
buffer_append_number(struct buffer *buffer, uint64_t number)
{
	char digits[20];
	size_t start = sizeof(digits);

	do {
		digits[--start] = (char)('0' + number % 10);
		number /= 10;
	} while (number > 0);
	buffer_append(buffer, span_of(digits + start, sizeof(digits) - start));
}

void
buffer_printf(struct buffer *buffer, const char *format, ...)
{
	size_t room = buffer->capacity - buffer->size;
	va_list list, again;
	int size;

	va_start(list, format);
	va_copy(again, list);
	size = vsnprintf(
	    room > 0 ? buffer->data + buffer->size : NULL, room, format, list);
	va_end(list);
	assert(size >= 0);
	if ((size_t)size >= room) {
		buffer_reserve(buffer, (size_t)size + 1);
		(void)vsnprintf(buffer->data + buffer->size, (size_t)size + 1,
		    format, again);
	}
	va_end(again);
	buffer->size += (size_t)size;
}

struct span
buffer_span(const struct buffer *buffer)
{
	return span_of(buffer->data == NULL ? "" : buffer->data, buffer->size);
}

void
buffer_clear(struct buffer *buffer)
{
	buffer->size = 0;
}
