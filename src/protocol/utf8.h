/* SPDX-License-Identifier: ISC */
/*
 * utf8.h - well-formed UTF-8, what stands in for the rest, and case.
 *
 * Well-formed is Unicode's table 3-7: shortest form, no surrogates, at most
 * U+10FFFF. Of what is ill-formed, each maximal subpart (Unicode 3.9, W3C
 * Encoding) becomes one U+FFFD.
 */
#ifndef UTF8_H
#define UTF8_H

#include "base/mem.h"

#define UTF8_REPLACEMENT SPAN("\xef\xbf\xbd") /* U+FFFD */

enum utf8 {
	UTF8_OK,      /* a whole well-formed sequence */
	UTF8_BAD,     /* a maximal ill-formed subpart */
	UTF8_CUT_OFF, /* the bytes end inside what may become well-formed */
};

/*
 * Look at the sequence that bytes begin with; bytes.size > 0.
 * *ret_size is its length: 1 to 4, all that is left for UTF8_CUT_OFF.
 */
enum utf8 utf8_next(struct span bytes, size_t *ret_size);

bool utf8_is_valid(struct span bytes);

/* The bytes with U+FFFD for what is ill-formed; the same span if nothing is. */
struct span utf8_repair(struct arena *arena, struct span bytes);

/*
 * Is a sequence that utf8_next found well-formed a control character, one that
 * changes the direction of text, or a separator of lines? A terminal does not
 * show these, but shows the text around them otherwise, so that a name with one
 * reads as another name.
 */
bool utf8_steers(struct span sequence);

/* At most size bytes of valid text, without cutting a sequence in two. */
struct span utf8_cut(struct span text, size_t size);

/* Append the sequence of a code point, which is no surrogate. */
void utf8_append(struct buffer *buffer, unsigned code);

/*
 * Append the text with its letters in lower case, so that a search finds either
 * case: ASCII, U+00C0 to U+017F, Greek and Cyrillic (U+0370 to U+052F), whatever
 * the locale. The result has the size of the text, and is valid where the text
 * is; so a letter whose other case is longer or shorter stays (U+0130). The final
 * sigma becomes a sigma. A letter with a combining accent is another text than
 * the one letter that looks like it.
 */
void utf8_fold(struct buffer *buffer, struct span text);

#endif
