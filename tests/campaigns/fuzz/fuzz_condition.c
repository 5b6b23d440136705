/* SPDX-License-Identifier: ISC */
/*
 * fuzz_condition.c - entity tags, dates and ranges. The input is a number in
 * eight bytes and a header. The target makes a header from the number and
 * knows what it means. A simple second reader, or the C library where it can,
 * says what the header of the input means.
 */
#include "protocol/date.h"
#include "protocol/header.h"
#include "fuzz.h"
#include "api/response.h"

#include <time.h>

#define LAST_MOMENT UINT64_C(253402300799999999) /* of the year 9999 */

static const struct span hex = { "00112233445566778899aabbccddeeff", 32 };
static const uint8_t tag[ETAG_SIZE] = { 0x00, 0x11, 0x22, 0x33, 0x44, 0x55,
	0x66, 0x77, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff };

/* ---- entity tags ---- */

/* Is our tag on the list? */
static bool
has_tag(const struct tags *tags)
{
	size_t i;

	for (i = 0; i < tags->etag_count; i++)
		if (memcmp(tags->etags[i], tag, sizeof(tag)) == 0)
			return true;
	return false;
}

/*
 * A list is made of the header's pieces between commas, each as a tag; every
 * second of them weak. Quotes cannot stand in a tag.
 */
static struct span
made_list(struct arena *arena, struct span header, size_t *ret_count,
    bool *ret_is_there, bool *ret_is_strong)
{
	struct buffer list;
	struct span piece;
	bool is_weak;
	size_t i;

	buffer_init(&list, arena);
	*ret_count = 0;
	*ret_is_there = *ret_is_strong = false;
	while (header.data != NULL) {
		piece = span_split(&header, ',');
		is_weak = *ret_count % 2 == 1;
		if ((*ret_count)++ > 0)
			buffer_append(&list, SPAN(" ,\t"));
		if (is_weak)
			buffer_append(&list, SPAN("W/"));
		buffer_append_byte(&list, '"');
		for (i = 0; i < piece.size; i++)
			buffer_append_byte(
			    &list, piece.data[i] == '"' ? '\'' : piece.data[i]);
		buffer_append_byte(&list, '"');
		if (!span_equal(piece, hex))
			continue;
		*ret_is_there = true;
		*ret_is_strong |= !is_weak;
	}
	return buffer_span(&list);
}

/* The header as If-Match and as If-None-Match of a change. */
static bool
take(struct arena *arena, struct span if_match, struct span if_none_match,
    struct change *ret_change)
{
	const struct request request = {
		.if_match = if_match,
		.if_none_match = if_none_match,
	};
	struct response response;

	*ret_change = (struct change){ .kind = CHANGE_CONTENT };
	response_init(&response, arena);
	if (response_read_conditions(&response, &request, ret_change))
		return true;
	DEMAND(response.status == 400);
	return false;
}

static void
demand_made(struct arena *arena, struct span header)
{
	bool is_there, is_strong, is_taken;
	struct change change;
	struct span list;
	size_t count;

	list = made_list(arena, header, &count, &is_there, &is_strong);
	is_taken = count <= LIMIT_IF_MATCH;
	DEMAND(header_has_tag(list, hex) == is_there);
	DEMAND(header_has_strong_tag(list, hex) == is_strong);
	DEMAND(take(arena, list, SPAN_NONE, &change) == is_taken);
	DEMAND(!is_taken || has_tag(&change.if_match) == is_strong);
	DEMAND(change.if_match.is_there && !change.if_match.is_any);
	DEMAND(!change.if_none_match.is_there);
	DEMAND(take(arena, SPAN_NONE, list, &change) == is_taken);
	DEMAND(!is_taken || has_tag(&change.if_none_match) == is_there);
}

/* As it came: what matches stands there, or is the one for all. */
static void
demand_tags(struct arena *arena, struct span header)
{
	bool is_any = span_is(span_trim(header), "*");
	struct change change;

	demand_made(arena, header);
	if (header_has_tag(header, hex))
		DEMAND(is_any || memmem(header.data, header.size, hex.data,
				     hex.size) != NULL);
	if (header_has_strong_tag(header, hex))
		DEMAND(header_has_tag(header, hex));
	if (take(arena, header, SPAN_NONE, &change))
		DEMAND((has_tag(&change.if_match) || is_any) ==
		       header_has_strong_tag(header, hex));
	DEMAND(change.if_match.etag_count + change.if_match.hash_count <=
	       LIMIT_IF_MATCH);
	DEMAND(change.if_match.is_any == is_any);
	/* What it lets pass is no state that the client named. */
	if (take(arena, SPAN_NONE, header, &change))
		DEMAND((has_tag(&change.if_none_match) || is_any) ==
		       header_has_tag(header, hex));
}

/* ---- dates ---- */

/* What the C library makes of it; it takes more than we do. */
static bool
library_date(struct span text, int64_t *ret_seconds)
{
	static const char *const forms[] = { "%a, %d %b %Y %H:%M:%S GMT",
		"%a %b %e %H:%M:%S %Y" };
	struct tm tm;
	char copy[64];
	const char *end;
	size_t i;

	text = span_trim(text);
	if (text.size >= sizeof(copy))
		return false;
	memcpy(copy, text.data, text.size);
	copy[text.size] = '\0';
	for (i = 0; i < sizeof(forms) / sizeof(*forms); i++) {
		memset(&tm, 0, sizeof(tm));
		end = strptime(copy, forms[i], &tm);
		if (end == NULL || *end != '\0')
			continue;
		if (tm.tm_sec == 60) /* time_t has no leap seconds */
			tm.tm_sec = 59;
		*ret_seconds = timegm(&tm);
		return true;
	}
	return false;
}

/* RFC 850 has two digits for the year, and the day's whole name. */
static bool
is_rfc850(struct span text)
{
	return span_find(text, '-') < text.size;
}

static void
demand_dates(struct arena *arena, uint64_t moment, struct span header)
{
	int64_t seconds = 0, other = 1;

	moment %= LAST_MOMENT + 1;
	DEMAND(date_parse(date_format(arena, moment), &seconds));
	DEMAND(seconds == (int64_t)(moment / 1000000));

	if (!date_parse(header, &seconds))
		return;
	if (!is_rfc850(header))
		DEMAND(library_date(header, &other) && other == seconds);
	if (seconds < 0)
		return;
	DEMAND(date_parse(
	    date_format(arena, (uint64_t)seconds * 1000000), &other));
	DEMAND(other == seconds);
}

/* ---- ranges ---- */

struct part {
	enum range range;
	uint64_t offset;
	uint64_t length;
};

static struct part
part_of(struct span header, uint64_t size)
{
	struct part part = { .range = RANGE_WHOLE };

	part.range = header_range(header, size, &part.offset, &part.length);
	return part;
}

static bool
is_part(struct part part, enum range range, uint64_t offset, uint64_t length)
{
	return part.range == range &&
	       (range != RANGE_PART ||
		   (part.offset == offset && part.length == length));
}

/* From first to last, as numbers, of size bytes (RFC 9110, 14.1.2). */
static void
demand_numbers(
    struct arena *arena, uint64_t first, uint64_t last, uint64_t size)
{
	unsigned long long from = first, to = last;
	struct part part;

	part = part_of(arena_printf(arena, "bytes=%llu-%llu", from, to), size);
	/* Over 64 bits nobody knows which is the larger one. */
	if (first > last || first == UINT64_MAX)
		DEMAND(is_part(part, RANGE_WHOLE, 0, 0));
	else if (first >= size)
		DEMAND(is_part(part, RANGE_UNSATISFIABLE, 0, 0));
	else
		DEMAND(is_part(part, RANGE_PART, first,
		    (last < size ? last + 1 : size) - first));

	part = part_of(arena_printf(arena, " Bytes=%llu- ", from), size);
	if (first >= size)
		DEMAND(is_part(part, RANGE_UNSATISFIABLE, 0, 0));
	else
		DEMAND(is_part(part, RANGE_PART, first, size - first));

	part = part_of(arena_printf(arena, "bytes=-%llu", to), size);
	if (last == 0 || size == 0)
		DEMAND(is_part(part, RANGE_UNSATISFIABLE, 0, 0));
	else
		DEMAND(is_part(part, RANGE_PART, last < size ? size - last : 0,
		    last < size ? last : size));
}

static void
demand_ranges(struct arena *arena, uint64_t number, struct span header)
{
	static const struct span digits = { "0123456789-", 11 };
	uint64_t size = number >> 16;
	struct part part;
	size_t i;

	demand_numbers(arena, number & 0xff, number >> 8 & 0xff, size & 0xff);
	demand_numbers(arena, number, number * 3, size);
	demand_numbers(arena, number % (size + 1), UINT64_MAX, size);

	part = part_of(header, size);
	if (part.range == RANGE_WHOLE)
		return;
	if (part.range == RANGE_PART)
		DEMAND(part.length > 0 && part.offset < size &&
		       part.length <= size - part.offset);
	/* It was a single range. */
	header = span_trim(header);
	DEMAND(header.size > 6 && header.data[5] == '=');
	for (i = 6; i < header.size; i++)
		DEMAND(span_find(digits, header.data[i]) < digits.size);
}

/* ---- the target ---- */

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_open();
	uint64_t number = 0;
	struct span header;

	if (size >= sizeof(number)) {
		memcpy(&number, data, sizeof(number));
		header = arena_copy(arena,
		    span_of(data + sizeof(number), size - sizeof(number)));
		demand_tags(arena, header);
		demand_dates(arena, number, header);
		demand_ranges(arena, number, header);
	}
	arena_close(arena);
	return 0;
}
