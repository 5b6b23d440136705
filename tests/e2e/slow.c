/* SPDX-License-Identifier: ISC */
/*
 * slow.c - a preloaded library for a store that is slow, or fails.
 *
 * SLOW_SYNC: milliseconds that each fdatasync takes longer. FAIL_RENEW: the
 * number of the read transaction, in each process, that fails with EIO.
 */
#include <dlfcn.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

static long
setting(const char *name)
{
	const char *value = getenv(name);

	return value != NULL ? strtol(value, NULL, 10) : 0;
}

int
fdatasync(int fd)
{
	static int (*real)(int);

	if (real == NULL)
		real = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
	/* Not a sleep, which no sandbox of ours lets pass. */
	(void)poll(NULL, 0, (int)setting("SLOW_SYNC"));
	return real(fd);
}

int mdb_txn_renew(void *txn);

int
mdb_txn_renew(void *txn)
{
	static int (*real)(void *);
	static long count;

	if (real == NULL)
		real = (int (*)(void *))dlsym(RTLD_NEXT, "mdb_txn_renew");
	if (++count == setting("FAIL_RENEW"))
		return EIO;
	return real(txn);
}
