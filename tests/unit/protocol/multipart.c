/* SPDX-License-Identifier: ISC */
/*
 * multipart.c - bodies and what comes out of them, fed in one piece,
 * cut in two at every byte, and byte by byte.
 */

#include "protocol/multipart.h"

#include "base/limits.h"

#include <criterion/criterion.h>

/* Events are written down as text: <name|filename|type|digest>data. */
struct notes {
	struct buffer text;
	enum result refuse; /* what part_begin answers */
};

static void
note_span(struct buffer *text, struct span span)
{
	buffer_append(text, span.data == NULL ? SPAN("-") : span);
}

static enum result
note_begin(void *object, const struct multipart_part *part)
{
	struct notes *notes = object;

	buffer_append(&notes->text, SPAN("<"));
	note_span(&notes->text, part->name);
	buffer_append(&notes->text, SPAN("|"));
	note_span(&notes->text, part->filename);
	buffer_append(&notes->text, SPAN("|"));
	note_span(&notes->text, part->content_type);
	buffer_append(&notes->text, SPAN("|"));
	note_span(&notes->text, part->repr_digest);
	buffer_append(&notes->text, SPAN(">"));
	return notes->refuse;
}

static enum result
note_data(void *object, struct span data)
{
	struct notes *notes = object;

	cr_assert_gt(data.size, 0);
	buffer_append(&notes->text, data);
	return RESULT_OK;
}

static enum result
note_end(void *object)
{
	struct notes *notes = object;

	buffer_append(&notes->text, SPAN("."));
	return RESULT_OK;
}

static struct multipart *
open_noting(struct arena *arena, struct span boundary, struct notes *notes)
{
	struct multipart_events events = {
		.object = notes,
		.part_begin = note_begin,
		.part_data = note_data,
		.part_end = note_end,
	};

	buffer_init(&notes->text, arena);
	notes->refuse = RESULT_OK;
	return multipart_open(arena, boundary, &events);
}

/* Feed pieces of a size each, the first one of another. */
static enum result
feed(struct multipart *multipart, struct span body, size_t first, size_t size)
{
	enum result result;

	while (body.size > 0) {
		if (first > body.size)
			first = body.size;
		result = multipart_feed(multipart, span_of(body.data, first));
		if (result != RESULT_OK)
			return result;
		body = span_from(body, first);
		first = size;
	}
	return multipart_finish(multipart);
}

#define DISPOSITION "Content-Disposition: form-data; "
#define BEGIN "--XBX\r\n" DISPOSITION
#define END "\r\n--XBX--\r\n"
#define PARSING "There was an error parsing the body"
#define NAMELESS \
	"The Content-Disposition header field \"name\" must be provided."
#define EIGHT "        "
#define SIXTY_FOUR EIGHT EIGHT EIGHT EIGHT EIGHT EIGHT EIGHT EIGHT

struct body {
	struct span bytes;
	const char *events; /* NULL: refused with error */
	const char *error;
};

#define GOOD(bytes, events) \
	{ \
		SPAN(bytes), events, NULL \
	}
#define BAD(bytes) \
	{ \
		SPAN(bytes), NULL, PARSING \
	}
/* A part of these parameters or headers. */
#define SAYS(parameters, part) GOOD(BEGIN parameters "\r\n\r\nx" END, part "x.")
#define REFUSED(parameters) BAD(BEGIN parameters "\r\n\r\nx" END)

static const struct body bodies[] = {
	/* Parts and their ends. */
	GOOD(BEGIN "name=\"file\"; filename=\"a.txt\"\r\n"
		   "Content-Type: text/plain\r\n\r\nDATA" END,
	    "<file|a.txt|text/plain|->DATA."),
	GOOD(BEGIN "name=a\r\n\r\n" END, "<a|-|-|->."),
	GOOD(BEGIN "name=a\r\n\r\n1\r\n" BEGIN "name=b\r\n\r\n2" END,
	    "<a|-|-|->1.<b|-|-|->2."),
	GOOD("\r\n" BEGIN "name=a\r\n\r\n1" END, "<a|-|-|->1."),
	/* What stands before the first boundary (RFC 2046, 5.1.1). */
	GOOD("\r\n\r\n" BEGIN "name=a\r\n\r\n1" END, "<a|-|-|->1."),
	GOOD("x\r\n" BEGIN "name=a\r\n\r\n1" END, "<a|-|-|->1."),
	GOOD("A note.\r\n--XB\r\n\r\n" BEGIN "name=a\r\n\r\n1" END,
	    "<a|-|-|->1."),
	GOOD("\r\n\r\n--XBX--", ""),
	GOOD("--XBX--", ""),
	GOOD("--XBX--\r\n", ""),
	GOOD(BEGIN "name=a\r\n\r\n1\r\n--XBX--", "<a|-|-|->1."),
	GOOD(BEGIN "name=a\r\n\r\n1" END "epilogue\r\n" BEGIN "x",
	    "<a|-|-|->1."),
	GOOD("--XBX \t \r\n" DISPOSITION
	     "name=a\r\n\r\n1\r\n--XBX\t\r\n" DISPOSITION
	     "name=b\r\n\r\n2\r\n--XBX--  ",
	    "<a|-|-|->1.<b|-|-|->2."),
	GOOD("--XBX" SIXTY_FOUR "\r\n" DISPOSITION "name=a\r\n\r\n1" END,
	    "<a|-|-|->1."),
	/* Data that looks like a delimiter. */
	GOOD(BEGIN "name=a\r\n\r\nx\r\n--XB\r\n--XBXx\r\n-- XBX" END,
	    "<a|-|-|->x\r\n--XB\r\n--XBXx\r\n-- XBX."),
	GOOD(BEGIN "name=a\r\n\r\n\r\n\r\r\n\r\n" END,
	    "<a|-|-|->\r\n\r\r\n\r\n."),
	GOOD(BEGIN "name=a\r\n\r\n--XBX--\r\n" END, "<a|-|-|->--XBX--\r\n."),
	GOOD(BEGIN "name=a\r\n\r\nx\n--XBX--\r--XBX--" END,
	    "<a|-|-|->x\n--XBX--\r--XBX--."),
	GOOD(BEGIN "name=a\r\n\r\n\r\n--XBX-\r\n--XBX-x" END,
	    "<a|-|-|->\r\n--XBX-\r\n--XBX-x."),
	GOOD(BEGIN "name=a\r\n\r\n\r\n--XBX\r\r\n--XBX\rx\r\n--XBX\n" END,
	    "<a|-|-|->\r\n--XBX\r\r\n--XBX\rx\r\n--XBX\n."),
	GOOD(BEGIN "name=a\r\n\r\n\r\n--XBX \tx\r\n--XBX --" END,
	    "<a|-|-|->\r\n--XBX \tx\r\n--XBX --."),
	GOOD(BEGIN "name=a\r\n\r\n\r\n--XBX" SIXTY_FOUR " \r\n" END,
	    "<a|-|-|->\r\n--XBX" SIXTY_FOUR " \r\n."),
	GOOD(BEGIN "name=a\r\n\r\n\r\n--XBX\r\n\r\n--XBX\r\n" END, NULL),
	/* What headers say. */
	SAYS("name=\"a\"; filename=\"\"", "<a||-|->"),
	SAYS("name=\"a\"; filename=", "<a||-|->"),
	SAYS("name=\"\"", "<|-|-|->"),
	SAYS("name=a;filename=b", "<a|b|-|->"),
	SAYS(" NAME = a ; ; x ; FileName = \"b\" ; ", "<a|b|-|->"),
	SAYS("filename=b; name=a", "<a|b|-|->"),
	SAYS("name=\"a;b=c\"; filename=\"d; name=e\"", "<a;b=c|d; name=e|-|->"),
	/*
	 * Backslashes, as three kinds of clients write them: all doubled, and
	 * \" for a quote (curl up to 7.80, Python's email); none escaped, and
	 * %22 for a quote (browsers, and curl since); or a mixture of both.
	 */
	SAYS("name=\"a\\\"b\\\\c\"", "<a\"b\\c|-|-|->"),
	SAYS("name=\"end\\\\\"; filename=x", "<end\\|x|-|->"),
	SAYS("name=\"\\\"\"; filename=\"\\\"\"", "<\"|\"|-|->"),
	SAYS("name=a; filename=\"b\\\"; c=\"", "<a|b\"; c=|-|->"),
	SAYS("name=a; filename=\"end\\\"", "<a|end\\|-|->"),
	SAYS("filename=\"end\\\"; name=\"a\"", "<a|end\\|-|->"),
	SAYS("name=\"a\\\"; filename=\"b\\\" ", "<a\\|b\\|-|->"),
	SAYS("filename=\"\\\" ; name=a", "<a|\\|-|->"),
	SAYS("name=a; filename=\"C:\\d\\f\\\"", "<a|C:\\d\\f\\|-|->"),
	SAYS("name=a; filename=\"\\\\host\\f\"", "<a|\\\\host\\f|-|->"),
	SAYS("name=a; filename=\"b%22c\"", "<a|b%22c|-|->"),
	SAYS("name=\"a\\\"b\\\\c\\d\"", "<a\"b\\c\\d|-|-|->"),
	SAYS("name=\"a\xff\"; filename=\"\xc3\xa4\xc3\"",
	    "<a\xef\xbf\xbd|\xc3\xa4\xef\xbf\xbd|-|->"),
	SAYS("name=\"a\"; filename=\"../../etc/passwd\"",
	    "<a|../../etc/passwd|-|->"),
	SAYS("name=a; filename*=UTF-8''%e2%82%ac.txt",
	    "<a|\xe2\x82\xac.txt|-|->"),
	SAYS("name=a; filename*=utf-8'en'%41+%zz; filename=\"b\"",
	    "<a|A+%zz|-|->"),
	SAYS("name=a; filename=\"b\"; filename*=\"UTF-8''%ff\"",
	    "<a|\xef\xbf\xbd|-|->"),
	SAYS("name=a; filename*=UTF-8''", "<a||-|->"),
	/* A charset that nobody has to know says no more than the plain name;
	 * without one it is a file still. */
	SAYS("name=a; filename*=ISO-8859-1''%e4; filename=\"b\"", "<a|b|-|->"),
	SAYS("name=a; filename=\"\"; filename*=latin1'de'%e4", "<a||-|->"),
	SAYS("name=a; filename*=iso-8859-1''%e4", "<a||-|->"),
	SAYS("name=a; filename*=''b; filename=c", "<a|c|-|->"),
	SAYS("name=a\r\ncontent-TYPE: \t a/b; c=\"d\" \r\nX-Y: z",
	    "<a|-|a/b; c=\"d\"|->"),
	SAYS("name=a\r\nContent-Type:", "<a|-|-|->"),
	SAYS("name=a\r\nContent-Transfer-Encoding: base64", "<a|-|-|->"),
	SAYS("name=a\r\nRepr-Digest: sha-256=:AA:", "<a|-|-|sha-256=:AA:>"),
	GOOD("--XBX\r\ncontent-DISPOSITION:form-data;name=a\r\n\r\n1" END,
	    "<a|-|-|->1."),
	/* Nameless parts. */
	{ SPAN("--XBX\r\nContent-Type: text/plain\r\n\r\nD" END), NULL,
	    NAMELESS },
	{ SPAN("--XBX\r\n\r\nD" END), NULL, NAMELESS },
	{ SPAN("--XBX\r\n" DISPOSITION "filename=a\r\n\r\nD" END), NULL,
	    NAMELESS },
	{ SPAN("--XBX\r\nContent-Disposition:\r\n\r\nD" END), NULL, NAMELESS },
	/* Headers that are none. */
	REFUSED("name=\"a"),
	REFUSED("name=\"a\\\"b"),
	REFUSED("name=\"a\\"),
	REFUSED("name=\"a\" x"),
	REFUSED("name=\"a\"; filename=\"b\"c"),
	REFUSED("name=a\"b\""),
	REFUSED("name=a; name=a"),
	REFUSED("name=a; filename=b; FILENAME=b"),
	REFUSED("name=a; filename*=b"),
	REFUSED("name=a; filename*=UTF-8'b"),
	REFUSED("name=a\r\n" DISPOSITION "name=a"),
	REFUSED("name=a\r\nContent-Type: a/b\r\nContent-Type: a/b"),
	REFUSED("name=a\r\nnothing"),
	REFUSED("name=a\r\n: nothing"),
	REFUSED("name=a\r\nX : y"),
	REFUSED("name=a\r\n folded"),
	REFUSED("name=a\r\nX: y\x01"),
	REFUSED("name=a\r\nX: y\x7f"),
	REFUSED("name=a\r\nX: y\0"),
	REFUSED("name=a\r\nX: y\rz"),
	REFUSED("name=a\nX: y"),
	REFUSED("name=a\r\nX: y\r"),
	/* Bodies that are none. */
	BAD("garbage"),
	BAD("x\r\n--XBX--"),
	BAD("Content-Disposition: form-data; name=a\r\n\r\n1" END),
	BAD("\n" BEGIN "name=a\r\n\r\n1" END),
	BAD(" " BEGIN "name=a\r\n\r\n1" END),
	BAD("XBX\r\n"),
	BAD("--YYY\r\n" DISPOSITION "name=a\r\n\r\n1\r\n--YYY--\r\n"),
	BAD("--XBXx\r\n" DISPOSITION "name=a\r\n\r\n1" END),
	BAD("--XBX\n" DISPOSITION "name=a\n\n1\n--XBX--\n"),
	BAD("--XBX x\r\n" DISPOSITION "name=a\r\n\r\n1" END),
	/* Bodies that are cut off. */
	BAD("-"),
	BAD("--XBX"),
	BAD("--XBX-"),
	BAD("--XBX\r\n"),
	BAD(BEGIN "name=a"),
	BAD(BEGIN "name=a\r\n\r\n"),
	BAD(BEGIN "name=a\r\n\r\nDATA\r\n"),
	BAD(BEGIN "name=a\r\n\r\nDATA\r\n--XBX"),
	BAD(BEGIN "name=a\r\n\r\nDATA\r\n--XBX-"),
	BAD(BEGIN "name=a\r\n\r\nDATA\r\n--XBX\r\n"),
};

static void
check(size_t i, size_t first, size_t size)
{
	const struct body *body = &bodies[i];
	struct arena *arena = arena_open();
	struct notes notes;
	struct multipart *multipart = open_noting(arena, SPAN("XBX"), &notes);
	/* A copy of its own size, so that ASan sees every byte too far. */
	struct span bytes = arena_copy(arena, body->bytes);
	enum result result = feed(multipart, bytes, first, size);

	if (body->events != NULL) {
		cr_assert_eq(
		    result, RESULT_OK, "body %zu: %s", i, body->bytes.data);
		cr_assert(span_is(buffer_span(&notes.text), body->events),
		    "body %zu cut at %zu, %zu: %.*s", i, first, size,
		    (int)notes.text.size, notes.text.data);
	} else {
		cr_assert_eq(result, RESULT_MALFORMED, "body %zu: %s", i,
		    body->bytes.data);
		if (body->error != NULL)
			cr_assert_str_eq(multipart_error(multipart),
			    body->error, "body %zu", i);
	}
	arena_close(arena);
}

#define BODIES (sizeof(bodies) / sizeof(bodies[0]))

Test(multipart, finds_the_parts_of_a_whole_body)
{
	size_t i;

	for (i = 0; i < BODIES; i++)
		check(i, bodies[i].bytes.size, 1);
}

Test(multipart, does_not_care_where_the_body_is_cut_in_two)
{
	size_t i, first;

	for (i = 0; i < BODIES; i++)
		for (first = 1; first < bodies[i].bytes.size; first++)
			check(i, first, bodies[i].bytes.size);
}

Test(multipart, does_not_care_how_small_the_pieces_are)
{
	size_t i, size;

	for (i = 0; i < BODIES; i++)
		for (size = 1; size < 24; size++)
			check(i, size, size);
}

Test(multipart, takes_the_longest_boundary)
{
	static const char boundary[] =
	    "0123456789012345678901234567890123456789"
	    "012345678901234567890123456789";
	struct arena *arena = arena_open();
	struct notes notes;
	struct buffer body;
	size_t size;

	cr_assert_eq(strlen(boundary), LIMIT_MULTIPART_BOUNDARY);
	buffer_init(&body, arena);
	buffer_printf(&body,
	    "--%s\r\n" DISPOSITION "name=a\r\n\r\n"
	    "1\r\n--%.69s\r\n--%s" SIXTY_FOUR "x\r\n--%s" SIXTY_FOUR
	    "\r\n" DISPOSITION "name=b\r\n\r\n2\r\n--%s--",
	    boundary, boundary, boundary, boundary, boundary);
	for (size = 1; size <= body.size; size++) {
		cr_assert_eq(
		    feed(open_noting(arena, span_str(boundary), &notes),
			buffer_span(&body), size, size),
		    RESULT_OK);
		cr_assert(span_starts_with(
		    buffer_span(&notes.text), "<a|-|-|->1\r\n--0123"));
		cr_assert_not_null(memmem(
		    notes.text.data, notes.text.size, " x.<b|-|-|->2.", 14));
	}
	arena_close(arena);
}

Test(multipart, hands_out_large_data_without_copying_it)
{
	static char data[100000];
	struct arena *arena = arena_open();
	struct notes notes;
	struct multipart *multipart;

	memset(data, 'x', sizeof(data));
	multipart = open_noting(arena, SPAN("XBX"), &notes);
	cr_assert_eq(
	    multipart_feed(multipart, SPAN(BEGIN "name=a; filename=b\r\n\r\n")),
	    RESULT_OK);
	buffer_clear(&notes.text);
	cr_assert_eq(
	    multipart_feed(multipart, span_of(data, sizeof(data))), RESULT_OK);
	cr_assert_eq(notes.text.size, sizeof(data));
	cr_assert_eq(multipart_feed(multipart, SPAN(END)), RESULT_OK);
	cr_assert_eq(notes.text.size, sizeof(data) + 1);
	cr_assert_eq(multipart_finish(multipart), RESULT_OK);
	arena_close(arena);
}

/* ---- limits ---- */

static enum result
feed_parts(struct multipart *multipart, const char *parameters, size_t count)
{
	struct arena *arena = arena_open();
	struct span part = arena_printf(
	    arena, "--XBX\r\n" DISPOSITION "%s\r\n\r\nv\r\n", parameters);
	enum result result = RESULT_OK;

	while (count-- > 0 && result == RESULT_OK)
		result = multipart_feed(multipart, part);
	arena_close(arena);
	return result;
}

Test(multipart, refuses_too_many_fields_and_too_many_files)
{
	static const struct {
		const char *parameters, *error;
	} cases[] = {
		{ "name=a",
		    "Too many fields. Maximum number of fields is 1000." },
		{ "name=a; filename=b",
		    "Too many files. Maximum number of files is 1000." },
	};
	struct arena *arena = arena_open();
	struct notes notes;
	struct multipart *multipart;
	size_t i;

	for (i = 0; i < 2; i++) {
		multipart = open_noting(arena, SPAN("XBX"), &notes);
		cr_assert_eq(feed_parts(multipart, cases[i].parameters,
				 LIMIT_MULTIPART_PARTS),
		    RESULT_OK);
		/* The other kind is counted by itself. */
		cr_assert_eq(feed_parts(multipart, cases[1 - i].parameters,
				 LIMIT_MULTIPART_PARTS),
		    RESULT_OK);
		cr_assert_eq(feed_parts(multipart, cases[i].parameters, 1),
		    RESULT_MALFORMED);
		cr_assert_str_eq(multipart_error(multipart), cases[i].error);
	}
	arena_close(arena);
}

/* The head of a part, size bytes of data, the end. */
static enum result
feed_sized(
    struct multipart *multipart, const char *head, char byte, size_t size)
{
	struct arena *arena = arena_open();
	char *data = arena_alloc(arena, size);
	enum result result;

	memset(data, byte, size);
	result = multipart_feed(multipart, span_str(head));
	if (result == RESULT_OK)
		result = multipart_feed(multipart, span_of(data, size));
	if (result == RESULT_OK)
		result = feed(multipart, SPAN(END), 1, 1);
	arena_close(arena);
	return result;
}

Test(multipart, bounds_fields_but_not_files)
{
	static const char field[] = BEGIN "name=a\r\n\r\n";
	static const char file[] = BEGIN "name=a; filename=b\r\n\r\n";
	static const size_t limit = LIMIT_MULTIPART_FIELD;
	struct arena *arena = arena_open();
	struct notes notes;
	struct multipart *multipart;

	multipart = open_noting(arena, SPAN("XBX"), &notes);
	cr_assert_eq(feed_sized(multipart, field, '\r', limit), RESULT_OK);
	multipart = open_noting(arena, SPAN("XBX"), &notes);
	cr_assert_eq(feed_sized(multipart, file, '\n', limit + 1), RESULT_OK);
	multipart = open_noting(arena, SPAN("XBX"), &notes);
	cr_assert_eq(
	    feed_sized(multipart, field, 'x', limit + 1), RESULT_MALFORMED);
	cr_assert_str_eq(multipart_error(multipart),
	    "Part exceeded maximum size of 1024KB.");
	arena_close(arena);
}

Test(multipart, bounds_the_headers_of_a_part)
{
	/* Without what stands around the value. */
	static const char head[] = BEGIN "name=a\r\nX: ";
	static const size_t room =
	    LIMIT_MULTIPART_HEADERS - (sizeof(head) - 1 - 7) - 4;
	struct arena *arena = arena_open();
	struct notes notes;
	struct multipart *multipart;
	size_t over, size;

	for (over = 0; over < 2; over++) {
		multipart = open_noting(arena, SPAN("XBX"), &notes);
		cr_assert_eq(
		    multipart_feed(multipart, span_str(head)), RESULT_OK);
		for (size = 0; size < room + over; size++)
			cr_assert_eq(
			    multipart_feed(multipart, SPAN("x")), RESULT_OK);
		cr_assert_eq(feed(multipart, SPAN("\r\n\r\n" END), 4, 1),
		    over ? RESULT_MALFORMED : RESULT_OK);
	}
	arena_close(arena);
}

Test(multipart, bounds_what_stands_before_the_first_part)
{
	struct arena *arena = arena_open();
	struct notes notes;
	struct multipart *multipart;
	size_t over, size;

	for (over = 0; over < 2; over++) {
		multipart = open_noting(arena, SPAN("XBX"), &notes);
		for (size = 1; size < LIMIT_MULTIPART_PREAMBLE + over; size++)
			cr_assert_eq(
			    multipart_feed(multipart, SPAN("x")), RESULT_OK);
		cr_assert_eq(
		    feed(multipart, SPAN("x\r\n" BEGIN "name=a\r\n\r\n1" END),
			7, 9),
		    over ? RESULT_MALFORMED : RESULT_OK);
	}
	cr_assert_str_eq(multipart_error(multipart),
	    "The multipart body has more than 16384 bytes before its first "
	    "boundary");
	/* One that never comes is the fault, not how long it was waited for. */
	multipart = open_noting(arena, SPAN("XBX"), &notes);
	cr_assert_eq(feed(multipart, SPAN("x"), 1, 1), RESULT_MALFORMED);
	cr_assert_str_eq(multipart_error(multipart), PARSING);
	arena_close(arena);
}

Test(multipart, stops_where_a_callback_says_so)
{
	struct arena *arena = arena_open();
	struct notes notes;
	struct multipart *multipart;

	multipart = open_noting(arena, SPAN("XBX"), &notes);
	notes.refuse = RESULT_NO_SPACE;
	cr_assert_eq(
	    multipart_feed(multipart, SPAN(BEGIN "name=a\r\n\r\nx" END)),
	    RESULT_NO_SPACE);
	cr_assert(span_is(buffer_span(&notes.text), "<a|-|-|->"));
	notes.refuse = RESULT_OK;
	cr_assert_eq(multipart_feed(multipart, SPAN("x")), RESULT_NO_SPACE);
	cr_assert_eq(multipart_finish(multipart), RESULT_NO_SPACE);
	arena_close(arena);
}
