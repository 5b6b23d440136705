/* SPDX-License-Identifier: ISC */
/*
 * test_multipart_headers.c - the boundary of a Content-Type. The headers of
 * parts are tested with whole bodies, in test_multipart.c.
 */

#include "multipart.h"

#include <criterion/criterion.h>

#define SEVENTY \
	"01234567890123456789012345678901234567890123456789012345678901234567" \
	"89"

Test(multipart_headers, finds_the_boundary_in_a_content_type)
{
	static const struct {
		const char *type, *boundary;
	} cases[] = {
		{ "multipart/form-data; boundary=XBX", "XBX" },
		{ "multipart/form-data;boundary=\"X B'X\"", "X B'X" },
		{ "multipart/form-data; a=b; BOUNDARY = x ; c", "x" },
		{ "multipart/form-data; a=\";boundary=y\"; boundary=x", "x" },
		{ "multipart/form-data; boundary=" SEVENTY, SEVENTY },
		{ "multipart/form-data; boundary='()+_,-./:=?",
		    "'()+_,-./:=?" },
		{ "multipart/form-data; boundary=" SEVENTY "0", NULL },
		{ "multipart/form-data; boundary=", NULL },
		{ "multipart/form-data; boundary=\"\"", NULL },
		{ "multipart/form-data; boundary=\"x ", NULL },
		{ "multipart/form-data; boundary=\"x \"", NULL },
		{ "multipart/form-data; boundary=x\x01", NULL },
		{ "multipart/form-data; boundary=x*", NULL },
		{ "multipart/form-data; boundary=\"x\ty\"", NULL },
		{ "multipart/form-data; boundary=\xc3\xa4", NULL },
		{ "multipart/form-data; boundary=x; boundary=y", NULL },
		{ "multipart/form-data; xboundary=x", NULL },
		{ "multipart/form-data", NULL },
		{ "boundary=x", NULL },
		{ "", NULL },
		{ NULL, NULL },
	};
	struct arena *arena = arena_open();
	struct span boundary;
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		boundary = multipart_boundary(arena, span_str(cases[i].type));
		if (cases[i].boundary == NULL)
			cr_assert_null(boundary.data, "%s", cases[i].type);
		else
			cr_assert(span_is(boundary, cases[i].boundary), "%s",
			    cases[i].type);
	}
	arena_close(arena);
}
