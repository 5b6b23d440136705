# SPDX-License-Identifier: ISC

noinst_LIBRARIES += libdaemon.a
libdaemon_a_CFLAGS = $(AM_CFLAGS) $(BANNED)
libdaemon_a_SOURCES = \
	%D%/children.c %D%/fcgi.c %D%/fcgi.h %D%/listen.c %D%/listen.h \
	%D%/master.c %D%/master.h %D%/master_state.h %D%/notify.c \
	%D%/notify.h %D%/process.c %D%/process.h %D%/sandbox.c \
	%D%/sandbox.h %D%/watch.c %D%/worker.c %D%/worker.h %D%/writer.c \
	%D%/writer.h
