/* SPDX-License-Identifier: ISC */
/*
 * http_text.h - what stands in URLs and headers, taken apart. Pure text:
 * knows nothing of connections.
 */
#ifndef CTL_HTTP_TEXT_H
#define CTL_HTTP_TEXT_H

#include "base/mem.h"

/*
 * Check the URL of a store, and take off slashes at its end, so that paths can
 * follow. false: it is not http or https, or has a query or a fragment.
 */
MUST_USE bool ctl_http_base(struct span url, struct span *ret_base);
/* The same without user and password, for sentences. */
struct span ctl_http_shown(struct arena *arena, struct span base);
bool ctl_http_is_tls(struct span base);
/*
 * Is the host of the URL this one: localhost, an address of 127.0.0.0/8 with
 * all of its numbers, or [::1]? Then no proxy is used, and credentials may go
 * in plain http, since nobody else hears them.
 */
bool ctl_http_is_loopback(struct span base);

/*
 * The query of the first link with rel=next; SPAN_NONE: there is none. The path
 * is ours: behind a proxy that of the link may be one that we cannot reach.
 */
struct span ctl_http_next_query(struct span link);

/* Retry-After, seconds or a date, as seconds from now; false: neither. */
MUST_USE bool
ctl_http_retry_after(struct span header, int64_t now, uint64_t *ret_seconds);

/*
 * The file name that Content-Disposition suggests, made harmless: no path,
 * nothing that steers a terminal, not hidden, no option, at most 255 bytes.
 * SPAN_NONE: it suggests none.
 */
struct span ctl_http_filename(struct arena *arena, struct span disposition);
/* Any text as the name of a file, in the same way; what is a path in it stays
 * one. */
struct span ctl_http_harmless(struct arena *arena, struct span name);

#endif
