/* SPDX-License-Identifier: ISC */
/* get.h - the exact bytes of a content, for get and content. */
#ifndef CTL_GET_H
#define CTL_GET_H

#include "http.h"

/*
 * Print the content of an id or prefix on stdout. CTL_OK: all of it came, and
 * its SHA-256 is that of Repr-Digest. CTL_INTEGRITY: it is not, or the server
 * tells none.
 */
MUST_USE int
ctl_get_print(const struct ctl *ctl, struct ctl_http *http, const char *id);

#endif
