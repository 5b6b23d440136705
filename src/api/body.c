/* SPDX-License-Identifier: ISC */
/*
 * body.c - reading bodies, in pieces, or as a JSON object of bounded size.
 * What the bytes mean is left to the handlers.
 */

#include "handle.h"

#include "protocol/header.h"

#define PIECE 65536
#define MIB 1048576

void
handle_body_open(struct handle_body *body, struct request *request)
{
	*body = (struct handle_body){ .request = request };
	body->is_hashed = request->content_digest.data != NULL;
	if (body->is_hashed)
		digest_begin(&body->digest);
}

/* Read to data, hashing; the end of the body is the end of its hash. */
static enum result
read_piece(struct handle_body *body, char *data, size_t size, size_t *ret_size)
{
	struct body *source = &body->request->body;
	enum result result;

	result = source->read(source->source, data, size, ret_size);
	if (!body->is_hashed)
		return result;
	if (result == RESULT_OK)
		digest_add(&body->digest, span_of(data, *ret_size));
	else if (result == RESULT_END)
		digest_end(&body->digest, body->hash);
	return result;
}

enum result
handle_body_next(struct handle_body *body, struct span *ret_piece)
{
	enum result result;
	size_t size;

	if (body->piece == NULL)
		body->piece = arena_room(body->request->arena, PIECE);
	result = read_piece(body, body->piece, PIECE, &size);
	if (result == RESULT_OK)
		*ret_piece = span_of(body->piece, size);
	return result;
}

/* ---- digests ---- */

bool
handle_body_agrees(struct response *response, const char *name,
    struct span header, const uint8_t hash[DIGEST_SHA256_SIZE])
{
	uint8_t sent[DIGEST_SHA256_SIZE];
	struct span was_sent, came;
	enum result result;

	if (header.data == NULL)
		return true;
	result = header_digest(header, sent);
	if (result == RESULT_END)
		return true;
	if (result != RESULT_OK) {
		response_error(response, 400,
		    "The sha-256 member of %s is not 32 bytes in base64 "
		    "between colons",
		    name);
		return false;
	}
	if (memcmp(sent, hash, sizeof(sent)) == 0)
		return true;
	was_sent = digest_base64(response->arena, span_of(sent, sizeof(sent)));
	came =
	    digest_base64(response->arena, span_of(hash, DIGEST_SHA256_SIZE));
	response_error(response, 400,
	    "%s does not match: it says sha-256=:%.*s:, the bytes that came "
	    "have sha-256=:%.*s:. Nothing was stored.",
	    name, (int)was_sent.size, was_sent.data, (int)came.size, came.data);
	return false;
}

bool
handle_body_is_intact(struct handle_body *body, struct response *response)
{
	return !body->is_hashed ||
	       handle_body_agrees(response, "Content-Digest",
		   body->request->content_digest, body->hash);
}

/* ---- size ---- */

void
handle_body_refuse_size(
    const struct context *context, struct response *response)
{
	unsigned long long limit = context->config->max_content;

	if (limit % MIB == 0)
		response_error(response, 413,
		    "Upload exceeds maximum size of %llu MB", limit / MIB);
	else
		response_error(response, 413,
		    "Upload exceeds maximum size of %llu bytes", limit);
}

/* ---- JSON ---- */

/* The whole body, in one allocation of the announced length. */
static enum result
read_all(struct handle_body *body, struct span *ret_text)
{
	size_t length = (size_t)body->request->content_length;
	/* One byte more, so that the end can be asked for. */
	char *data = arena_alloc(body->request->arena, length + 1);
	enum result result;
	size_t filled = 0, size;

	do {
		if (filled > length)
			return RESULT_MALFORMED;
		result =
		    read_piece(body, data + filled, length + 1 - filled, &size);
		if (result == RESULT_OK)
			filled += size;
	} while (result == RESULT_OK);
	if (result != RESULT_END)
		return result;
	*ret_text = span_of(data, filled);
	return RESULT_OK;
}

static bool
refuse_verdict(enum json_verdict verdict, struct response *response)
{
	if (verdict == JSON_VALID || verdict == JSON_SYNTAX)
		return true;
	if (verdict == JSON_TOO_MANY)
		response_error(response, 400,
		    "The JSON body has more than %d values", LIMIT_JSON_VALUES);
	else
		response_error(
		    response, 400, "There was an error parsing the body");
	return false;
}

bool
handle_body_json(const struct context *context, struct handle_body *body,
    struct response *response, struct faults *faults,
    struct json_document *ret_document)
{
	struct request *request = body->request;
	uint64_t limit = context->config->max_json;
	struct span text = SPAN("");
	enum result result;

	ret_document->root = NULL;
	if (request->content_length > 0 &&
	    !header_media_is_json(request->content_type)) {
		fault_not_object(faults);
		return true;
	}
	if (request->content_length > limit) {
		response_error(response, 413,
		    "The JSON body exceeds %llu bytes, the limit that the "
		    "setting `max_json` gives; send the content as a file "
		    "instead (multipart/form-data, part `file`)",
		    (unsigned long long)limit);
		return false;
	}
	result = read_all(body, &text);
	if (result != RESULT_OK) {
		response_result(response, result, SPAN_NONE);
		return false;
	}
	return refuse_verdict(
	    json_read(request->arena, text, faults, ret_document), response);
}
