# SPDX-License-Identifier: ISC
#
# fuzz.mk - the library and the targets, with clang, libFuzzer, ASan, UBSan.
# run makes it in a directory of its own; TOP is the source tree.

CC = clang
CHECKS = address,undefined -fno-sanitize-recover=all
WARNINGS = -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes \
	-Wmissing-prototypes
FLAGS = -std=gnu17 -O1 -g -fno-omit-frame-pointer -MMD $(WARNINGS) \
	-D_GNU_SOURCE -DWITHOUT_SANDBOX -DLARGE_SIZE=1 \
	-DSYSCONFDIR='"/etc"' \
	-DRUNSTATEDIR='"/run"' -DSTATEDIR='"/var/lib/artifactd"' \
	-DNGINX_DIR='"/usr/share/artifactd/nginx"' \
	-iquote $(TOP)/src -iquote $(TOP)/tests -iquote $(TOP)/tests/campaigns/fuzz \
	$(shell pkg-config --cflags json-c lmdb libsodium libxxhash \
	libconfuse libseccomp libcurl libarchive)
LIBS = $(shell pkg-config --libs json-c lmdb libsodium libconfuse \
	libseccomp libcurl libarchive) -lfcgi

SOURCES = $(filter-out %/main.c %/ctl.c,$(wildcard $(TOP)/src/*/*.c \
	$(TOP)/src/*/*/*.c)) $(wildcard $(TOP)/tests/kit/store_mem*.c) \
	$(addprefix $(TOP)/tests/campaigns/fuzz/,fuzz.c fcgi_plain.c)
OBJECTS = $(patsubst $(TOP)/%.c,%.o,$(SOURCES))

fuzz-%: $(TOP)/tests/campaigns/fuzz/fuzz_%.c libfuzzed.a
	$(CC) $(FLAGS) -fsanitize=fuzzer,$(CHECKS) -o $@ $< libfuzzed.a $(LIBS)

libfuzzed.a: $(OBJECTS)
	rm -f $@
	ar cr $@ $^

# A pattern without a slash would lose the folder.
src/%.o: $(TOP)/src/%.c
	@mkdir -p $(@D)
	$(CC) $(FLAGS) -include $(TOP)/src/base/banned.h -fsanitize=fuzzer-no-link,$(CHECKS) -c -o $@ $<
tests/%.o: $(TOP)/tests/%.c
	@mkdir -p $(@D)
	$(CC) $(FLAGS) -include $(TOP)/src/base/banned.h -fsanitize=fuzzer-no-link,$(CHECKS) -c -o $@ $<

# The tool has no sandbox, and may sort with libc (src/base/banned.h).
src/tool/%.o: FLAGS += -DIS_TOOL

-include $(OBJECTS:.o=.d) $(wildcard *.d)
