/* SPDX-License-Identifier: ISC */
/*
 * redirect.h - what a test prints, kept to be compared: see criterion.h.
 */
#ifndef CRITERION_REDIRECT_H
#define CRITERION_REDIRECT_H

#include "criterion.h"

/* Keep what is printed from now on. */
void cr_redirect_stdout(void);
void cr_redirect_stderr(void);
/* What was kept, from its beginning. */
FILE *cr_get_redirected_stdout(void);
FILE *cr_get_redirected_stderr(void);

bool plain_stdout_is(const char *text);
#define cr_assert_stdout_eq_str(text, ...) \
	PLAIN(true, plain_stdout_is(text), ##__VA_ARGS__)

#endif
