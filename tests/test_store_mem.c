/* SPDX-License-Identifier: ISC */
/* test_store_mem.c - the engine in memory keeps what every engine keeps. */

#include "store_contract.h"
#include "store_mem.h"

#include <criterion/criterion.h>

static const struct subject subject = { .open = store_mem_open };

STORE_CONTRACT(store_mem, &subject)
STORE_CONTRACT_JUDGE(store_mem, &subject)
