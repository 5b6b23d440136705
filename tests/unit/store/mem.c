/* SPDX-License-Identifier: ISC */
/* mem.c - the engine in memory keeps what every engine keeps. */

#include "kit/store_contract.h"
#include "kit/store_mem.h"

#include <criterion/criterion.h>

static const struct subject subject = { .open = store_mem_open };

STORE_CONTRACT(store_mem, &subject)
STORE_CONTRACT_JUDGE(store_mem, &subject)
