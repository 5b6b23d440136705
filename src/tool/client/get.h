/* SPDX-License-Identifier: ISC */
/* get.h - the two ways to get: one content, or many into a directory. */
#ifndef CTL_GET_H
#define CTL_GET_H

#include "tool/ctl.h"

/* What operands or filters choose, into the directory of -o or this one. */
MUST_USE int ctl_get_many(const struct ctl *ctl);

#endif
