# SPDX-License-Identifier: ISC

noinst_LIBRARIES += libtool-doctor.a
libtool_doctor_a_CPPFLAGS = $(AM_CPPFLAGS) $(CTL_CFLAGS)
libtool_doctor_a_CFLAGS = $(AM_CFLAGS) -DIS_TOOL $(BANNED)
libtool_doctor_a_SOURCES = \
	%D%/doctor.c %D%/doctor.h %D%/host.c %D%/nginx.c %D%/store.c
