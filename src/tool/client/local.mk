# SPDX-License-Identifier: ISC

noinst_LIBRARIES += libtool-client.a
libtool_client_a_CPPFLAGS = $(AM_CPPFLAGS) $(CTL_CFLAGS)
libtool_client_a_CFLAGS = $(AM_CFLAGS) -DIS_TOOL $(BANNED)
libtool_client_a_SOURCES = \
	%D%/choose.c %D%/choose.h %D%/create.c %D%/create.h %D%/file.c \
	%D%/file.h %D%/files.c %D%/files.h %D%/get.c %D%/get.h %D%/get_many.c \
	%D%/http.c %D%/http.h %D%/http_error.c %D%/http_exchange.c \
	%D%/http_many.c %D%/http_repeat.c %D%/http_state.h %D%/http_text.c \
	%D%/http_text.h %D%/lineage.c %D%/list.c %D%/name.c %D%/name.h \
	%D%/put.c %D%/raw.c %D%/raw.h %D%/remote.c %D%/remote.h \
	%D%/rm.c %D%/rm.h %D%/rm_ids.c %D%/rm_select.c %D%/show.c %D%/source.c \
	%D%/source.h %D%/sum.c %D%/type.c %D%/type.h %D%/update.c %D%/update.h
