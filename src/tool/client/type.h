/* SPDX-License-Identifier: ISC */
/* type.h - the media type of a file: the door to libmagic. */
#ifndef CTL_TYPE_H
#define CTL_TYPE_H

#include "tool/ctl.h"

/*
 * A guess from its first bytes and, where these are text, from how its name
 * ends; application/octet-stream if there is none. In the arena.
 */
const char *
ctl_type_guess(struct arena *arena, const char *name, struct span start);

/* How many first bytes a guess wants. */
#define CTL_TYPE_START 262144

#endif
