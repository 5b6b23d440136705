/* SPDX-License-Identifier: ISC */
/*
 * header.c - the values of HTTP headers: media types, content codings,
 * digests, entity tags, ranges and dispositions. Text in, values out; what is
 * not well formed never counts as a match.
 */

#include "header.h"

#include "base/digest.h"
#include "query.h"

/* ---- media types (RFC 9110, 8.3.1) ---- */

static struct span
media_type(struct span content_type)
{
	return span_trim(span_split(&content_type, ';'));
}

bool
header_media_is(struct span content_type, const char *media)
{
	return span_is_nocase(media_type(content_type), media);
}

bool
header_media_is_json(struct span content_type)
{
	struct span subtype = media_type(content_type);
	struct span type = span_split(&subtype, '/');
	size_t suffix = sizeof("+json") - 1;

	if (!span_is_nocase(type, "application"))
		return false;
	if (span_is_nocase(subtype, "json"))
		return true;
	return subtype.size >= suffix &&
	       span_find(subtype, '/') == subtype.size &&
	       span_is_nocase(
		   span_from(subtype, subtype.size - suffix), "+json");
}

struct span
header_media_type(struct span content_type)
{
	struct span type = media_type(content_type);

	return span_find(type, '*') < type.size ? SPAN_NONE : content_type;
}

static bool
is_token_byte(char byte)
{
	return ascii_is_alpha(byte) || ascii_is_digit(byte) ||
	       ascii_is_one_of(byte, "!#$%&'*+-.^_`|~");
}

/* Take a token; false if there is none. */
static bool
take_token(struct span *text)
{
	size_t size = 0;

	while (size < text->size && is_token_byte(text->data[size]))
		size++;
	*text = span_from(*text, size);
	return size > 0;
}

static bool
take_byte(struct span *text, char byte)
{
	if (text->size == 0 || text->data[0] != byte)
		return false;
	*text = span_from(*text, 1);
	return true;
}

/* Take what follows an opening quote, with the closing one; false if it is
 * no quoted string. */
static bool
take_quoted(struct span *text)
{
	char byte;

	while (text->size > 0) {
		byte = text->data[0];
		*text = span_from(*text, 1);
		if (byte == '"')
			return true;
		if (byte == '\\') {
			if (text->size == 0)
				return false;
			byte = text->data[0];
			*text = span_from(*text, 1);
		}
		if (byte < 0x20 || byte > 0x7e)
			return false;
	}
	return false;
}

/* Parameters behind a media type; empty ones are legal. */
static bool
are_parameters(struct span text)
{
	text = span_trim(text);
	while (text.size > 0) {
		if (!take_byte(&text, ';'))
			return false;
		text = span_trim(text);
		if (text.size == 0 || text.data[0] == ';')
			continue;
		if (!take_token(&text) || !take_byte(&text, '='))
			return false;
		if (!(take_byte(&text, '"') ? take_quoted(&text)
					    : take_token(&text)))
			return false;
		text = span_trim(text);
	}
	return true;
}

bool
header_is_media_type(struct span text)
{
	return header_media_type(text).data != NULL && take_token(&text) &&
	       take_byte(&text, '/') && take_token(&text) &&
	       are_parameters(text);
}

/* ---- content codings (RFC 9110, 8.4) ---- */

bool
header_is_uncoded(struct span content_encoding)
{
	struct span coding;

	while (content_encoding.data != NULL) {
		coding = span_trim(span_split(&content_encoding, ','));
		if (coding.size > 0 && !span_is_nocase(coding, "identity"))
			return false;
	}
	return true;
}

/* ---- digests ---- */

/* Take off one member of a dictionary; commas in strings do not count. */
static struct span
next_member(struct span *rest)
{
	struct span member = { rest->data, 0 };
	bool is_quoted = false;
	char byte;

	for (; member.size < rest->size; member.size++) {
		byte = rest->data[member.size];
		if (byte == ',' && !is_quoted)
			break;
		if (byte == '"')
			is_quoted = !is_quoted;
		else if (byte == '\\' && is_quoted &&
			 member.size + 1 < rest->size)
			member.size++;
	}
	*rest = member.size == rest->size ? SPAN_NONE
					  : span_from(*rest, member.size + 1);
	return span_trim(member);
}

/* A byte sequence (RFC 8941, 3.3.5), maybe with parameters behind it. */
static bool
parse_hash(struct span value, uint8_t ret_hash[DIGEST_SHA256_SIZE])
{
	struct span text;

	value = span_trim(span_split(&value, ';'));
	if (value.size < 2 || value.data[0] != ':' ||
	    value.data[value.size - 1] != ':')
		return false;
	text = span_of(value.data + 1, value.size - 2);
	return digest_base64_decode(text, ret_hash, DIGEST_SHA256_SIZE);
}

enum result
header_digest(struct span header, uint8_t ret_hash[32])
{
	uint8_t hash[DIGEST_SHA256_SIZE];
	bool is_there = false;
	struct span key, value;

	while (header.data != NULL) {
		value = next_member(&header);
		key = span_split(&value, '=');
		/* Keys are lower case, but no other key can be meant. */
		if (!span_is_nocase(key, "sha-256"))
			continue;
		if (!parse_hash(value, hash))
			return RESULT_MALFORMED;
		is_there = true; /* of several, the last counts */
	}
	if (!is_there)
		return RESULT_END;
	memcpy(ret_hash, hash, sizeof(hash));
	return RESULT_OK;
}

/* ---- entity tags ---- */

bool
header_next_tag(struct span *rest, struct header_tag *ret_tag, bool *is_list)
{
	size_t end;
	bool is_weak;

	while (rest->size > 0) {
		*rest = span_trim(*rest);
		is_weak = span_starts_with(*rest, "W/");
		if (is_weak)
			*rest = span_from(*rest, 2);
		if (!span_starts_with(*rest, "\"")) {
			if (span_trim(span_split(rest, ',')).size > 0 ||
			    is_weak)
				*is_list = false;
			continue;
		}
		*rest = span_from(*rest, 1);
		end = span_find(*rest, '"');
		if (end == rest->size) {
			*is_list = false;
			return false;
		}
		*ret_tag =
		    (struct header_tag){ span_of(rest->data, end), is_weak };
		*rest = span_trim(span_from(*rest, end + 1));
		if (span_split(rest, ',').size == 0)
			return true;
		*is_list = false;
	}
	return false;
}

/* Is "*" or this tag in the list? No tag (SPAN_NONE) is in none. */
static bool
has_tag(struct span header, struct span hex, bool is_strong)
{
	bool is_list = true;
	struct header_tag tag;

	if (span_is(span_trim(header), "*"))
		return true;
	while (header_next_tag(&header, &tag, &is_list))
		if (hex.data != NULL && !(is_strong && tag.is_weak) &&
		    span_equal(tag.opaque, hex))
			return true;
	return false;
}

bool
header_has_tag(struct span if_none_match, struct span hex)
{
	return has_tag(if_none_match, hex, false);
}

bool
header_has_strong_tag(struct span if_match, struct span hex)
{
	return has_tag(if_match, hex, true);
}

/* ---- ranges ---- */

/* Digits alone; a number that is too large becomes the largest. */
static bool
parse_position(struct span text, uint64_t *ret_position)
{
	if (span_number(text, ret_position))
		return true;
	*ret_position = UINT64_MAX;
	return text.size > 0 && span_digits(text) == text.size;
}

/* -n: the last n bytes. */
static enum range
suffix_range(
    uint64_t count, uint64_t size, uint64_t *ret_offset, uint64_t *ret_length)
{
	if (count == 0 || size == 0)
		return RANGE_UNSATISFIABLE;
	*ret_length = count < size ? count : size;
	*ret_offset = size - *ret_length;
	return RANGE_PART;
}

enum range
header_range(struct span header, uint64_t size, uint64_t *ret_offset,
    uint64_t *ret_length)
{
	struct span last = span_trim(header);
	struct span unit = span_split(&last, '=');
	struct span first = span_split(&last, '-');
	uint64_t from, to = UINT64_MAX;

	if (!span_is_nocase(unit, "bytes") || last.data == NULL)
		return RANGE_WHOLE;
	if (last.size > 0 && !parse_position(last, &to))
		return RANGE_WHOLE;
	if (first.size == 0 && last.size > 0)
		return suffix_range(to, size, ret_offset, ret_length);
	if (!parse_position(first, &from) || from > to)
		return RANGE_WHOLE;
	/* Of two numbers over 64 bits it is not known which is larger, and it
	 * is never wrong to ignore a range. */
	if (from == UINT64_MAX && last.size > 0)
		return RANGE_WHOLE;
	if (from >= size)
		return RANGE_UNSATISFIABLE;
	*ret_offset = from;
	*ret_length = (to < size ? to + 1 : size) - from;
	return RANGE_PART;
}

/* ---- dispositions ---- */

/* May the byte stand in quotes as it is? Some clients decode a '%' there. */
static bool
is_plain(unsigned char byte)
{
	return byte >= 0x20 && byte < 0x7f && byte != '"' && byte != '\\' &&
	       byte != '%';
}

/* Append the name, with '_' for each character that cannot stand in quotes;
 * true: there were some. */
static bool
append_ascii(struct buffer *buffer, struct span name)
{
	bool is_replaced = false;
	unsigned char byte;
	size_t i;

	for (i = 0; i < name.size; i++) {
		byte = (unsigned char)name.data[i];
		if (is_plain(byte)) {
			buffer_append_byte(buffer, name.data[i]);
			continue;
		}
		is_replaced = true;
		if ((byte & 0xc0) != 0x80)
			buffer_append_byte(buffer, '_');
	}
	return is_replaced;
}

struct span
header_disposition(struct arena *arena, bool is_inline, struct span filename)
{
	struct buffer buffer;
	bool is_replaced;

	buffer_init(&buffer, arena);
	buffer_append(&buffer, span_str(is_inline ? "inline" : "attachment"));
	if (filename.size == 0)
		return buffer_span(&buffer);
	buffer_append(&buffer, SPAN("; filename=\""));
	is_replaced = append_ascii(&buffer, filename);
	buffer_append_byte(&buffer, '"');
	if (is_replaced) {
		buffer_append(&buffer, SPAN("; filename*=UTF-8''"));
		query_encode(&buffer, filename);
	}
	return buffer_span(&buffer);
}
