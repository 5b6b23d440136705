/* SPDX-License-Identifier: ISC */
/*
 * fuzz_decode.c - stored forms, keys and changes: a decoder accepts or refuses
 * any bytes; what it accepts, the encoder writes as the same bytes.
 */
#include "model/change.h"
#include "fuzz.h"
#include "base/pack.h"
#include "store/lmdb/internal.h"

#include <time.h>

static void
decode_artifact(struct arena *arena, struct span bytes)
{
	struct artifact *artifact;
	struct buffer buffer;

	if (artifact_decode(bytes, arena, &artifact) != RESULT_OK)
		return;
	buffer_init(&buffer, arena);
	artifact_encode(artifact, &buffer);
	DEMAND(span_equal(buffer_span(&buffer), bytes));
}

static void
decode_change(struct arena *arena, struct span bytes)
{
	struct change *change;
	struct buffer buffer;

	if (change_decode(bytes, arena, &change) != RESULT_OK)
		return;
	buffer_init(&buffer, arena);
	change_encode(change, &buffer);
	DEMAND(span_equal(buffer_span(&buffer), bytes));
}

/* ---- rows, in the order of their members (store/lmdb/layout.c) ---- */

static void
decode_pending(struct arena *arena, struct span bytes)
{
	struct pending pending;
	struct buffer buffer;

	if (!pending_decode(bytes, &pending))
		return;
	DEMAND(
	    pending.kind == PENDING_UPLOAD || pending.kind == PENDING_GARBAGE);
	buffer_init(&buffer, arena);
	pack_u8(&buffer, (uint8_t)pending.kind);
	pack_u64(&buffer, pending.owner.incarnation);
	pack_u64(&buffer, pending.owner.request);
	pack_u32(&buffer, pending.chunks);
	pack_u64(&buffer, pending.bytes);
	DEMAND(span_equal(buffer_span(&buffer), bytes));
}

static void
decode_idempotency(struct arena *arena, struct span bytes)
{
	struct idempotency row;
	struct buffer buffer;

	if (!idempotency_decode(bytes, &row))
		return;
	buffer_init(&buffer, arena);
	pack_bytes(&buffer, row.meaning, sizeof(row.meaning));
	pack_bytes(&buffer, row.id.bytes, sizeof(row.id.bytes));
	pack_u64(&buffer, row.expires);
	DEMAND(span_equal(buffer_span(&buffer), bytes));
}

static void
decode_last_change(struct arena *arena, struct span bytes)
{
	struct last_change last;
	struct buffer buffer;

	if (!last_change_decode(bytes, &last))
		return;
	DEMAND(last.result < RESULT_COUNT);
	buffer_init(&buffer, arena);
	pack_u64(&buffer, last.number);
	pack_u8(&buffer, (uint8_t)last.result);
	pack_bytes(&buffer, last.id.bytes, sizeof(last.id.bytes));
	DEMAND(span_equal(buffer_span(&buffer), bytes));
}

/* ---- keys and texts ---- */

static void
decode_index(struct span bytes)
{
	struct key key, again;
	struct span value;
	uint64_t moment;
	size_t tag;

	if (bytes.size > LAYOUT_KEY)
		return;
	key = key_of(bytes.data, bytes.size);
	if (!index_parse(&key, &tag, &value, &moment))
		return;
	DEMAND(tag < FILTERS && value.size > 0 &&
	       value.size <= filter_rows[tag].limit);
	again = index_prefix(tag, value);
	DEMAND(key_has_prefix(&key, &again));
	again = key_then(&again, moment);
	DEMAND(span_equal(span_of(again.bytes, again.size), bytes));
	DEMAND(key_last_number(&key) == moment);
}

static void
decode_id(struct span text)
{
	char again[ID_TEXT + 1];
	struct id id;

	if (text.size >= sizeof(id.bytes)) {
		memcpy(id.bytes, text.data, sizeof(id.bytes));
		id_format(&id, again);
		DEMAND(id_parse(span_of(again, ID_TEXT), &id));
		DEMAND(memcmp(id.bytes, text.data, sizeof(id.bytes)) == 0);
	}
	if (!id_parse(text, &id))
		return;
	id_format(&id, again);
	DEMAND(span_is(text, again));
}

/* The calendar of model/artifact.c beside that of the C library. */
static void
format_moment(struct span bytes)
{
	char text[MOMENT_TEXT + 1], expected[64];
	uint64_t moment;
	struct tm tm;
	time_t seconds;
	size_t size;

	if (bytes.size < sizeof(moment))
		return;
	/* 253402300800 seconds are 10,000 years. */
	moment = unpack_key((const uint8_t *)bytes.data) %
		 UINT64_C(253402300800000000);
	moment_format(moment, text);
	seconds = (time_t)(moment / 1000000);
	DEMAND(gmtime_r(&seconds, &tm) != NULL);
	size = strftime(expected, sizeof(expected), "%Y-%m-%dT%H:%M:%S.", &tm);
	(void)snprintf(expected + size, sizeof(expected) - size, "%06uZ",
	    (unsigned)(moment % 1000000));
	DEMAND(strcmp(text, expected) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_open();
	struct span bytes = arena_copy(arena, span_of(data, size));

	decode_artifact(arena, bytes);
	decode_change(arena, bytes);
	decode_pending(arena, bytes);
	decode_idempotency(arena, bytes);
	decode_last_change(arena, bytes);
	decode_index(bytes);
	decode_id(bytes);
	format_moment(bytes);
	arena_close(arena);
	return 0;
}
