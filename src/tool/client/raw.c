/* SPDX-License-Identifier: ISC */
/* raw.c - downloads, hashed on their way. */

#include "raw.h"

#include "remote.h"
#include "protocol/header.h"

#include <errno.h>

/* A number of at most 18 digits; 0: it is none. */
static uint64_t
parse_size(struct span text)
{
	uint64_t size = 0;
	size_t i;

	if (text.size > 18)
		return 0;
	for (i = 0; i < text.size; i++) {
		if (!ascii_is_digit(text.data[i]))
			return 0;
		size = size * 10 + (uint64_t)(text.data[i] - '0');
	}
	return size;
}

static bool
begin(void *context, const struct ctl_http_answer *answer)
{
	struct ctl_raw *raw = context;

	if (raw->all == NULL)
		ctl_progress_begin(&raw->progress, raw->ctl, raw->what,
		    parse_size(ctl_http_header(answer, "Content-Length")));
	return raw->begin == NULL || raw->begin(raw->context, answer);
}

static bool
take(void *context, struct span piece)
{
	struct ctl_raw *raw = context;

	digest_add(&raw->digest, piece);
	raw->size += piece.size;
	ctl_progress_add(
	    raw->all != NULL ? raw->all : &raw->progress, piece.size);
	return raw->sink(raw->context, piece);
}

/* libcurl has held the size against Content-Length already. */
int
ctl_raw_end(struct ctl_http *http, const char *id, struct ctl_raw *raw,
    const struct ctl_http_answer *answer)
{
	struct span url = ctl_http_url(http);
	uint8_t hash[DIGEST_SHA256_SIZE], wanted[DIGEST_SHA256_SIZE];
	char wanted_hex[DIGEST_SHA256_HEX + 1];

	digest_end(&raw->digest, hash);
	digest_hex(hash, sizeof(hash), raw->hash);
	if (header_digest(ctl_http_header(answer, "Repr-Digest"), wanted) !=
	    RESULT_OK)
		return ctl_error(CTL_INTEGRITY,
		    "the content of %s cannot be checked: %.*s, or something "
		    "on the way to it, sends no SHA-256 in Repr-Digest",
		    id, (int)url.size, url.data);
	if (memcmp(hash, wanted, sizeof(hash)) == 0)
		return CTL_OK;
	digest_hex(wanted, sizeof(wanted), wanted_hex);
	return ctl_error(CTL_INTEGRITY,
	    "the content of %s is damaged: the %llu bytes that came have the "
	    "SHA-256 %s, and the store has %s; try again, and if it stays, "
	    "look for what changes bytes on the way",
	    id, (unsigned long long)raw->size, raw->hash, wanted_hex);
}

void
ctl_raw_begin(struct ctl_raw *raw, struct arena *arena, const char *id,
    struct ctl_http_request *ret_request)
{
	*ret_request = (struct ctl_http_request){ .method = "GET",
		.path = ctl_remote_path(arena, id, "/raw"),
		.begin = begin,
		.sink = take,
		.context = raw };
	raw->size = 0;
	digest_begin(&raw->digest);
}

int
ctl_raw_fetch(struct ctl_http *http, const char *id, struct ctl_raw *raw)
{
	struct ctl_http_request request;
	struct ctl_http_answer answer;
	int exit_code;

	ctl_raw_begin(raw, raw->ctl->arena, id, &request);
	exit_code = ctl_http_send(http, &request, raw->ctl->arena, &answer);
	ctl_progress_end(&raw->progress);
	return exit_code == CTL_OK ? ctl_raw_end(http, id, raw, &answer)
				   : exit_code;
}

static bool
print(void *context, struct span piece)
{
	(void)context;
	if (fwrite(piece.data, 1, piece.size, stdout) == piece.size)
		return true;
	if (errno != EPIPE) /* whoever read it has had enough */
		(void)ctl_fail("cannot write to standard output: %m");
	return false;
}

int
ctl_raw_print(const struct ctl *ctl, struct ctl_http *http, const char *id)
{
	struct ctl_raw raw = { .ctl = ctl, .what = id, .sink = print };

	return ctl_raw_fetch(http, id, &raw);
}
