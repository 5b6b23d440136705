/* SPDX-License-Identifier: ISC */
/*
 * condition.c - the conditions of a request: If-Match, If-None-Match and their
 * kin (RFC 9110, section 13). Those of a read are judged here. Those of a
 * change go into the change, since only the writer knows the state that the
 * change will meet.
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

/* Read size bytes from lower-case hex; false: the text is anything else. */
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

/* Is the state the one that If-Match or If-Unmodified-Since names? */
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
 * Does the client have this state already, by If-None-Match or
 * If-Modified-Since? A date has to be the date that Last-Modified would have
 * now. An older date is that of older content. A younger date did not come from
 * this service, or came before its clock was set back.
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
 * Read the entity tags of a header and keep those that this service could have
 * given: a tag of 16 bytes is that of a detail, and a tag of 32 bytes that of a
 * content (only if has_hashes). false: response says 400.
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
	/* If-None-Match lets a change go ahead when no tag matches, so a tag
	 * that cannot be read must not count as one that does not match. */
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
	/* If-Unmodified-Since is to be ignored beside If-Match (RFC 9110,
	 * 13.1.4). */
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
	/* The same section says to ignore a value that is no date. */
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
