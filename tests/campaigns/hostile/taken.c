/* SPDX-License-Identifier: ISC */
/*
 * taken.c - a preloaded library that makes a worker act as if an attacker
 * controlled it, inside the sandbox.
 *
 * TAKEN names a file of 8 bytes, the act that the next worker to accept a
 * connection performs once. For half a second to a few seconds the worker
 *	1	sends messages to the writer, random or made from its own
 *	2	stores at random into LMDB's table of readers
 *	3	lowers the number of the last commit there, after each commit
 *	4	ends at once, with the exit code of a writer that refuses
 *	5	asks for changes in the name of the other workers
 *	6	stores at random in all of lock.mdb that it can reach
 * and ends. tests/unit/daemon/sandbox_acts.c has the acts that the sandbox
 * must prevent.
 */
#include "base/result.h"
#include "base/scoreboard.h"

#include <dlfcn.h>
#include <endian.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define NEXT(name) ((__typeof__(&name))next_##name)
#define SAMPLES 16
#define SAMPLE 4096
/* In lock.mdb of LMDB 0.9: struct MDB_txninfo. */
#define LAST_COMMIT (8 + sizeof(pthread_mutex_t))
#define TABLE 128 /* its readers begin behind its head and mutexes */

static void *next_open, *next_mmap, *next_recvmsg, *next_send, *next_accept4;
static _Atomic uint64_t *order;
static int lock_fd = -1, channel = -1;
static volatile uint8_t *lock_map;
static size_t lock_size;
static struct scoreboard *board;
static char samples[SAMPLES][SAMPLE];
static size_t sizes[SAMPLES], sample_count;
static uint64_t state;

__attribute__((constructor)) static void
start(void)
{
	int fd;

	next_open = dlsym(RTLD_NEXT, "open");
	next_mmap = dlsym(RTLD_NEXT, "mmap");
	next_recvmsg = dlsym(RTLD_NEXT, "recvmsg");
	next_send = dlsym(RTLD_NEXT, "send");
	next_accept4 = dlsym(RTLD_NEXT, "accept4");
	if (getenv("TAKEN") == NULL)
		return;
	fd = NEXT(open)(getenv("TAKEN"), O_RDWR | O_CLOEXEC);
	order = NEXT(mmap)(
	    NULL, sizeof(*order), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (fd < 0 || order == MAP_FAILED)
		abort();
	(void)close(fd);
}

static uint64_t
random_number(uint64_t bound)
{
	state = state * 6364136223846793005 + 1442695040888963407;
	return (state >> 33) % bound;
}

static void
send_nonsense(void)
{
	static char message[SAMPLE];
	size_t size = random_number(200) + 1;
	size_t sample, i, changes = random_number(6);

	if (sample_count > 0 && random_number(4) != 0) {
		sample = random_number(sample_count);
		memcpy(message, samples[sample], sizes[sample]);
		size = sizes[sample];
		if (random_number(8) == 0)
			size = random_number(size) + 1;
	} else {
		for (i = 0; i < size; i++)
			message[i] = (char)random_number(256);
		message[0] = (char)random_number(8);
	}
	for (i = 0; i < changes; i++)
		message[random_number(size)] ^= (char)(1 << random_number(8));
	(void)NEXT(send)(channel, message, size, MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* A create that it sent before, as an update of nothing: see model/change.c. */
static size_t
make_update(char *message, uint64_t number, uint64_t incarnation)
{
	size_t sample = 0;

	while (sample < sample_count &&
	       (samples[sample][0] != 2 || samples[sample][1] != 1))
		sample++;
	if (sample == sample_count)
		return 0;
	memcpy(message, samples[sample], sizes[sample]);
	message[1] = 2;
	number = htobe64(number);
	memcpy(message + 2, &number, sizeof(number));
	incarnation = htobe64(incarnation);
	memcpy(message + 10, &incarnation, sizeof(incarnation));
	memcpy(message + 26, samples[sample] + 48, 16); /* the id */
	message[42] = 0;
	return sizes[sample];
}

/* Did the writer make the change to this id? It may have known the number,
 * and answer with what was made then. */
static bool
is_made(const char *id)
{
	static char answer[SAMPLE];
	struct iovec part = { answer, sizeof(answer) };
	struct msghdr header = { .msg_iov = &part, .msg_iovlen = 1 };

	if (NEXT(recvmsg)(channel, &header, 0) <= 0)
		_exit(1);
	return answer[0] == 4 /* WIRE_ANSWER */ && answer[9] == RESULT_OK &&
	       memcmp(answer + 10, id, 16) == 0;
}

/*
 * A number that another worker had is refused, so the first that is not is
 * that of its next change; and that will be answered as if it were this one.
 */
static void
speak_for_others(void)
{
	static uint64_t numbers[SCOREBOARD_WORKERS];
	static char message[SAMPLE];
	size_t i, size, sent = 0, slots[SCOREBOARD_WORKERS];
	struct slot *slot;

	for (i = 0; board != NULL && i < SCOREBOARD_WORKERS; i++) {
		slot = &board->slots[i];
		if (slot->incarnation == 0 || slot->pid == getpid() ||
		    numbers[i] == UINT64_MAX)
			continue;
		if (numbers[i] == 0)
			numbers[i] = slot->requests / 2 + 1;
		size = make_update(message, numbers[i], slot->incarnation);
		if (NEXT(send)(channel, message, size, MSG_NOSIGNAL) > 0)
			slots[sent++] = i;
	}
	for (i = 0; i < sent; i++)
		numbers[slots[i]] =
		    is_made(message + 26) ? UINT64_MAX : numbers[slots[i]] + 1;
}

static void
store_nonsense(size_t from, size_t to)
{
	if (lock_map != NULL)
		lock_map[from + random_number(to - from)] =
		    (uint8_t)random_number(256);
}

/* So the next commit would take the place of the last one. */
static void
lower_number(void)
{
	static uint64_t lowered;
	volatile uint64_t *number;

	if (lock_map == NULL)
		return;
	number = (volatile uint64_t *)(lock_map + LAST_COMMIT);
	if (*number != lowered)
		lowered = --*number;
}

static void
act(uint64_t what)
{
	struct timespec now;
	time_t until;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	state = (uint64_t)now.tv_nsec * 0x9e3779b97f4a7c15;
	until = now.tv_sec + (what == 5 ? 4 : 1);
	if (what == 4)
		_exit(78); /* PROCESS_REFUSED */
	while (now.tv_sec < until) {
		if (what == 1)
			send_nonsense();
		else if (what == 2)
			store_nonsense(TABLE, TABLE + 64 * 24);
		else if (what == 3)
			lower_number();
		else if (what == 5)
			speak_for_others();
		else
			store_nonsense(0, lock_size);
		(void)clock_gettime(CLOCK_MONOTONIC, &now);
	}
	_exit(1);
}

/* ---- what is taken over ---- */

int
open(const char *path, int flags, ...)
{
	const char *name = strrchr(path, '/');
	int fd = NEXT(open)(path, flags, 0600);

	if (name != NULL && strcmp(name, "/lock.mdb") == 0)
		lock_fd = fd;
	return fd;
}

void *
mmap(void *address, size_t size, int protection, int flags, int fd, off_t at)
{
	void *map = NEXT(mmap)(address, size, protection, flags, fd, at);

	if (size == sizeof(*board) && (flags & MAP_ANONYMOUS) != 0)
		board = map;
	if (fd >= 0 && fd == lock_fd) {
		lock_map = map;
		lock_size = size;
	}
	return map;
}

ssize_t
recvmsg(int fd, struct msghdr *header, int flags)
{
	ssize_t size = NEXT(recvmsg)(fd, header, flags);
	struct cmsghdr *item = size > 0 ? CMSG_FIRSTHDR(header) : NULL;

	if (item != NULL && item->cmsg_type == SCM_RIGHTS)
		memcpy(&channel, CMSG_DATA(item), sizeof(channel));
	return size;
}

ssize_t
send(int fd, const void *message, size_t size, int flags)
{
	size_t at = sample_count % SAMPLES;

	if (fd == channel && size <= SAMPLE && sample_count < SAMPLES) {
		memcpy(samples[at], message, size);
		sizes[at] = size;
		sample_count++;
	}
	return NEXT(send)(fd, message, size, flags);
}

int
accept4(int fd, struct sockaddr *address, socklen_t *size, int flags)
{
	int connection = NEXT(accept4)(fd, address, size, flags);
	uint64_t what;

	/* One that has a channel, and knows what messages look like. */
	if (order != NULL && channel >= 0 && sample_count > 3 && *order != 0) {
		what = atomic_exchange(order, 0);
		if (what != 0)
			act(what);
	}
	return connection;
}
