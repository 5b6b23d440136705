# SPDX-License-Identifier: ISC

noinst_LIBRARIES += libproxy.a
libproxy_a_CFLAGS = $(AM_CFLAGS) $(BANNED)
libproxy_a_SOURCES = %D%/proxy.c %D%/proxy.h %D%/wire.c %D%/wire.h
