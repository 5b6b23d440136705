# SPDX-License-Identifier: ISC

noinst_LIBRARIES += libprotocol.a
libprotocol_a_CFLAGS = $(AM_CFLAGS) $(BANNED)
libprotocol_a_SOURCES = \
	%D%/date.c %D%/date.h %D%/fault.c %D%/fault.h %D%/header.c \
	%D%/header.h %D%/json.c %D%/json.h %D%/json_check.c \
	%D%/json_check.h %D%/json_object.c %D%/json_write.c %D%/multipart.c \
	%D%/multipart.h %D%/query.c %D%/query.h %D%/utf8.c %D%/utf8.h
