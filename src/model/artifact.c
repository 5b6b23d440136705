/* SPDX-License-Identifier: ISC */
/*
 * artifact.c - ids, moments, the stored form of an artifact, and the members
 * that clients see of one (doc/contract.md 1).
 *
 *	version u8
 *	id 16 bytes
 *	workflow, phase, session, type, title, creator   a span each
 *	is_primary u8, 0 or 1
 *	metadata   a span
 *	derived_from   one span, 36 characters for each id
 *	content: blob u64, size u64, hash 32 bytes, stored u64,
 *	    type, filename   a span each
 *
 * A span is a u32 length and its bytes; base/pack.c keeps an absent one apart
 * from an empty one.
 */

#include "artifact.h"

#include "base/pack.h"
#include "protocol/query.h"

#include <assert.h>
#include <time.h>

#define FORM_VERSION 1
#define FORM_SIZE 256 /* what most artifacts fit in, to grow only once */

#define MICROSECONDS 1000000u
#define DAY_SECONDS 86400u

/* ---- ids ---- */

struct id
id_random(void)
{
	struct id id;

	digest_random(id.bytes, sizeof(id.bytes));
	id.bytes[6] = (uint8_t)((id.bytes[6] & 0x0f) | 0x40); /* version 4 */
	id.bytes[8] = (uint8_t)((id.bytes[8] & 0x3f) | 0x80); /* RFC 4122 */
	return id;
}

void
id_format(const struct id *id, char ret_text[ID_TEXT + 1])
{
	static const char digits[] = "0123456789abcdef";
	char *text = ret_text;
	size_t i;

	for (i = 0; i < sizeof(id->bytes); i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			*text++ = '-';
		*text++ = digits[id->bytes[i] >> 4];
		*text++ = digits[id->bytes[i] & 0xf];
	}
	ret_text[ID_TEXT] = '\0';
}

bool
id_parse_prefix(struct span text, struct id *ret_id)
{
	struct id id = { { 0 } };
	size_t nibble = 0;
	size_t i;
	int digit;

	if (text.size > ID_TEXT)
		return false;
	for (i = 0; i < text.size; i++) {
		char byte = text.data[i];

		/* 8-4-4-4-12 */
		if (i == 8 || i == 13 || i == 18 || i == 23) {
			if (byte != '-')
				return false;
			continue;
		}
		digit = ascii_hex(byte);
		if (digit < 0 || ascii_lower(byte) != byte)
			return false;
		id.bytes[nibble / 2] |=
		    (uint8_t)(nibble % 2 == 0 ? digit << 4 : digit);
		nibble++;
	}
	*ret_id = id;
	return true;
}

bool
id_parse(struct span text, struct id *ret_id)
{
	return text.size == ID_TEXT && id_parse_prefix(text, ret_id);
}

/* ---- moments ---- */

/*
 * Days since 1970 as a date, by counting from March, so that the leap day is
 * the last of its year. Not gmtime_r: its first call reads the time zone's
 * file, which a sandboxed worker may not open.
 */
static void
date_of(
    unsigned days, unsigned *ret_year, unsigned *ret_month, unsigned *ret_day)
{
	unsigned since = days + 719468; /* since 0000-03-01 */
	unsigned era = since / 146097;	/* of 400 years */
	unsigned day = since % 146097;
	unsigned year = (day - day / 1460 + day / 36524 - day / 146096) / 365;
	unsigned month;

	day -= 365 * year + year / 4 - year / 100;
	month = (5 * day + 2) / 153; /* 0 is March */
	*ret_day = day - (153 * month + 2) / 5 + 1;
	*ret_month = month < 10 ? month + 3 : month - 9;
	*ret_year = year + era * 400 + (*ret_month <= 2 ? 1 : 0);
}

/* The last digits of a number, with zeroes in front. */
static void
put_digits(char *text, unsigned number, size_t count)
{
	while (count-- > 0) {
		text[count] = (char)('0' + number % 10);
		number /= 10;
	}
}

void
moment_format(uint64_t moment, char ret_text[MOMENT_TEXT + 1])
{
	static const char form[MOMENT_TEXT + 1] = "0000-00-00T00:00:00.000000Z";
	unsigned year, month, day, seconds;

	if (moment > MOMENT_LAST)
		moment = MOMENT_LAST;
	memcpy(ret_text, form, sizeof(form));
	seconds = (unsigned)(moment / MICROSECONDS % DAY_SECONDS);
	date_of((unsigned)(moment / MICROSECONDS / DAY_SECONDS), &year, &month,
	    &day);
	put_digits(ret_text, year, 4);
	put_digits(ret_text + 5, month, 2);
	put_digits(ret_text + 8, day, 2);
	put_digits(ret_text + 11, seconds / 3600, 2);
	put_digits(ret_text + 14, seconds / 60 % 60, 2);
	put_digits(ret_text + 17, seconds % 60, 2);
	put_digits(ret_text + 20, (unsigned)(moment % MICROSECONDS), 6);
}

uint64_t
moment_now(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_REALTIME, &now); /* this clock is there */
	return (uint64_t)now.tv_sec * MICROSECONDS +
	       (uint64_t)now.tv_nsec / 1000;
}

/* ---- the date of content ---- */

uint64_t
content_moment(const struct content *old, uint64_t now)
{
	uint64_t second = old->stored / MOMENT_SECOND;

	if (now / MOMENT_SECOND < second)
		return (second + 1) * MOMENT_SECOND;
	return now > old->stored ? now : old->stored + 1;
}

bool
content_has_date(const struct content *content, uint64_t now)
{
	return content->stored / MOMENT_SECOND < now / MOMENT_SECOND;
}

bool
content_is_unmodified_since(
    const struct content *content, int64_t second, uint64_t now)
{
	int64_t own = (int64_t)(content->stored / MOMENT_SECOND);

	return own < second ||
	       (own == second && content_has_date(content, now));
}

/* ---- what artifacts are listed by ---- */

#define MEMBER(name) offsetof(struct artifact, name)

const struct filter_row filter_rows[FILTERS] = {
	{ "workflow_id", MEMBER(workflow), LIMIT_WORKFLOW, false },
	{ "phase_id", MEMBER(phase), LIMIT_PHASE, false },
	{ "artifact_type", MEMBER(type), LIMIT_TYPE, true },
	{ "session_id", MEMBER(session), LIMIT_SESSION, false },
};

struct span
artifact_value(const struct artifact *artifact, size_t row)
{
	assert(row < FILTERS);
	return *(const struct span *)((const char *)artifact +
				      filter_rows[row].member);
}

void
filter_set(
    struct arena *arena, struct filter *filter, size_t row, struct span value)
{
	if (filter_rows[row].is_lower)
		value = span_lower(arena, value);
	filter->values[row] = value.size == 0 ? SPAN_NONE : value;
}

bool
filter_is_narrow(const struct filter *filter)
{
	size_t i;

	for (i = 0; i < FILTERS; i++)
		if (filter->values[i].size > 0)
			return true;
	return false;
}

void
filter_append(struct buffer *query, const struct filter *filter)
{
	size_t i;

	for (i = 0; i < FILTERS; i++) {
		if (filter->values[i].size == 0)
			continue;
		buffer_append(query, span_str(filter_rows[i].name));
		buffer_append_byte(query, '=');
		query_encode(query, filter->values[i]);
		buffer_append_byte(query, '&');
	}
}

/* ---- the stored form ---- */

/* Without a length each, so that the largest artifact and a chunk fit one
 * message. */
static void
encode_derived(const struct artifact *artifact, struct buffer *buffer)
{
	size_t i;

	pack_u32(buffer, (uint32_t)(artifact->derived_count * ID_TEXT));
	for (i = 0; i < artifact->derived_count; i++) {
		assert(artifact->derived_from[i].size == ID_TEXT);
		buffer_append(buffer, artifact->derived_from[i]);
	}
}

static void
encode_content(const struct content *content, struct buffer *buffer)
{
	pack_u64(buffer, content->blob);
	pack_u64(buffer, content->size);
	pack_bytes(buffer, content->hash, sizeof(content->hash));
	pack_u64(buffer, content->stored);
	pack_span(buffer, content->type);
	pack_span(buffer, content->filename);
}

void
artifact_encode(const struct artifact *artifact, struct buffer *buffer)
{
	buffer_reserve(buffer, FORM_SIZE + artifact->metadata.size);
	pack_u8(buffer, FORM_VERSION);
	pack_bytes(buffer, artifact->id.bytes, sizeof(artifact->id.bytes));
	pack_span(buffer, artifact->workflow);
	pack_span(buffer, artifact->phase);
	pack_span(buffer, artifact->session);
	pack_span(buffer, artifact->type);
	pack_span(buffer, artifact->title);
	pack_span(buffer, artifact->creator);
	pack_u8(buffer, artifact->is_primary ? 1 : 0);
	pack_span(buffer, artifact->metadata);
	encode_derived(artifact, buffer);
	encode_content(&artifact->content, buffer);
}

static void
decode_derived(
    struct unpack *unpack, struct arena *arena, struct artifact *artifact)
{
	struct span ids = unpack_span(unpack, LIMIT_DERIVED_FROM * ID_TEXT);
	size_t count = ids.size / ID_TEXT;
	size_t i;

	if (ids.data == NULL || ids.size % ID_TEXT != 0) {
		unpack->failed = true;
		return;
	}
	if (count == 0)
		return;
	artifact->derived_from =
	    arena_alloc(arena, count * sizeof(*artifact->derived_from));
	artifact->derived_count = count;
	for (i = 0; i < count; i++)
		artifact->derived_from[i] =
		    span_of(ids.data + i * ID_TEXT, ID_TEXT);
}

static void
decode_content(struct unpack *unpack, struct content *content)
{
	content->blob = unpack_u64(unpack);
	content->size = unpack_u64(unpack);
	unpack_bytes(unpack, content->hash, sizeof(content->hash));
	content->stored = unpack_u64(unpack);
	content->type = unpack_span(unpack, LIMIT_CONTENT_TYPE);
	content->filename = unpack_span(unpack, LIMIT_FILENAME);
}

enum result
artifact_decode(
    struct span bytes, struct arena *arena, struct artifact **ret_artifact)
{
	struct artifact *artifact = arena_alloc(arena, sizeof(*artifact));
	struct unpack unpack = { .rest = bytes };

	if (unpack_u8(&unpack) != FORM_VERSION)
		return RESULT_DAMAGED;
	unpack_bytes(&unpack, artifact->id.bytes, sizeof(artifact->id.bytes));
	artifact->workflow = unpack_span(&unpack, LIMIT_WORKFLOW);
	artifact->phase = unpack_span(&unpack, LIMIT_PHASE);
	artifact->session = unpack_span(&unpack, LIMIT_SESSION);
	artifact->type = unpack_span(&unpack, LIMIT_TYPE);
	artifact->title = unpack_span(&unpack, LIMIT_TITLE);
	artifact->creator = unpack_span(&unpack, LIMIT_USER);
	artifact->is_primary = unpack_bool(&unpack);
	artifact->metadata = unpack_span(&unpack, LIMIT_METADATA);
	decode_derived(&unpack, arena, artifact);
	decode_content(&unpack, &artifact->content);
	if (!unpack_is_done(&unpack))
		return RESULT_DAMAGED;
	*ret_artifact = artifact;
	return RESULT_OK;
}

void
artifact_etag(const struct artifact *artifact, struct arena *arena,
    uint8_t ret_etag[ETAG_SIZE])
{
	struct buffer buffer;

	buffer_init(&buffer, arena);
	artifact_encode(artifact, &buffer);
	digest_fingerprint(buffer_span(&buffer), ret_etag, ETAG_SIZE);
}

/* The stored form, less what may differ. */
static struct span
essence(const struct artifact *artifact, struct arena *arena)
{
	struct artifact copy = *artifact;
	struct buffer buffer;

	copy.content.blob = 0;
	copy.content.stored = 0;
	if (span_is(copy.metadata, "{}"))
		copy.metadata = SPAN_NONE;
	buffer_init(&buffer, arena);
	artifact_encode(&copy, &buffer);
	return buffer_span(&buffer);
}

bool
artifact_is_same(const struct artifact *one, const struct artifact *other,
    struct arena *arena)
{
	return span_equal(essence(one, arena), essence(other, arena));
}

/* ---- as JSON ---- */

static void
put_id(struct json_value *object, const char *name, const struct id *id)
{
	char text[ID_TEXT + 1];

	id_format(id, text);
	json_put_text(object, name, span_of(text, ID_TEXT));
}

static void
put_moment(struct json_value *object, const char *name, uint64_t moment)
{
	char text[MOMENT_TEXT + 1];

	moment_format(moment, text);
	json_put_text(object, name, span_of(text, MOMENT_TEXT));
}

struct json_value *
artifact_summary(const struct artifact *artifact, struct arena *arena)
{
	struct json_value *object = json_object(arena);

	put_id(object, "id", &artifact->id);
	json_put_text(object, "workflow_id", artifact->workflow);
	json_put_text(object, "phase_id", artifact->phase);
	json_put_text(object, "artifact_type", artifact->type);
	json_put_text(object, "title", artifact->title);
	json_put_number(object, "size_bytes", artifact->content.size);
	put_moment(object, "created_at", artifact->created);
	return object;
}

struct json_value *
artifact_detail(const struct artifact *artifact, struct arena *arena)
{
	struct span metadata = artifact->metadata;
	struct json_value *object = json_object(arena);
	struct json_value *derived = json_array(arena);
	char hash[DIGEST_SHA256_HEX + 1];
	size_t i;

	if (metadata.data == NULL)
		metadata = SPAN("{}");
	put_id(object, "id", &artifact->id);
	json_put_text(object, "workflow_id", artifact->workflow);
	json_put_text(object, "phase_id", artifact->phase);
	json_put_text(object, "session_id", artifact->session);
	json_put_text(object, "artifact_type", artifact->type);
	json_put_bool(object, "is_primary_deliverable", artifact->is_primary);
	json_put_text(object, "content_type", artifact->content.type);
	digest_hex(artifact->content.hash, DIGEST_SHA256_SIZE, hash);
	json_put_text(object, "content_hash", span_of(hash, DIGEST_SHA256_HEX));
	json_put_number(object, "size_bytes", artifact->content.size);
	json_put_text(object, "title", artifact->title);
	for (i = 0; i < artifact->derived_count; i++)
		json_push_text(derived, artifact->derived_from[i]);
	json_put(object, "derived_from", derived);
	put_moment(object, "created_at", artifact->created);
	json_put_text(object, "created_by", artifact->creator);
	json_put_source(object, "metadata", metadata);
	return object;
}
