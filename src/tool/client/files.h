/* SPDX-License-Identifier: ISC */
/*
 * files.h - which files put means: operands, what lies in directories,
 * and lists of names. One after the other, so that there may be any number.
 */
#ifndef CTL_FILES_H
#define CTL_FILES_H

#include "tool/ctl.h"

#define CTL_FILES_OPTIONS \
	{ "recursive", 'r', NULL, "directories with those in them" }, \
	    { "files-from", 0, "LIST", \
		    "the files that LIST names, one a line; - is stdin" }, \
	{ \
		"null", '0', NULL, "NUL ends a name in LIST, not a newline" \
	}

struct ctl_files;

struct ctl_found {
	const char *path;
	const char *title; /* where it lies, as a path; NULL: it is the name */
	bool is_walked;	   /* found in a directory, not named by somebody */
};

/* Not CTL_OK: it has been said. In the arena of the run. */
MUST_USE int
ctl_files_open(const struct ctl *ctl, struct ctl_files **ret_files);
/*
 * The next one, in the arena; path NULL: there are no more. Not CTL_OK: one
 * cannot be had, which has been said, and the others are still to come.
 */
MUST_USE int ctl_files_next(
    struct ctl_files *files, struct arena *arena, struct ctl_found *ret_found);

#endif
