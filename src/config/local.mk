# SPDX-License-Identifier: ISC

noinst_LIBRARIES += libconfig.a
libconfig_a_CFLAGS = $(AM_CFLAGS) $(BANNED)
libconfig_a_SOURCES = \
	%D%/config.c %D%/config.h %D%/note.c %D%/note.h %D%/table.c \
	%D%/table.h
