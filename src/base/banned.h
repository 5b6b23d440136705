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

/*
 * Functions of libc that make system calls for which the sandboxes of worker
 * and writer kill: they read files, connect, or ask the kernel for the size of
 * the machine, some of them only when their input is large. artifactctl has no
 * sandbox.
 */
#ifndef IS_TOOL
#include <grp.h>
#include <iconv.h>
#include <locale.h>
#include <netdb.h>
#include <pwd.h>
#include <syslog.h>
#include <unistd.h>

#pragma GCC poison qsort qsort_r		/* pointers_sort */
#pragma GCC poison setlocale newlocale		/* the C locale */
#pragma GCC poison iconv_open			/* protocol/utf8.h */
#pragma GCC poison localtime_r mktime		/* gmtime_r, timegm */
#pragma GCC poison getpwnam getpwuid		/* numbers */
#pragma GCC poison getgrnam getgrgid		/* numbers */
#pragma GCC poison getaddrinfo gethostbyname	/* sockets have paths */
#pragma GCC poison openlog vsyslog		/* log.h */
#pragma GCC poison popen			/* nothing */
#endif

#endif
