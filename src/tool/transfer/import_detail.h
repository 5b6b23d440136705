/* SPDX-License-Identifier: ISC */
/*
 * import_detail.h - what a server tells of an artifact, and whether the
 * text that it sends is its content.
 */
#ifndef CTL_IMPORT_DETAIL_H
#define CTL_IMPORT_DETAIL_H

#include "record.h"

struct import_detail {
	struct ctl_record record;
	struct span content; /* its text; SPAN_NONE: it is not told */
	struct span storage; /* its storage_url, likewise */
};

/* Of the artifact with this very id. false: *ret_fault says why not. */
MUST_USE bool import_detail_read(struct arena *arena, struct span id,
    struct span body, struct import_detail *ret_detail, const char **ret_fault);

/*
 * Make the record say what the text is, if that is the content. The size is
 * no help: the original leaves it as it was when content is replaced.
 */
MUST_USE bool import_detail_take(struct import_detail *detail);

/* The path of a storage_url that the server at this URL answers itself. */
struct span
import_detail_path(const struct import_detail *detail, struct span url);

#endif
