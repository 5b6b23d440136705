/* SPDX-License-Identifier: ISC */
/*
 * storecheck.c - is the store in a directory whole? For campaigns, when the
 * daemon has stopped.
 *
 *	storecheck DIRECTORY
 *
 * One line for each problem; exits 0 when there is none.
 */
#include "store_lmdb.h"

#include <stdio.h>

static void
print_line(void *object, const char *line)
{
	(void)object;
	puts(line);
}

int
main(int argc, char **argv)
{
	struct store_lmdb_options options = { .reserve = 0 };
	struct store *store;
	struct store_stat stat;
	char error[256];
	uint64_t problems;

	if (argc != 2)
		return 2;
	options.directory = argv[1];
	if (!digest_init() ||
	    store_lmdb_open_writer(&options, error, &store) != RESULT_OK) {
		puts(error);
		return 1;
	}
	if (store_lmdb_check(store, true, print_line, NULL, &problems) !=
		RESULT_OK ||
	    store_stat(store, &stat) != RESULT_OK) {
		puts(store_reason(store));
		return 1;
	}
	printf("%llu artifacts, %llu problems\n",
	    (unsigned long long)stat.artifacts, (unsigned long long)problems);
	store_close(store);
	return problems != 0;
}
