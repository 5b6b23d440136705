/* SPDX-License-Identifier: ISC */
/*
 * ctl.h - the frame of artifactctl: commands, their options, exit codes.
 *
 * tool/ itself knows how a command is called and how its rows are printed
 * (output.h), and nothing of artifacts. The commands are in the folders below:
 * client/ asks a server, local/ opens the store of this host, transfer/ exports
 * and imports, doctor/ looks for faults of the installation.
 *
 * A command is a row: its name, its options and its function. Parsing, help,
 * completion and the test of the manual all read the rows. A command that fails
 * prints why, and returns an exit code.
 */
#ifndef CTL_H
#define CTL_H

#include "base/mem.h"

#include <stdio.h>

enum ctl_exit {
	CTL_OK = 0,
	CTL_FAILED = 1,
	CTL_USAGE = 2,
	CTL_NOT_FOUND = 3,
	CTL_INTEGRITY = 4,    /* bytes are not what they should be */
	CTL_WOULD_CHANGE = 5, /* a dry run found something to do */
	CTL_CHANGED = 6,      /* it is not what it was, so nothing was done */
	CTL_AMBIGUOUS = 7,    /* the start of an id fits several */
	CTL_TRY_LATER = 8,    /* the server is away, or has no time */
};

/* The worse of two exit codes: a command on several operands ends with the
 * worst. */
int ctl_worse(int one, int other);

/* Tables of options end with a row without a name. */
struct ctl_option {
	const char *name;     /* the long one, without its dashes */
	char letter;	      /* the short one; 0: none */
	const char *argument; /* what it takes; NULL: nothing */
	const char *help;
};

/* What a command works on, which decides which common options it takes. */
#define CTL_REMOTE 1u /* a server, over HTTP: --url and what belongs to it */
#define CTL_LOCAL 2u  /* the store of this host: --config, --set */

#define CTL_MANY 1000000u

struct ctl;

struct ctl_command {
	const char *name;
	const char *summary;  /* one line, without a full stop */
	const char *operands; /* as help shows them, e.g. "ID..." */
	unsigned least;	      /* how many operands */
	unsigned most;
	unsigned where;
	const struct ctl_option *options;
	const char *details; /* more lines of help; NULL: none */
	int (*run)(struct ctl *ctl);
};

struct ctl_given {
	const struct ctl_option *option;
	const char *value; /* "" where it takes none */
};

struct ctl {
	const struct ctl_command *command;
	struct arena *arena; /* of the whole run */
	char *const *operands;
	size_t operand_count;
	struct ctl_given *given; /* options in the order given */
	size_t given_count;
	bool is_json;
	bool is_terminal; /* stdout: for tables */
	bool is_watched;  /* stderr: for progress */
	bool has_color;	  /* stdout may have it, and NO_COLOR is not set */
	size_t width;	  /* of stdout, in columns; 0: it has none */
};

/* The rows, in ctl.c; NULL ends them. */
extern const struct ctl_command *const ctl_commands[];

/* ---- output.c ---- */

/*
 * "artifactctl: …" on stderr, with nothing in it that steers a terminal; gives
 * back the exit code. A sentence says what happened and what to do.
 */
int ctl_error(int exit_code, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* From now on ctl_error prints nothing when the exit code is CTL_OK. */
void ctl_be_quiet(void);
#define ctl_fail(...) ctl_error(CTL_FAILED, __VA_ARGS__)
/* The same for wrong usage: CTL_USAGE, and a hint at --help behind the
 * sentence. */
int ctl_usage(const struct ctl *ctl, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* ---- options.c ---- */

/*
 * The options that a command takes, its own and the common ones, one after the
 * other: *index begins at 0; NULL: there are no more. command NULL: all that
 * are common.
 */
const struct ctl_option *
ctl_next_option(const struct ctl_command *command, size_t *index);

/*
 * Read the arguments. CTL_OK: ctl is filled, and ctl->command is NULL when
 * only help (*ret_help) or the version was asked for.
 */
MUST_USE int ctl_read(int argc, char **argv, struct ctl *ctl, bool *ret_help);

/* The last value given to an option of this long name; NULL: none. A name
 * that the command does not have is a mistake of ours. */
const char *ctl_value(const struct ctl *ctl, const char *name);
bool ctl_has(const struct ctl *ctl, const char *name);
/* One after the other: *index begins at 0; NULL: there are no more. */
const char *
ctl_next_value(const struct ctl *ctl, const char *name, size_t *index);

/*
 * A whole number; *ret_number stays when the option was not given. Anything
 * but CTL_OK: it is no number from min to max, which has been said.
 */
MUST_USE int ctl_number(const struct ctl *ctl, const char *name, uint64_t min,
    uint64_t max, uint64_t *ret_number);
/* The same for a time span in seconds: 30s, 15m, 12h, 90d, 2w. */
MUST_USE int
ctl_seconds(const struct ctl *ctl, const char *name, uint64_t *ret_seconds);

/* That of --timeout, more than 0; *ret_seconds stays when there is none. */
MUST_USE int ctl_timeout(const struct ctl *ctl, uint64_t *ret_seconds);

/* ---- help.c ---- */

/* NULL: there is no such command. */
const struct ctl_command *ctl_find(const char *name);

/* Of one command, or of all (NULL). */
void ctl_help(const struct ctl_command *command, FILE *file);

/* ---- the commands ---- */

/* client/show.c */
extern const struct ctl_command ctl_command_list;
extern const struct ctl_command ctl_command_show;
extern const struct ctl_command ctl_command_content;
extern const struct ctl_command ctl_command_shasum;
extern const struct ctl_command ctl_command_verify;
/* client/create.c */
extern const struct ctl_command ctl_command_create;
extern const struct ctl_command ctl_command_update;
/* client/put.c */
extern const struct ctl_command ctl_command_put;
/* client/get.c */
extern const struct ctl_command ctl_command_get;
/* client/rm.c */
extern const struct ctl_command ctl_command_rm;
/* client/lineage.c */
extern const struct ctl_command ctl_command_lineage;
/* local/, each in the file that is called so */
extern const struct ctl_command ctl_command_init;
extern const struct ctl_command ctl_command_status;
extern const struct ctl_command ctl_command_check;
extern const struct ctl_command ctl_command_backup;
extern const struct ctl_command ctl_command_restore;
extern const struct ctl_command ctl_command_compact;
extern const struct ctl_command ctl_command_retain;
/* transfer/, likewise */
extern const struct ctl_command ctl_command_export;
extern const struct ctl_command ctl_command_import;
/* doctor/ */
extern const struct ctl_command ctl_command_doctor;
/* help.c */
extern const struct ctl_command ctl_command_help;
extern const struct ctl_command ctl_command_completion;

#endif
