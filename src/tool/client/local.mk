# SPDX-License-Identifier: ISC

noinst_LIBRARIES += libtool-client.a
libtool_client_a_CPPFLAGS = $(AM_CPPFLAGS) $(CTL_CFLAGS)
libtool_client_a_CFLAGS = $(AM_CFLAGS) -DIS_TOOL $(BANNED)
libtool_client_a_SOURCES = \
	%D%/choose.c %D%/choose.h %D%/create.c %D%/create.h \
	%D%/exchange.c %D%/exchange.h %D%/file.c %D%/file.h %D%/get.c \
	%D%/http.c %D%/http.h %D%/http_text.c %D%/http_text.h \
	%D%/lineage.c %D%/name.c %D%/name.h %D%/put.c %D%/remote.c \
	%D%/remote.h %D%/rm.c %D%/rm.h %D%/show.c %D%/source.c %D%/source.h
