/* SPDX-License-Identifier: ISC */
/*
 * condition.c - the conditions of a request (RFC 9110, section 13): judged
 * here for reads, and put into changes for the writer to judge.
 */

#include "response.h"

#include "protocol/date.h"
#include "protocol/header.h"

void
response_etag(struct response *response, const uint8_t *bytes, size_t size)
{
	char *text = arena_alloc(response->arena, 2 * size + 3);

	text[0] = '"';
	digest_hex(bytes, size, text + 1);
	text[2 * size + 1] = '"';
	response_header(response, "ETag", span_of(text, 2 * size + 2));
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

/* ---- conditions of a read ---- */

/* Is the state the one that the client wants to go on with? */
static bool
is_expected(const struct request *request, const struct validators *validators)
{
	const struct content *content = validators->content;
	int64_t since;

	if (request->if_match.data != NULL)
		return header_has_strong_tag(
		    request->if_match, validators->etag);
	return content == NULL ||
	       !date_parse(request->if_unmodified_since, &since) ||
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
		return header_has_tag(request->if_none_match, validators->etag);
	return content != NULL && content_has_date(content, validators->now) &&
	       date_parse(request->if_modified_since, &since) &&
	       since == (int64_t)(content->stored / MOMENT_SECOND);
}

bool
response_is_decided(struct response *response, const struct request *request,
    const struct validators *validators)
{
	response->is_judged = true;
	if (!is_expected(request, validators)) {
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
read_tags(struct response *response, const char *name, struct span header,
    bool is_strong, bool has_hashes, struct tags *tags)
{
	struct arena *arena = response->arena;
	size_t count = 0;
	bool is_list = true;
	struct header_tag tag;

	tags->is_there = true;
	tags->is_any = span_is(span_trim(header), "*");
	if (tags->is_any)
		return true;
	tags->etags = arena_alloc(arena, LIMIT_IF_MATCH * ETAG_SIZE);
	tags->hashes = arena_alloc(arena, LIMIT_IF_MATCH * DIGEST_SHA256_SIZE);
	while (header_next_tag(&header, &tag, &is_list)) {
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
response_read_conditions(struct response *response,
    const struct request *request, struct change *change)
{
	bool is_content = change->kind == CHANGE_CONTENT;

	if (request->if_match.data != NULL &&
	    !read_tags(response, "If-Match", request->if_match, true,
		is_content, &change->if_match))
		return false;
	if (request->if_none_match.data != NULL &&
	    !read_tags(response, "If-None-Match", request->if_none_match, false,
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
	change->has_unmodified_since =
	    date_parse(request->if_unmodified_since, &change->unmodified_since);
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
