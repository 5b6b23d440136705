# SPDX-License-Identifier: ISC

noinst_LIBRARIES += libstore.a
libstore_a_CFLAGS = $(AM_CFLAGS) $(BANNED)
libstore_a_SOURCES = \
	%D%/engine.h %D%/store.c %D%/store.h %D%/upload.c
