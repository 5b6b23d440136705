/* SPDX-License-Identifier: ISC */
/*
 * banned.h - functions that this code does not call; using one is a build
 * error. Included by the compiler's -include for our own files only.
 *
 * They overrun, keep hidden state, or cannot report an error. What to use
 * instead stands behind each.
 */
#ifndef BANNED_H
#define BANNED_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Some are macros too, with some compilers. */
#undef strcpy
#undef strncpy
#undef strcat
#undef strncat
#undef sprintf
#undef vsprintf

#pragma GCC poison strcpy strncpy strcat strncat  /* span, buffer, memcpy */
#pragma GCC poison sprintf vsprintf		  /* snprintf, buffer_printf */
#pragma GCC poison strtok			  /* span functions */
#pragma GCC poison atoi atol atoll atof		  /* strtoll with checks */
#pragma GCC poison gmtime localtime ctime asctime /* gmtime_r, strftime */
#pragma GCC poison gets tmpnam mktemp tempnam	  /* fgets, mkstemp */

#endif
