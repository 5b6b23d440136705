/* SPDX-License-Identifier: ISC */
/* fuzz.c - what targets share beyond fuzz.h. */
#include "fuzz.h"

#include "store/lmdb/lmdb.h"

#include <unistd.h>

#define MAP_SIZE (16 << 20)

/* The real one is made from doc/openapi.json, and nobody parses it. */
extern const char openapi_json[];
const char openapi_json[] = "{}";

struct store *
fuzz_open_lmdb(void)
{
	static const char *const names[] = { "data.mdb", "lock.mdb", "format" };
	/* On a disk, each commit would wait for it. */
	const char *parent =
	    access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
	struct store_lmdb_options options = { .may_create = true,
		.map_size = MAP_SIZE };
	char directory[200], path[256], error[256];
	struct store *store = NULL;
	size_t i;

	(void)snprintf(
	    directory, sizeof(directory), "%s/artifactd-fuzz.XXXXXX", parent);
	DEMAND(mkdtemp(directory) != NULL);
	options.directory = directory;
	DEMAND(store_lmdb_open_writer(&options, error, &store) == RESULT_OK);
	/* LMDB has them open. */
	for (i = 0; i < sizeof(names) / sizeof(*names); i++) {
		(void)snprintf(
		    path, sizeof(path), "%s/%s", directory, names[i]);
		DEMAND(unlink(path) == 0);
	}
	DEMAND(rmdir(directory) == 0);
	return store;
}

void
fuzz_hush(void)
{
	stdout = fopen("/dev/null", "we");
	stderr = stdout;
	DEMAND(stdout != NULL);
}
