/* SPDX-License-Identifier: ISC */
/*
 * fuzz_utf8.c - the repair of ill-formed UTF-8, and the inside of a JSON
 * string. The target compares with the decoder of the WHATWG Encoding
 * Standard, written as the standard says (4.5, "utf-8 decoder").
 *
 * Text that is escaped in pieces, cut anywhere, is equal to the text that is
 * escaped as a whole; a JSON reader returns the repaired text.
 */
#include "fuzz.h"
#include "protocol/json.h"
#include "protocol/utf8.h"

#define MOST 300 /* bytes; the longer, the slower */

/* ---- the second opinion ---- */

struct decoder {
	unsigned point, seen, needed, low, high;
};

static const struct decoder fresh = { 0, 0, 0, 0x80, 0xbf };

static void
append_point(struct buffer *buffer, unsigned point)
{
	if (point < 0x80) {
		buffer_append_byte(buffer, (char)point);
	} else if (point < 0x800) {
		buffer_append_byte(buffer, (char)(0xc0 | point >> 6));
		buffer_append_byte(buffer, (char)(0x80 | (point & 0x3f)));
	} else if (point < 0x10000) {
		buffer_append_byte(buffer, (char)(0xe0 | point >> 12));
		buffer_append_byte(buffer, (char)(0x80 | (point >> 6 & 0x3f)));
		buffer_append_byte(buffer, (char)(0x80 | (point & 0x3f)));
	} else {
		buffer_append_byte(buffer, (char)(0xf0 | point >> 18));
		buffer_append_byte(buffer, (char)(0x80 | (point >> 12 & 0x3f)));
		buffer_append_byte(buffer, (char)(0x80 | (point >> 6 & 0x3f)));
		buffer_append_byte(buffer, (char)(0x80 | (point & 0x3f)));
	}
}

/* A byte at the beginning of a sequence; false: it cannot be one. */
static bool
begin(struct decoder *decoder, unsigned byte)
{
	if (byte < 0xc2 || byte > 0xf4)
		return false;
	if (byte == 0xe0)
		decoder->low = 0xa0;
	if (byte == 0xed)
		decoder->high = 0x9f;
	if (byte == 0xf0)
		decoder->low = 0x90;
	if (byte == 0xf4)
		decoder->high = 0x8f;
	decoder->needed = byte < 0xe0 ? 1 : byte < 0xf0 ? 2 : 3;
	decoder->point = byte & (0x3fu >> decoder->needed);
	return true;
}

/* The text as the standard decodes it; *ret_is_valid: without an error. */
static struct span
decoded(struct arena *arena, struct span bytes, bool *ret_is_valid)
{
	struct decoder decoder = fresh;
	struct buffer buffer;
	unsigned byte;
	size_t i;

	buffer_init(&buffer, arena);
	*ret_is_valid = true;
	for (i = 0; i < bytes.size; i++) {
		byte = (unsigned char)bytes.data[i];
		if (decoder.needed > 0 &&
		    (byte < decoder.low || byte > decoder.high)) {
			decoder = fresh;
			*ret_is_valid = false;
			append_point(&buffer, 0xfffd);
		}
		if (decoder.needed > 0) {
			decoder.low = 0x80;
			decoder.high = 0xbf;
			decoder.point = decoder.point << 6 | (byte & 0x3f);
			if (++decoder.seen < decoder.needed)
				continue;
			append_point(&buffer, decoder.point);
			decoder = fresh;
		} else if (byte < 0x80) {
			append_point(&buffer, byte);
		} else if (!begin(&decoder, byte)) {
			*ret_is_valid = false;
			append_point(&buffer, 0xfffd);
		}
	}
	if (decoder.needed > 0) {
		*ret_is_valid = false;
		append_point(&buffer, 0xfffd);
	}
	return buffer_span(&buffer);
}

/* ---- escaping ---- */

/* In a first piece, then in pieces of a size. */
static struct span
escaped(struct arena *arena, struct span text, size_t first, size_t size)
{
	struct json_escaper escaper = { 0 };
	struct buffer buffer;

	buffer_init(&buffer, arena);
	buffer_reserve(&buffer, 6 * text.size + 3);
	do {
		if (first > text.size)
			first = text.size;
		json_escape(&escaper, span_of(text.data, first),
		    first == text.size, &buffer);
		text = span_from(text, first);
		first = size;
	} while (text.size > 0);
	DEMAND(escaper.carried == 0);
	return buffer_span(&buffer);
}

/* Of valid text, byte by byte (doc/contract.md 2). */
static struct span
plainly_escaped(struct arena *arena, struct span text)
{
	static const char *const forms[] = { ['\b'] = "\\b",
		['\t'] = "\\t",
		['\n'] = "\\n",
		['\f'] = "\\f",
		['\r'] = "\\r",
		['"'] = "\\\"",
		['\\'] = "\\\\" };
	struct buffer buffer;
	unsigned byte;
	size_t i;

	buffer_init(&buffer, arena);
	for (i = 0; i < text.size; i++) {
		byte = (unsigned char)text.data[i];
		if (byte < sizeof(forms) / sizeof(*forms) &&
		    forms[byte] != NULL)
			buffer_append(&buffer, span_str(forms[byte]));
		else if (byte < 0x20)
			buffer_printf(&buffer, "\\u%04x", byte);
		else
			buffer_append_byte(&buffer, text.data[i]);
	}
	return buffer_span(&buffer);
}

static void
demand_reads_back(struct arena *arena, struct span escape, struct span text)
{
	struct json_document document;
	struct faults faults;
	struct buffer source;

	buffer_init(&source, arena);
	buffer_append(&source, SPAN("{\"a\":\""));
	buffer_append(&source, escape);
	buffer_append(&source, SPAN("\"}"));
	faults_init(&faults, arena);
	DEMAND(json_read(arena, buffer_span(&source), &faults, &document) ==
	       JSON_VALID);
	DEMAND(span_equal(
	    json_get_string(&document, "a", JSON_REQUIRED, 0, &faults), text));
	DEMAND(faults.count == 0);
}

/* ---- the target ---- */

static void
demand_cut(struct span text, size_t size)
{
	struct span cut = utf8_cut(text, size);

	DEMAND(cut.data == text.data && utf8_is_valid(cut));
	DEMAND(cut.size <= size && cut.size <= text.size);
	DEMAND(cut.size == text.size || cut.size + 4 > size);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_open();
	struct span bytes, text, escape;
	bool is_valid;
	size_t cut;

	if (size > MOST)
		size = MOST;
	bytes = arena_copy(arena, span_of(data, size));
	text = decoded(arena, bytes, &is_valid);
	DEMAND(utf8_is_valid(bytes) == is_valid);
	DEMAND(span_equal(utf8_repair(arena, bytes), text));
	DEMAND(utf8_is_valid(text));
	escape = escaped(arena, bytes, size, size);
	DEMAND(span_equal(escape, plainly_escaped(arena, text)));
	demand_reads_back(arena, escape, text);
	DEMAND(span_equal(escaped(arena, bytes, 1, 1), escape));
	for (cut = 0; cut < size; cut += 1 + size / 32) {
		DEMAND(span_equal(escaped(arena, bytes, cut, size), escape));
		demand_cut(text, cut);
	}
	arena_close(arena);
	return 0;
}
