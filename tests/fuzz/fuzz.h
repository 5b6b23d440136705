/* SPDX-License-Identifier: ISC */
/*
 * fuzz.h - what the targets share: an input, and what must hold of it.
 */
#ifndef FUZZ_H
#define FUZZ_H

#include "mem.h"

#include <stdio.h>
#include <stdlib.h>

/* libFuzzer's entry point; a fault is a crash. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define DEMAND(condition) \
	do { \
		if (!(condition)) { \
			fprintf(stderr, "not so: %s\n", #condition); \
			abort(); \
		} \
	} while (0)

#endif
