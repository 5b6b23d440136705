# SPDX-License-Identifier: ISC

noinst_LIBRARIES += liblmdb.a
liblmdb_a_CFLAGS = $(AM_CFLAGS) $(BANNED)
liblmdb_a_SOURCES = \
	%D%/apply.c %D%/backup.c %D%/check.c %D%/check.h %D%/check_content.c \
	%D%/check_rows.c %D%/check_totals.c %D%/compact.c %D%/directory.c \
	%D%/figures.c %D%/garbage.c %D%/judge.c %D%/layout.c %D%/layout.h \
	%D%/list.c %D%/lmdb.c %D%/lmdb.h %D%/migrate.c %D%/open.c %D%/read.c \
	%D%/rows.c %D%/space.c %D%/stage.c %D%/state.h %D%/sweep.c \
	%D%/upkeep.h
