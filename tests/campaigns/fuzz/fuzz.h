/* SPDX-License-Identifier: ISC */
/*
 * fuzz.h - what the targets share: an input, and what must hold of it.
 */
#ifndef FUZZ_H
#define FUZZ_H

#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>

struct store;

/* libFuzzer's entry points; a fault is a crash. The first is optional. */
int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define DEMAND(condition) \
	do { \
		if (!(condition)) { \
			dprintf(2, "not so: %s\n", #condition); \
			abort(); \
		} \
	} while (0)

/* An empty LMDB store to write, whose directory is already gone again. */
struct store *fuzz_open_lmdb(void);

/* What artifactctl says to people goes nowhere from now on. */
void fuzz_hush(void);

#endif
