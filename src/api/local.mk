# SPDX-License-Identifier: ISC

noinst_LIBRARIES += libapi.a
libapi_a_CFLAGS = $(AM_CFLAGS) $(BANNED)
libapi_a_SOURCES = \
	%D%/artifact.c %D%/body.c %D%/body.h %D%/content.c %D%/create.c \
	%D%/draft.c %D%/draft.h %D%/form.c %D%/form.h %D%/handle.h %D%/id.c \
	%D%/id.h %D%/list.c %D%/metrics.c %D%/raw.c %D%/read.c %D%/read.h \
	%D%/ready.c %D%/request.c %D%/request.h %D%/response.c %D%/response.h \
	%D%/condition.c %D%/router.c %D%/router.h %D%/service.c \
	%D%/upload.c
nodist_libapi_a_SOURCES = openapi_json.c
