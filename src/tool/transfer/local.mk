# SPDX-License-Identifier: ISC

noinst_LIBRARIES += libtool-transfer.a
libtool_transfer_a_CPPFLAGS = $(AM_CPPFLAGS) $(CTL_CFLAGS)
libtool_transfer_a_CFLAGS = $(AM_CFLAGS) -DIS_TOOL $(BANNED)
libtool_transfer_a_SOURCES = \
	%D%/export.c %D%/export.h %D%/import.c %D%/import.h %D%/import_api.c \
	%D%/import_tar.c %D%/record.c %D%/record.h %D%/tar.c %D%/tar.h
