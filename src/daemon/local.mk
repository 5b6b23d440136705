# SPDX-License-Identifier: ISC

noinst_LIBRARIES += libdaemon.a
libdaemon_a_CFLAGS = $(AM_CFLAGS) $(BANNED)
libdaemon_a_SOURCES = \
	%D%/fcgi.c %D%/fcgi.h %D%/listen.c %D%/listen.h %D%/master.c \
	%D%/master.h %D%/master_channels.c %D%/master_children.c \
	%D%/master_notes.c %D%/master_reload.c %D%/master_state.h \
	%D%/master_throttle.c %D%/master_watch.c %D%/notify.c %D%/notify.h \
	%D%/process.c %D%/process.h %D%/sandbox.c %D%/sandbox.h \
	%D%/worker.c %D%/worker.h %D%/writer.c \
	%D%/writer.h %D%/writer_count.c %D%/writer_start.c
