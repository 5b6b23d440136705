# SPDX-License-Identifier: ISC

noinst_LIBRARIES += libmodel.a
libmodel_a_CFLAGS = $(AM_CFLAGS) $(BANNED)
libmodel_a_SOURCES = \
	%D%/artifact.c %D%/artifact.h \
	%D%/change.c %D%/change.h
