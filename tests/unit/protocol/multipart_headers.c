/* SPDX-License-Identifier: ISC */
/*
 * multipart_headers.c - the boundary of a Content-Type. The headers of
 * parts are tested with whole bodies, in multipart.c.
 */

#include "protocol/multipart.h"

#include <criterion/criterion.h>

#define MISSING "Missing boundary in multipart."
#define LONG \
	"The boundary of the multipart body has 71 characters; RFC 2046 " \
	"allows 70"
#define ILLEGAL \
	"The boundary of the multipart body has a character that RFC 2046 " \
	"does not allow there"
#define UNREADABLE \
	"The parameters of the Content-Type, of which the boundary is one, " \
	"cannot be read"
#define SEVENTY \
	"01234567890123456789012345678901234567890123456789012345678901234567" \
	"89"

Test(multipart_headers, finds_the_boundary_in_a_content_type)
{
	static const struct {
		const char *type, *boundary, *reason;
	} cases[] = {
		{ "multipart/form-data; boundary=XBX", "XBX", NULL },
		{ "multipart/form-data;boundary=\"X B'X\"", "X B'X", NULL },
		{ "multipart/form-data; a=b; BOUNDARY = x ; c", "x", NULL },
		{ "multipart/form-data; a=\";boundary=y\"; boundary=x", "x",
		    NULL },
		{ "multipart/form-data; boundary=" SEVENTY, SEVENTY, NULL },
		{ "multipart/form-data; boundary='()+_,-./:=?", "'()+_,-./:=?",
		    NULL },
		{ "multipart/form-data; boundary=" SEVENTY "0", NULL, LONG },
		{ "multipart/form-data; boundary=", NULL, MISSING },
		{ "multipart/form-data; boundary=\"\"", NULL, MISSING },
		{ "multipart/form-data; boundary=\"x ", NULL, UNREADABLE },
		{ "multipart/form-data; boundary=\"x \"", NULL, ILLEGAL },
		{ "multipart/form-data; boundary=x\x01", NULL, ILLEGAL },
		{ "multipart/form-data; boundary=x*", NULL, ILLEGAL },
		{ "multipart/form-data; boundary=\"x\ty\"", NULL, ILLEGAL },
		{ "multipart/form-data; boundary=\xc3\xa4", NULL, ILLEGAL },
		{ "multipart/form-data; boundary=x; boundary=y", NULL,
		    UNREADABLE },
		{ "multipart/form-data; xboundary=x", NULL, MISSING },
		{ "multipart/form-data", NULL, MISSING },
		{ "boundary=x", NULL, MISSING },
		{ "", NULL, MISSING },
		{ NULL, NULL, MISSING },
	};
	struct arena *arena = arena_open();
	const char *reason;
	struct span boundary;
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		boundary =
		    multipart_boundary(arena, span_str(cases[i].type), &reason);
		if (cases[i].boundary != NULL) {
			cr_assert(span_is(boundary, cases[i].boundary), "%s",
			    cases[i].type);
			continue;
		}
		cr_assert_null(boundary.data, "%s", cases[i].type);
		cr_assert_str_eq(reason, cases[i].reason, "%s", cases[i].type);
	}
	arena_close(arena);
}
