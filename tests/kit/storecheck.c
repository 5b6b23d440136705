/* SPDX-License-Identifier: ISC */
/*
 * storecheck.c - check that the store in a directory is whole. Campaigns run it
 * when the daemon has stopped, or with -r while it runs.
 *
 *	storecheck [-r] DIRECTORY
 *
 * It prints a line for each problem, and exits 0 when there is none.
 */
#include "store/lmdb/lmdb.h"

#include <stdio.h>

static void
print_problem(void *object, const struct store_problem *problem)
{
	(void)object;
	puts(problem->line);
}

static enum result
open_store(int argc, char **argv, char error[256], struct store **ret_store)
{
	struct store_lmdb_options options = { .directory = argv[1] };

	if (argc == 3 && strcmp(argv[1], "-r") == 0)
		return store_lmdb_open_reader(argv[2], error, ret_store);
	return store_lmdb_open_writer(&options, error, ret_store);
}

int
main(int argc, char **argv)
{
	struct store *store;
	struct store_stat stat;
	struct store_check check = { .is_deep = true, .report = print_problem };
	char error[256] = "no libsodium";

	if (argc != 2 && argc != 3)
		return 2;
	if (!digest_init() ||
	    open_store(argc, argv, error, &store) != RESULT_OK) {
		puts(error);
		return 1;
	}
	if (store_lmdb_check(store, &check) != RESULT_OK ||
	    store_stat(store, &stat) != RESULT_OK) {
		puts(store_reason(store));
		return 1;
	}
	printf("%llu artifacts, %llu problems\n",
	    (unsigned long long)stat.artifacts,
	    (unsigned long long)check.problems);
	store_close(store);
	return check.problems != 0;
}
