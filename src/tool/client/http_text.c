/* SPDX-License-Identifier: ISC */
/*
 * http_text.c - URLs, Link, Retry-After and Content-Disposition. Others wrote
 * these texts, so one that cannot be read counts as absent.
 */

#include "http_text.h"

#include "base/limits.h"
#include "protocol/multipart.h"
#include "protocol/date.h"
#include "protocol/utf8.h"

/* ---- URLs ---- */

/* The size of "http://" or "https://" at the beginning; 0: neither is there. */
static size_t
scheme_size(struct span url)
{
	size_t colon = span_find(url, ':');
	struct span scheme = span_of(url.data, colon);

	if (!span_is_nocase(scheme, "http") && !span_is_nocase(scheme, "https"))
		return 0;
	return span_starts_with(span_from(url, colon), "://") ? colon + 3 : 0;
}

bool
ctl_http_base(struct span url, struct span *ret_base)
{
	size_t scheme = scheme_size(url);
	unsigned char byte;
	size_t i;

	if (scheme == 0)
		return false;
	for (i = 0; i < url.size; i++) {
		byte = (unsigned char)url.data[i];
		/* To some programs a backslash ends the host. */
		if (byte <= ' ' || byte >= 0x7f || byte == '?' || byte == '#' ||
		    byte == '\\')
			return false;
	}
	while (url.size > scheme && url.data[url.size - 1] == '/')
		url.size--;
	if (url.size == scheme || url.data[scheme] == '/')
		return false;
	*ret_base = url;
	return true;
}

/* The host with user and port: what stands between scheme and path. */
static struct span
authority_of(struct span base)
{
	struct span rest = span_from(base, scheme_size(base));

	return span_split(&rest, '/');
}

/* The size of "user:password@". */
static size_t
user_size(struct span authority)
{
	size_t i;

	for (i = authority.size; i > 0; i--)
		if (authority.data[i - 1] == '@')
			return i;
	return 0;
}

struct span
ctl_http_shown(struct arena *arena, struct span base)
{
	size_t scheme = scheme_size(base);
	struct span rest =
	    span_from(base, scheme + user_size(authority_of(base)));

	return arena_printf(arena, "%.*s%.*s", (int)scheme, base.data,
	    (int)rest.size, rest.data);
}

bool
ctl_http_is_tls(struct span base)
{
	return span_is_nocase(
	    span_of(base.data, span_find(base, ':')), "https");
}

/* Is it four numbers, of which the first is 127? A name may begin with them. */
static bool
is_loopback_address(struct span host)
{
	uint64_t number;
	size_t count;

	if (!span_starts_with(host, "127."))
		return false;
	for (count = 0; host.data != NULL; count++)
		if (!span_number(span_split(&host, '.'), &number) ||
		    number > 255)
			return false;
	return count == 4;
}

bool
ctl_http_is_loopback(struct span base)
{
	struct span host = authority_of(base);
	size_t end;

	host = span_from(host, user_size(host));
	end = span_find(host, host.size > 0 && host.data[0] == '[' ? ']' : ':');
	if (span_starts_with(host, "[::1]"))
		return end + 1 == host.size || host.data[end + 1] == ':';
	host.size = end;
	return span_is_nocase(host, "localhost") || is_loopback_address(host);
}

/* ---- Link ---- */

/* Split off the value of a parameter, in quotes or up to ';' or ','. */
static struct span
split_value(struct span *rest)
{
	struct span value;
	size_t size = 0;

	if (span_starts_with(*rest, "\"")) {
		*rest = span_from(*rest, 1);
		value = span_of(rest->data, span_find(*rest, '"'));
		size = value.size < rest->size ? value.size + 1 : value.size;
		*rest = span_from(*rest, size);
		return value;
	}
	while (size < rest->size && rest->data[size] != ';' &&
	       rest->data[size] != ',')
		size++;
	value = span_trim(span_of(rest->data, size));
	*rest = span_from(*rest, size);
	return value;
}

static bool
has_word(struct span words, const char *word)
{
	while (words.size > 0)
		if (span_is_nocase(span_split(&words, ' '), word))
			return true;
	return false;
}

/* Split off the parameters of a link, up to the next link. Is one of them
 * rel=next? */
static bool
split_parameters(struct span *rest)
{
	bool is_next = false;
	struct span name, value;
	size_t size;

	*rest = span_trim(*rest);
	while (span_starts_with(*rest, ";")) {
		*rest = span_trim(span_from(*rest, 1));
		for (size = 0; size < rest->size; size++)
			if (memchr("=;,", rest->data[size], 3) != NULL)
				break;
		name = span_trim(span_of(rest->data, size));
		*rest = span_from(*rest, size);
		if (!span_starts_with(*rest, "="))
			continue;
		*rest = span_trim(span_from(*rest, 1));
		value = split_value(rest);
		if (span_is_nocase(name, "rel") && has_word(value, "next"))
			is_next = true;
		*rest = span_trim(*rest);
	}
	return is_next;
}

struct span
ctl_http_next_query(struct span link)
{
	struct span target;
	size_t begin, end;

	for (;;) {
		begin = span_find(link, '<');
		if (begin == link.size)
			return SPAN_NONE;
		link = span_from(link, begin + 1);
		end = span_find(link, '>');
		if (end == link.size)
			return SPAN_NONE;
		target = span_of(link.data, end);
		link = span_from(link, end + 1);
		if (!split_parameters(&link))
			continue;
		end = span_find(target, '?');
		if (end < target.size)
			return span_from(target, end + 1);
	}
}

/* ---- Retry-After ---- */

bool
ctl_http_retry_after(struct span header, int64_t now, uint64_t *ret_seconds)
{
	int64_t date;

	header = span_trim(header);
	if (header.size <= 9 && span_number(header, ret_seconds))
		return true;
	if (!date_parse(header, &date))
		return false;
	*ret_seconds = date > now ? (uint64_t)(date - now) : 0;
	return true;
}

/* ---- Content-Disposition ---- */

/* What follows the last '/' or, as Windows writes paths, '\'. */
static struct span
last_name(struct span path)
{
	size_t i;

	for (i = path.size; i > 0; i--)
		if (path.data[i - 1] == '/' || path.data[i - 1] == '\\')
			return span_from(path, i);
	return path;
}

struct span
ctl_http_harmless(struct arena *arena, struct span name)
{
	struct buffer buffer;
	size_t size;

	name = utf8_repair(arena, name);
	buffer_init(&buffer, arena);
	for (; name.size > 0; name = span_from(name, size)) {
		(void)utf8_next(name, &size); /* repaired */
		if (buffer.size + size > LIMIT_FILENAME)
			break;
		if (utf8_steers(span_of(name.data, size)) ||
		    (buffer.size == 0 && memchr(".-", name.data[0], 2) != NULL))
			buffer_append_byte(&buffer, '_');
		else
			buffer_append(&buffer, span_of(name.data, size));
	}
	return buffer_span(&buffer);
}

struct span
ctl_http_filename(struct arena *arena, struct span disposition)
{
	struct multipart_part part;
	struct buffer block;
	struct span name;

	if (disposition.size == 0)
		return SPAN_NONE;
	buffer_init(&block, arena);
	buffer_append(&block, SPAN("Content-Disposition: "));
	buffer_append(&block, disposition);
	buffer_append(&block, SPAN("\r\n"));
	if (multipart_headers_parse(arena, buffer_span(&block), &part) !=
	    RESULT_OK)
		return SPAN_NONE;
	name = last_name(part.filename);
	return name.size == 0 ? SPAN_NONE : ctl_http_harmless(arena, name);
}
