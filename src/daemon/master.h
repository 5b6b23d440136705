/* SPDX-License-Identifier: ISC */
/*
 * master.h - the master's life: fork, watch, throttle, reload, drain. It
 * parses no request and never opens the store.
 */
#ifndef MASTER_H
#define MASTER_H

#include "config/config.h"

struct master_options {
	const char *config_path; /* NULL: the default file */
	char *const *settings;	 /* name=value, from --set */
	size_t setting_count;
};

/* Run until SIGTERM or SIGINT; an exit code. config was loaded with the
 * same options, which a reload uses again, and has its secret. */
int master_run(const struct master_options *options, struct config *config);

#endif
