# SPDX-License-Identifier: ISC

noinst_LIBRARIES += libbase.a
libbase_a_CFLAGS = $(AM_CFLAGS) $(BANNED)
libbase_a_SOURCES = \
	%D%/banned.h %D%/digest.c %D%/digest.h %D%/limits.h %D%/log.c \
	%D%/log.h %D%/mem.c %D%/mem.h %D%/metrics.c %D%/metrics.def \
	%D%/metrics.h %D%/pack.c %D%/pack.h %D%/result.c %D%/result.h \
	%D%/rights.c %D%/rights.h %D%/scoreboard.c %D%/scoreboard.h
