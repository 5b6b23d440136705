# SPDX-License-Identifier: ISC

noinst_LIBRARIES += liblmdb.a
liblmdb_a_CFLAGS = $(AM_CFLAGS) $(BANNED)
liblmdb_a_SOURCES = \
	%D%/apply.c %D%/check.c %D%/check_content.c %D%/figures.c \
	%D%/internal.h %D%/layout.c %D%/lmdb.c %D%/lmdb.h %D%/open.c \
	%D%/read.c %D%/space.c %D%/sweep.c %D%/upkeep.c %D%/upkeep.h
