/* SPDX-License-Identifier: ISC */
/*
 * name.h - what contents are called in a directory: names that others
 * wrote, made harmless and told apart. Pure text: touches no file.
 */
#ifndef CTL_NAME_H
#define CTL_NAME_H

#include "model/artifact.h"

/* A path as the title of what lies there: "./a//b" is "a/b". NULL: it leads
 * up or begins at the root, so that the name alone has to do. */
const char *ctl_name_place(struct arena *arena, struct span path);

/* The names that were given in one directory. */
struct ctl_used;

/* In the arena, which keeps it. */
struct ctl_used *ctl_used_open(struct arena *arena);

/*
 * What to call a content: a path below the directory, or a name in it, in
 * the arena of used.
 *
 * It is the file name that came with it, made harmless as for a download;
 * where the title is a path that ends in that name, or there is no such
 * name, it is the title, if each part of it is harmless as it stands: not
 * empty, no more than 255 bytes, beginning with neither '.' nor '-', with
 * nothing in it that steers a terminal, and no '\\'. A title that is not is
 * made harmless, '/' being '_'. What was given already gets the first 12
 * characters of the id put in, before the ending.
 */
const char *ctl_used_name(struct ctl_used *used, const char *title,
    struct span filename, const struct id *id);

#endif
