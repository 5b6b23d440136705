# SPDX-License-Identifier: ISC

noinst_LIBRARIES += libtool-local.a
libtool_local_a_CPPFLAGS = $(AM_CPPFLAGS) $(CTL_CFLAGS)
libtool_local_a_CFLAGS = $(AM_CFLAGS) -DIS_TOOL $(BANNED)
libtool_local_a_SOURCES = \
	%D%/backup.c %D%/check.c %D%/compact.c %D%/copies.c %D%/copies.h \
	%D%/ending.c %D%/init.c %D%/local.c %D%/local.h %D%/restore.c \
	%D%/retain.c %D%/status.c
