# SPDX-License-Identifier: ISC

noinst_LIBRARIES += libdaemon.a
libdaemon_a_CFLAGS = $(AM_CFLAGS) $(BANNED)
libdaemon_a_SOURCES = \
	%D%/children.c %D%/connections.c %D%/connections.h %D%/fcgi.c \
	%D%/fcgi.h %D%/master.c %D%/master.h %D%/process.c %D%/process.h %D%/sandbox.c %D%/sandbox.h \
	%D%/service.c %D%/service.h %D%/worker.c %D%/writer.c
