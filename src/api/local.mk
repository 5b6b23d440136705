# SPDX-License-Identifier: ISC

noinst_LIBRARIES += libapi.a
libapi_a_CFLAGS = $(AM_CFLAGS) $(BANNED)
libapi_a_SOURCES = \
	%D%/artifact.c %D%/body.c %D%/condition.c %D%/create.c \
	%D%/form.c %D%/handle.h %D%/list.c %D%/raw.c \
	%D%/request.c %D%/request.h %D%/response.c %D%/response.h \
	%D%/router.c %D%/router.h %D%/service.c %D%/upload.c
nodist_libapi_a_SOURCES = openapi_json.c
