/* SPDX-License-Identifier: ISC */
/* fcgi_plain.c - a plain reader of FastCGI records, streams, and name-value
 * pairs. */
#include "fcgi_plain.h"

#define HEADER 8
#define PAIR_MOST 1048576 /* bytes that a name or a value may claim */

static unsigned
byte_at(struct span bytes, size_t at)
{
	return (unsigned char)bytes.data[at];
}

bool
fcgi_record_at(struct span bytes, size_t at, struct fcgi_record *ret_record)
{
	size_t size, padding;

	if (bytes.size < at + HEADER)
		return false;
	bytes = span_from(bytes, at);
	size = byte_at(bytes, 4) << 8 | byte_at(bytes, 5);
	padding = byte_at(bytes, 6);
	if (bytes.size < HEADER + size + padding)
		return false;
	ret_record->version = byte_at(bytes, 0);
	ret_record->type = byte_at(bytes, 1);
	ret_record->id = byte_at(bytes, 2) << 8 | byte_at(bytes, 3);
	ret_record->content = span_of(bytes.data + HEADER, size);
	ret_record->end = at + HEADER + size + padding;
	return true;
}

/*
 * libfcgi forgets the padding of BEGIN and of the record that ends PARAMS,
 * and takes it for a record. nginx sends none there.
 */
static bool
has_padding(const struct fcgi_record *record, size_t at)
{
	return record->end != at + HEADER + record->content.size;
}

/* The content of a stream, up to the empty record that ends it. */
static bool
take_stream(struct span bytes, size_t *at, unsigned type, unsigned id,
    struct buffer *stream)
{
	struct fcgi_record record;

	while (fcgi_record_at(bytes, *at, &record)) {
		if (record.version != 1 || record.type != type ||
		    record.id != id)
			return false;
		if (record.content.size == 0 && has_padding(&record, *at))
			return false;
		*at = record.end;
		if (record.content.size == 0)
			return true;
		buffer_append(stream, record.content);
	}
	return false;
}

static bool
take_length(struct span *rest, size_t *ret_length)
{
	size_t length, i;

	if (rest->size == 0)
		return false;
	length = byte_at(*rest, 0);
	if (length < 0x80) {
		*rest = span_from(*rest, 1);
		*ret_length = length;
		return true;
	}
	if (rest->size < 4)
		return false;
	length &= 0x7f;
	for (i = 1; i < 4; i++)
		length = length << 8 | byte_at(*rest, i);
	*rest = span_from(*rest, 4);
	*ret_length = length;
	return true;
}

/* A pair as a string, which a NUL in it cuts, as it does in libfcgi. */
static bool
take_pair(struct arena *arena, struct span *rest, char **ret_text)
{
	size_t name, value;

	if (!take_length(rest, &name) || !take_length(rest, &value) ||
	    name > PAIR_MOST || value > PAIR_MOST || rest->size < name + value)
		return false;
	*ret_text = arena_alloc(arena, name + value + 2);
	memcpy(*ret_text, rest->data, name);
	(*ret_text)[name] = '=';
	memcpy(*ret_text + name + 1, rest->data + name, value);
	*rest = span_from(*rest, name + value);
	return true;
}

static bool
take_pairs(struct arena *arena, struct span rest, struct fcgi_plain *plain)
{
	/* A pair is two bytes at least. */
	plain->parameters =
	    arena_alloc(arena, (rest.size / 2 + 1) * sizeof(char *));
	plain->count = 0;
	while (rest.size > 0)
		if (!take_pair(
			arena, &rest, &plain->parameters[plain->count++]))
			return false;
	return true;
}

static bool
is_begin(const struct fcgi_record *record)
{
	return record->version == 1 && record->type == FCGI_PLAIN_BEGIN &&
	       record->id != 0 && record->content.size == HEADER &&
	       byte_at(record->content, 0) == 0 &&
	       byte_at(record->content, 1) == 1; /* RESPONDER */
}

bool
fcgi_plain_read(
    struct arena *arena, struct span bytes, struct fcgi_plain *ret_plain)
{
	struct buffer parameters, body;
	struct fcgi_record record;
	size_t at;

	buffer_init(&parameters, arena);
	buffer_init(&body, arena);
	if (!fcgi_record_at(bytes, 0, &record) || !is_begin(&record) ||
	    has_padding(&record, 0))
		return false;
	at = record.end;
	if (!take_stream(
		bytes, &at, FCGI_PLAIN_PARAMS, record.id, &parameters) ||
	    !take_stream(bytes, &at, FCGI_PLAIN_STDIN, record.id, &body))
		return false;
	ret_plain->body = buffer_span(&body);
	ret_plain->end = at;
	return take_pairs(arena, buffer_span(&parameters), ret_plain);
}
