/* SPDX-License-Identifier: ISC */
/*
 * raw.c - GET of the exact bytes of an artifact, whole or a part of them,
 * with all that HTTP (RFC 9110) and a browser have to be told about them. (PUT
 * of them is in upload.c.)
 */

#include "handle.h"

#include "protocol/date.h"
#include "protocol/header.h"

/* What a browser may show by itself; no script runs in any of these. */
static const char *const safe_types[] = { "text/plain", "image/png",
	"image/jpeg", "image/gif", "image/webp" };

static bool
is_safe(struct span type)
{
	size_t i;

	for (i = 0; i < COUNT_OF(safe_types); i++)
		if (header_media_is(type, safe_types[i]))
			return true;
	return false;
}

/* ---- parts (RFC 9110, 13.1.5) ---- */

/*
 * Is what the client has a part of this content? A weak tag never says so, and
 * a date only if this is the artifact's first content and its second is over:
 * other content may come in the same second (RFC 9110, 8.8.2.2).
 */
static bool
is_same_range(const struct request *request, const struct artifact *artifact,
    uint64_t now)
{
	const struct content *content = &artifact->content;
	struct span text = span_trim(request->if_range);
	char hex[DIGEST_SHA256_HEX + 1];
	int64_t since;

	if (request->if_range.data == NULL)
		return true;
	digest_hex(content->hash, sizeof(content->hash), hex);
	if (span_starts_with(text, "\""))
		return text.size == DIGEST_SHA256_HEX + 2 &&
		       text.data[DIGEST_SHA256_HEX + 1] == '"' &&
		       memcmp(text.data + 1, hex, DIGEST_SHA256_HEX) == 0;
	return artifact->created == content->stored &&
	       content_has_date(content, now) && date_parse(text, &since) &&
	       since == (int64_t)(content->stored / MOMENT_SECOND);
}

/* ---- answer ---- */

/* The date only when no other content can come that has the same one. */
static void
put_validators(
    struct response *response, const struct content *content, uint64_t now)
{
	response_etag(response, content->hash, sizeof(content->hash));
	if (content_has_date(content, now))
		response_header(response, "Last-Modified",
		    date_format(response->arena, content->stored));
}

static void
put_description(struct response *response, const struct content *content)
{
	bool is_legal = header_is_media_type(content->type);
	struct span hash;

	hash = digest_base64(
	    response->arena, span_of(content->hash, sizeof(content->hash)));
	response_header(response, "Content-Type",
	    is_legal ? content->type : SPAN("application/octet-stream"));
	response_header(response, "Content-Disposition",
	    header_disposition(response->arena,
		is_legal && is_safe(content->type), content->filename));
	response_header(response, "Repr-Digest",
	    arena_printf(
		response->arena, "sha-256=:%.*s:", (int)hash.size, hash.data));
	response_header(response, "Accept-Ranges", SPAN("bytes"));
	response_header(response, "X-Content-Type-Options", SPAN("nosniff"));
	response_header(response, "Content-Security-Policy",
	    SPAN("sandbox; default-src 'none'"));
}

static void
refuse_range(struct response *response, const struct content *content)
{
	unsigned long long size = content->size;

	response_error(response, 416,
	    "The range lies outside of the content's %llu bytes", size);
	response_header(response, "Content-Range",
	    arena_printf(response->arena, "bytes */%llu", size));
}

/* 200, or 206 when length is less than all because a range was asked for. */
static enum result
put_range(
    struct reading *reading, bool is_part, uint64_t offset, uint64_t length)
{
	const struct content *content = &reading->artifact->content;
	struct response *response = reading->response;
	enum result result;

	result = handle_read_probe(reading, offset);
	if (result != RESULT_OK)
		return result;
	put_validators(response, content, reading->context->now);
	put_description(response, content);
	if (is_part)
		response_header(response, "Content-Range",
		    arena_printf(response->arena, "bytes %llu-%llu/%llu",
			(unsigned long long)offset,
			(unsigned long long)(offset + length - 1),
			(unsigned long long)content->size));
	response->status = is_part ? 206 : 200;
	response->kind = RESPONSE_CONTENT;
	response->content = *content;
	response->offset = offset;
	response->size = length;
	return RESULT_OK;
}

static enum result
answer_raw(struct reading *reading)
{
	const struct content *content = &reading->artifact->content;
	const struct request *request = reading->request;
	struct response *response = reading->response;
	uint64_t now = reading->context->now;
	uint64_t offset = 0, length = content->size;
	enum range range = RANGE_WHOLE;
	struct validators validators = { .content = content, .now = now };
	char hex[DIGEST_SHA256_HEX + 1];

	digest_hex(content->hash, sizeof(content->hash), hex);
	validators.etag = span_str(hex);
	if (response_is_decided(response, request, &validators)) {
		if (response->status == 304)
			put_validators(response, content, now);
		return RESULT_OK;
	}
	/* A range means something in a GET only (RFC 9110, 14.2). */
	if (span_is(request->method, "GET") && request->range.data != NULL &&
	    is_same_range(request, reading->artifact, now))
		range = header_range(
		    request->range, content->size, &offset, &length);
	if (range == RANGE_UNSATISFIABLE) {
		refuse_range(response, content);
		return RESULT_OK;
	}
	return put_range(reading, range == RANGE_PART, offset, length);
}

void
handle_raw_get(const struct context *context, struct request *request,
    struct response *response)
{
	handle_read(context, request, response, answer_raw);
}
