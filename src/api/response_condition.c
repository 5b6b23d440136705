/* SPDX-License-Identifier: ISC */
/*
 * response_condition.c - entity tags, dates, ranges and dispositions: what
 * HTTP (RFC 9110, 6266, 8187) says in headers about a part of an answer or
 * the conditions for it. Pure text and numbers; a header that is not well
 * formed never counts as a match.
 */

#include "response.h"

#include "protocol/query.h"

#include <time.h>

/* ---- entity tags ---- */

struct tag {
	struct span opaque; /* between the quotes */
	bool is_weak;
};

/*
 * Take the next entity tag off a list; false at its end. What is none, or
 * has more behind it, is skipped up to the next comma: a change goes ahead
 * on a tag that was meant, not on one that can be found somewhere. *is_list
 * becomes false then; elements may be empty (RFC 9110, 5.6.1).
 */
static bool
next_tag(struct span *rest, struct tag *ret_tag, bool *is_list)
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
		*ret_tag = (struct tag){ span_of(rest->data, end), is_weak };
		*rest = span_trim(span_from(*rest, end + 1));
		if (span_split(rest, ',').size == 0)
			return true;
		*is_list = false;
	}
	return false;
}

void
response_etag(struct response *response, const uint8_t *bytes, size_t size)
{
	char *text = arena_alloc(response->arena, 2 * size + 3);

	text[0] = '"';
	digest_hex(bytes, size, text + 1);
	text[2 * size + 1] = '"';
	response_header(response, "ETag", span_of(text, 2 * size + 2));
}

/* Is it there, among strong tags only or all? hex may be of no tag. */
static bool
has_tag(struct span header, struct span hex, bool is_strong)
{
	bool is_list = true;
	struct tag tag;

	if (span_is(span_trim(header), "*"))
		return true;
	while (next_tag(&header, &tag, &is_list))
		if (hex.data != NULL && !(is_strong && tag.is_weak) &&
		    span_equal(tag.opaque, hex))
			return true;
	return false;
}

bool
response_matches(struct span if_none_match, struct span hex)
{
	return has_tag(if_none_match, hex, false);
}

bool
response_matches_strongly(struct span if_match, struct span hex)
{
	return has_tag(if_match, hex, true);
}

/* Bytes from exactly size of them in lower-case hex. */
static bool
parse_hex(struct span text, uint8_t *ret_bytes, size_t size)
{
	size_t i;
	int digit;

	if (text.size != 2 * size)
		return false;
	for (i = 0; i < text.size; i++) {
		digit = ascii_hex(text.data[i]);
		if (digit < 0 || text.data[i] != ascii_lower(text.data[i]))
			return false;
		ret_bytes[i / 2] = (uint8_t)(ret_bytes[i / 2] << 4 | digit);
	}
	return true;
}

/* ---- dates ---- */

static const char *const days[] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri",
	"Sat", NULL };
static const char *const long_days[] = { "Sunday", "Monday", "Tuesday",
	"Wednesday", "Thursday", "Friday", "Saturday", NULL };
static const char *const months[] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
	"Jul", "Aug", "Sep", "Oct", "Nov", "Dec", NULL };

struct span
response_date(struct arena *arena, uint64_t moment)
{
	time_t seconds = (time_t)(moment / 1000000);
	struct tm tm = { .tm_mday = 1 };

	(void)gmtime_r(&seconds, &tm); /* no 64-bit moment is beyond it */
	return arena_printf(arena, "%s, %02d %s %04d %02d:%02d:%02d GMT",
	    days[tm.tm_wday], tm.tm_mday, months[tm.tm_mon], tm.tm_year + 1900,
	    tm.tm_hour, tm.tm_min, tm.tm_sec);
}

/* Take a number of exactly so many digits. */
static bool
take_number(struct span *text, size_t digits, int *ret_number)
{
	int number = 0;
	size_t i;

	if (text->size < digits)
		return false;
	for (i = 0; i < digits; i++) {
		if (!ascii_is_digit(text->data[i]))
			return false;
		number = number * 10 + (text->data[i] - '0');
	}
	*text = span_from(*text, digits);
	*ret_number = number;
	return true;
}

/* Take one of the names; its place in the list. */
static bool
take_name(struct span *text, const char *const *names, int *ret_index)
{
	int i;

	for (i = 0; names[i] != NULL; i++) {
		if (!span_starts_with(*text, names[i]))
			continue;
		*text = span_from(*text, strlen(names[i]));
		*ret_index = i;
		return true;
	}
	return false;
}

/* RFC 9110, 5.6.7: never more than 50 years ahead. */
static int
full_year(int two_digits)
{
	time_t now = time(NULL);
	struct tm tm = { .tm_year = 70 };
	int year;

	(void)gmtime_r(&now, &tm);
	year = (tm.tm_year + 1900) / 100 * 100 + two_digits;
	return year > tm.tm_year + 1900 + 50 ? year - 100 : year;
}

/* Take one field of a form, or the character itself. */
static bool
take_field(struct span *text, char field, struct tm *tm)
{
	int year;

	switch (field) {
	case 'w':
		return take_name(text, days, &tm->tm_wday);
	case 'W':
		return take_name(text, long_days, &tm->tm_wday);
	case 'b':
		return take_name(text, months, &tm->tm_mon);
	case 'd':
		return take_number(text, 2, &tm->tm_mday);
	case 'e': /* a digit less has a space instead */
		if (!span_starts_with(*text, " "))
			return take_number(text, 2, &tm->tm_mday);
		*text = span_from(*text, 1);
		return take_number(text, 1, &tm->tm_mday);
	case 'Y':
		if (!take_number(text, 4, &year))
			return false;
		tm->tm_year = year - 1900;
		return true;
	case 'y':
		if (!take_number(text, 2, &year))
			return false;
		tm->tm_year = full_year(year) - 1900;
		return true;
	case 'h':
		return take_number(text, 2, &tm->tm_hour);
	case 'n':
		return take_number(text, 2, &tm->tm_min);
	case 's':
		return take_number(text, 2, &tm->tm_sec);
	default:
		if (text->size == 0 || text->data[0] != field)
			return false;
		*text = span_from(*text, 1);
		return true;
	}
}

static bool
take_form(struct span text, const char *form, struct tm *tm)
{
	for (; *form != '\0'; form++)
		if (!take_field(&text, *form, tm))
			return false;
	return text.size == 0;
}

/* The calendar has this day, and the day this time. */
static bool
is_real(const struct tm *tm)
{
	struct tm copy = *tm;

	if (tm->tm_hour > 23 || tm->tm_min > 59 || tm->tm_sec > 59)
		return false;
	(void)timegm(&copy); /* moves 30 Feb to March */
	return copy.tm_mday == tm->tm_mday && copy.tm_mon == tm->tm_mon;
}

bool
response_parse_date(struct span text, int64_t *ret_seconds)
{
	static const char *const forms[] = {
		"w, d b Y h:n:s GMT", /* IMF-fixdate */
		"W, d-b-y h:n:s GMT", /* RFC 850 */
		"w b e h:n:s Y",      /* asctime */
	};
	struct tm tm;
	size_t i;

	text = span_trim(text);
	for (i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		tm = (struct tm){ .tm_mday = 1 };
		if (!take_form(text, forms[i], &tm))
			continue;
		if (tm.tm_sec == 60)
			tm.tm_sec = 59; /* a leap second; time_t has none */
		if (!is_real(&tm))
			return false;
		*ret_seconds = (int64_t)timegm(&tm);
		return true;
	}
	return false;
}

/* ---- conditions of a read ---- */

/* Is the state the one that the client wants to go on with? */
static bool
is_wanted(const struct request *request, const struct validators *validators)
{
	const struct content *content = validators->content;
	int64_t since;

	if (request->if_match.data != NULL)
		return response_matches_strongly(
		    request->if_match, validators->etag);
	return content == NULL ||
	       !response_parse_date(request->if_unmodified_since, &since) ||
	       content_is_unmodified_since(content, since, validators->now);
}

/*
 * Has the client this state already? A date says so only if it is the one
 * that is sent now: an older one is of older content, and a younger one is
 * not ours, or was before the clock went back.
 */
static bool
is_known(const struct request *request, const struct validators *validators)
{
	const struct content *content = validators->content;
	int64_t since;

	if (request->if_none_match.data != NULL)
		return response_matches(
		    request->if_none_match, validators->etag);
	return content != NULL && content_has_date(content, validators->now) &&
	       response_parse_date(request->if_modified_since, &since) &&
	       since == (int64_t)(content->stored / MOMENT_SECOND);
}

bool
response_is_decided(struct response *response, const struct request *request,
    const struct validators *validators)
{
	response->is_judged = true;
	if (!is_wanted(request, validators)) {
		response_result(response, RESULT_PRECONDITION, SPAN_NONE);
		return true;
	}
	if (!is_known(request, validators))
		return false;
	response->status = 304;
	return true;
}

/* ---- conditions of a change ---- */

/*
 * Keep of a header the tags that could be ours: of 16 bytes the detail's, and
 * of 32, where they count, the content's. false: response says 400.
 */
static bool
take_tags(struct response *response, const char *name, struct span header,
    bool is_strong, bool has_hashes, struct tags *tags)
{
	struct arena *arena = response->arena;
	size_t count = 0;
	bool is_list = true;
	struct tag tag;

	tags->is_there = true;
	tags->is_any = span_is(span_trim(header), "*");
	if (tags->is_any)
		return true;
	tags->etags = arena_alloc(arena, LIMIT_IF_MATCH * ETAG_SIZE);
	tags->hashes = arena_alloc(arena, LIMIT_IF_MATCH * DIGEST_SHA256_SIZE);
	while (next_tag(&header, &tag, &is_list)) {
		if (++count > LIMIT_IF_MATCH) {
			response_error(response, 400,
			    "%s has more than %d entity tags", name,
			    LIMIT_IF_MATCH);
			return false;
		}
		if (is_strong && tag.is_weak)
			continue;
		if (parse_hex(
			tag.opaque, tags->etags[tags->etag_count], ETAG_SIZE))
			tags->etag_count++;
		else if (has_hashes &&
			 parse_hex(tag.opaque, tags->hashes[tags->hash_count],
			     DIGEST_SHA256_SIZE))
			tags->hash_count++;
	}
	/* A change goes ahead when no tag is ours, so each has to be one. */
	if (is_strong || is_list)
		return true;
	response_error(response, 400,
	    "%s is neither * nor a list of entity tags, each in double quotes. "
	    "Nothing was changed.",
	    name);
	return false;
}

bool
response_take_conditions(struct response *response,
    const struct request *request, struct change *change)
{
	bool is_content = change->kind == CHANGE_CONTENT;

	if (request->if_match.data != NULL &&
	    !take_tags(response, "If-Match", request->if_match, true,
		is_content, &change->if_match))
		return false;
	if (request->if_none_match.data != NULL &&
	    !take_tags(response, "If-None-Match", request->if_none_match, false,
		is_content, &change->if_none_match))
		return false;
	/* Beside If-Match it is to be ignored (RFC 9110, 13.1.4). */
	if (request->if_unmodified_since.data == NULL ||
	    change->if_match.is_there)
		return true;
	if (!is_content) {
		response_error(response, 400,
		    "If-Unmodified-Since cannot guard this: the record of an "
		    "artifact has no date that changes with it. Send If-Match "
		    "with the ETag of GET. Nothing was changed.");
		return false;
	}
	/* What is no date is to be ignored, likewise. */
	change->has_unmodified_since = response_parse_date(
	    request->if_unmodified_since, &change->unmodified_since);
	return true;
}

bool
response_refuse_conditions(
    struct response *response, const struct request *request)
{
	if (request->if_match.data == NULL &&
	    request->if_none_match.data == NULL)
		return true;
	response_error(response, 400,
	    "A create makes a new artifact, which has no state that %s could "
	    "name. To create it once however often the request is repeated, "
	    "send an Idempotency-Key. Nothing was stored.",
	    request->if_match.data != NULL ? "If-Match" : "If-None-Match");
	return false;
}

/* ---- ranges ---- */

/* Digits of any number; what is too large becomes the largest. */
static bool
parse_digits(struct span text, uint64_t *ret_number)
{
	uint64_t number = 0;
	uint64_t digit;
	size_t i;

	for (i = 0; i < text.size; i++) {
		if (!ascii_is_digit(text.data[i]))
			return false;
		digit = (uint64_t)(text.data[i] - '0');
		if (number > (UINT64_MAX - digit) / 10)
			number = UINT64_MAX;
		else
			number = number * 10 + digit;
	}
	*ret_number = number;
	return text.size > 0;
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
response_range(struct span header, uint64_t size, uint64_t *ret_offset,
    uint64_t *ret_length)
{
	struct span last = span_trim(header);
	struct span unit = span_split(&last, '=');
	struct span first = span_split(&last, '-');
	uint64_t from, to = UINT64_MAX;

	if (!span_is_nocase(unit, "bytes") || last.data == NULL)
		return RANGE_WHOLE;
	if (last.size > 0 && !parse_digits(last, &to))
		return RANGE_WHOLE;
	if (first.size == 0 && last.size > 0)
		return suffix_range(to, size, ret_offset, ret_length);
	if (!parse_digits(first, &from) || from > to)
		return RANGE_WHOLE;
	/* Of two numbers beyond 64 bits either may be the larger one, and to
	 * ignore a range is never wrong. */
	if (from == UINT64_MAX && last.size > 0)
		return RANGE_WHOLE;
	if (from >= size)
		return RANGE_UNSATISFIABLE;
	*ret_offset = from;
	*ret_length = (to < size ? to + 1 : size) - from;
	return RANGE_PART;
}

/* ---- dispositions ---- */

/* May stand in quotes as it is; some clients decode a '%' there. */
static bool
is_plain(unsigned char byte)
{
	return byte >= 0x20 && byte < 0x7f && byte != '"' && byte != '\\' &&
	       byte != '%';
}

/* Append the name with one '_' a character that cannot stand; true: some. */
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
response_disposition(struct arena *arena, bool is_inline, struct span filename)
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
