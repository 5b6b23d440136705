/* SPDX-License-Identifier: ISC */
/*
 * floor.c - the least that an upload has to do: hash, write and sync the same
 * bytes, one after the other.
 *
 *	bench-floor DIRECTORY BYTES ROUNDS	prints the median, seconds
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

/* last: the system wants its own base/limits.h first */
#include <sodium.h>

#define ROUNDS_MOST 1000

static double
now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static double
one_round(const char *path, const unsigned char *bytes, size_t size)
{
	unsigned char hash[crypto_hash_sha256_BYTES];
	double began = now();
	int fd;

	crypto_hash_sha256(hash, bytes, size);
	fd = open(path, O_CREAT | O_WRONLY | O_TRUNC, 0600);
	if (fd < 0 || write(fd, bytes, size) != (ssize_t)size ||
	    fdatasync(fd) != 0) {
		perror(path);
		exit(1);
	}
	close(fd);
	return now() - began;
}

static int
compare(const void *one, const void *other)
{
	double a = *(const double *)one, b = *(const double *)other;

	return a < b ? -1 : a > b;
}

int
main(int argc, char **argv)
{
	static double seconds[ROUNDS_MOST];
	char path[4096];
	unsigned char *bytes;
	size_t size, rounds, i;

	if (argc != 4 || sodium_init() < 0)
		return 2;
	size = (size_t)strtoul(argv[2], NULL, 10);
	rounds = (size_t)strtoul(argv[3], NULL, 10);
	bytes = malloc(size + 1);
	if (bytes == NULL || rounds < 1 || rounds > ROUNDS_MOST)
		return 2;
	randombytes_buf(bytes, size);
	snprintf(path, sizeof(path), "%s/floor", argv[1]);
	for (i = 0; i < rounds; i++)
		seconds[i] = one_round(path, bytes, size);
	unlink(path);
	qsort(seconds, rounds, sizeof(seconds[0]), compare);
	printf("%.6f\n", seconds[rounds / 2]);
	return 0;
}
