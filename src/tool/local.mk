# SPDX-License-Identifier: ISC

noinst_LIBRARIES += libtool-frame.a
libtool_frame_a_CPPFLAGS = $(AM_CPPFLAGS) $(CTL_CFLAGS)
libtool_frame_a_CFLAGS = $(AM_CFLAGS) -DIS_TOOL $(BANNED)
libtool_frame_a_SOURCES = \
	%D%/ctl.h %D%/help.c %D%/options.c %D%/output.c %D%/output.h \
	%D%/program.c %D%/program.h %D%/progress.c %D%/progress.h %D%/set.c \
	%D%/set.h
