/* SPDX-License-Identifier: ISC */
/*
 * fuzz_fcgi.c - the bytes of a connection, through a listening socket and
 * daemon/fcgi.c, as a worker serves them: accept, receive, parse, read the body
 * to its end, answer, finish. The peer has sent everything, so nothing waits.
 * Another worker has the only turn, so that a connection that is to be kept goes
 * to the pool.
 *
 * One request is served of a connection, and no descriptor stays open. A body
 * has CONTENT_LENGTH bytes, or there is an error. The bytes sent back are
 * records, with the answer and one end. When a plain reader of the records
 * (fcgi_plain.c) takes the first of them for one request, daemon/fcgi.c does so
 * too. When the connection is kept, what is left unread in it begins behind the
 * empty record that ends the body.
 *
 * libfcgi is Debian's, without sanitizers. It dies in two ways, which
 * doc/rules.md 17 allows: it asserts that it gets memory, of which a parameter
 * may claim 2 GiB, and it writes past a buffer when FCGI_GET_VALUES has many
 * names. The target returns from the first by __assert_fail. It cannot return
 * from the second, so it gives such a record a type that libfcgi does not know.
 * Every other death is a fault of artifactd. Nor may so many records come that
 * libfcgi answers one by one that the socket is full, and the worker waits for
 * the peer.
 */
#include "fcgi_plain.h"

#include "base/rights.h"
#include "daemon/fcgi.h"
#include "daemon/process.h"
#include "api/request.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define SECRET "complete" /* as in the corpus */
#define MOST 100000    /* what a socket takes from a peer that does not wait */
#define HEADER 8       /* of a record */
#define VALUES_SAFE 59 /* four names that libfcgi knows are 60 bytes */
/* Each answer takes a kilobyte of the socket, which is to have room for the
 * long answer of a worker, too: the peer reads nothing before the end. */
#define ANSWERED_SAFE 100

static const struct config config = { .io_timeout = 1 };
static struct process process = { .config = &config };
static struct sockaddr_un address;
static socklen_t address_size = sizeof(address);
static struct fcgi *fcgi;

/* ---- libfcgi's death ---- */

static jmp_buf death;

void __assert_fail(const char *assertion, const char *file, unsigned line,
    const char *function) __attribute__((noreturn));
const char *__asan_default_options(void);
const char *__lsan_default_suppressions(void);
int __lsan_is_turned_off(void);

void
__assert_fail(const char *assertion, const char *file, unsigned line,
    const char *function)
{
	if (strcmp(file, "fcgiapp.c") == 0 &&
	    strcmp(assertion, "size == 0 || result != ((void *)0)") == 0)
		longjmp(death, 1);
	fprintf(
	    stderr, "%s:%u: %s: not so: %s\n", file, line, function, assertion);
	abort();
}

/* What no request of nginx comes near, instead of a fault of libFuzzer's. */
const char *
__asan_default_options(void)
{
	return "max_allocation_size_mb=64:allocator_may_return_null=1";
}

/*
 * It leaks 48 bytes for each management record that it does not know. To
 * tell them from leaks of ours takes milliseconds: once, at the end.
 */
static int is_fuzzing = 1;

static void
end_fuzzing(void)
{
	is_fuzzing = 0;
}

int
__lsan_is_turned_off(void)
{
	return is_fuzzing;
}

const char *
__lsan_default_suppressions(void)
{
	return "leak:libfcgi.so";
}

/* ---- the peer ---- */

/*
 * What libfcgi takes for a record begins anywhere: it forgets some paddings, and
 * then reads them as records. Of bytes that hold no record, too few are changed
 * to matter.
 */
static bool
may_begin_record(const char *bytes, size_t size, size_t at)
{
	return size - at >= HEADER && bytes[at] == 1;
}

static void
spare_get_values(char *bytes, size_t size)
{
	size_t i;

	for (i = 0; i < size; i++)
		if (may_begin_record(bytes, size, i) &&
		    bytes[i + 1] == FCGI_PLAIN_GET_VALUES &&
		    (bytes[i + 4] != 0 ||
			(unsigned char)bytes[i + 5] > VALUES_SAFE))
			bytes[i + 1] = FCGI_PLAIN_UNKNOWN;
}

/* libfcgi answers a record at once that begins another request, or belongs to
 * none. After too many it gets one of a version that it does not know. */
static void
spare_socket(char *bytes, size_t size)
{
	size_t i, answered = 0;

	for (i = 0; i < size; i++) {
		if (!may_begin_record(bytes, size, i) ||
		    (bytes[i + 1] != FCGI_PLAIN_BEGIN &&
			(bytes[i + 2] != 0 || bytes[i + 3] != 0)))
			continue;
		if (++answered > ANSWERED_SAFE)
			bytes[i] = 0;
		i += HEADER - 1;
	}
}

static int
connect_and_send(struct span bytes)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	DEMAND(fd >= 0);
	DEMAND(connect(fd, (void *)&address, address_size) == 0);
	DEMAND(send(fd, bytes.data, bytes.size, MSG_DONTWAIT) ==
	       (ssize_t)bytes.size);
	DEMAND(shutdown(fd, SHUT_WR) == 0);
	return fd;
}

/* All that comes back, up to the end of the connection. */
static struct span
read_answer(struct arena *arena, int fd)
{
	struct buffer answer;
	char piece[65536];
	ssize_t size;

	buffer_init(&answer, arena);
	while ((size = recv(fd, piece, sizeof(piece), MSG_DONTWAIT)) > 0)
		buffer_append(&answer, span_of(piece, (size_t)size));
	/* A reset is an end, too: bytes of ours were left unread. */
	DEMAND(size == 0 || errno == ECONNRESET);
	return buffer_span(&answer);
}

/* ---- a worker ---- */

struct served {
	bool is_received;
	bool is_parsed;
	struct request request;
	size_t parameters;
	enum result body_result;
	struct span body;
	struct span answer;
	bool is_kept;
	size_t unread; /* of what the peer sent, where it is kept */
};

static void
read_body(struct arena *arena, struct served *served)
{
	static const size_t sizes[] = { 1, 7, 100, 5000 };
	struct request *request = &served->request;
	enum result result = RESULT_OK;
	char piece[5000];
	struct buffer buffer;
	size_t i, size = 0;

	buffer_init(&buffer, arena);
	request->body = fcgi_body(fcgi, request->content_length);
	for (i = 0; result == RESULT_OK; i++) {
		result = request->body.read(
		    request->body.source, piece, sizes[i % 4], &size);
		if (result == RESULT_OK) {
			DEMAND(size > 0 && size <= sizes[i % 4]);
			buffer_append(&buffer, span_of(piece, size));
		}
	}
	DEMAND(result == RESULT_END || result == RESULT_MALFORMED);
	DEMAND(buffer.size <= request->content_length);
	DEMAND(result == RESULT_MALFORMED ||
	       buffer.size == request->content_length);
	served->body_result = result;
	served->body = arena_copy(arena, buffer_span(&buffer));
}

/* Some answers small, some past libfcgi's buffer. */
static void
answer(struct arena *arena, struct served *served)
{
	size_t size = served->body.size % 8 == 4 ? 70000 : 100;
	char *text = arena_alloc(arena, size);

	memset(text, 'x', size);
	served->answer = span_of(text, size);
	DEMAND(fcgi_write(fcgi, span_of(text, 60)));
	DEMAND(fcgi_write(fcgi, span_of(text + 60, size - 60)));
	DEMAND(fcgi_finish(fcgi, served->is_parsed));
}

static void
serve_connection(struct arena *arena, struct served *served)
{
	char *const *parameters;
	const char *reason = NULL;

	if (!fcgi_receive(fcgi))
		return;
	served->is_received = true;
	parameters = fcgi_parameters(fcgi);
	while (parameters[served->parameters] != NULL)
		served->parameters++;
	served->is_parsed = request_parse(arena, parameters, SPAN(SECRET),
				&served->request, &reason) == REQUEST_GOOD;
	if (served->is_parsed)
		read_body(arena, served);
	answer(arena, served);
}

/* A connection that is kept is in the pool. */
static void
look_what_is_left(struct served *served)
{
	int fd, unread;

	if (!rights_take(process.pool.take_fd, &fd))
		return;
	DEMAND(ioctl(fd, FIONREAD, &unread) == 0);
	served->is_kept = true;
	served->unread = (size_t)unread;
	close(fd);
}

/* false: libfcgi died, and another worker takes its place. */
static bool
work(struct arena *arena, struct served *served)
{
	*served = (struct served){ .is_received = false };
	if (setjmp(death) == 0) {
		DEMAND(fcgi_accept(fcgi) == ARRIVAL_PEER);
		serve_connection(arena, served);
		look_what_is_left(served);
		return true;
	}
	fcgi_close(fcgi);
	fcgi = fcgi_open(&process);
	DEMAND(fcgi != NULL);
	return false;
}

/* ---- what must hold ---- */

static void
demand_answer(
    struct arena *arena, const struct served *served, struct span bytes)
{
	struct fcgi_record record;
	struct buffer out;
	size_t at = 0, ends = 0;

	buffer_init(&out, arena);
	while (fcgi_record_at(bytes, at, &record)) {
		if (record.type == FCGI_PLAIN_STDOUT)
			buffer_append(&out, record.content);
		/* FCGI_CANT_MPX_CONN refuses a second one meanwhile. */
		if (record.type == FCGI_PLAIN_END &&
		    record.content.data[4] == 0)
			ends++;
		at = record.end;
	}
	DEMAND(at == bytes.size);
	DEMAND(ends == (served->is_received ? 1 : 0));
	DEMAND(span_equal(buffer_span(&out), served->answer));
}

static void
demand_plain(
    struct arena *arena, const struct served *served, struct span bytes)
{
	struct request request;
	const char *reason;
	struct fcgi_plain plain;

	if (!fcgi_plain_read(arena, bytes, &plain))
		return;
	DEMAND(served->is_received);
	/* libfcgi puts FCGI_ROLE before them. */
	DEMAND(served->parameters == plain.count + 1);
	DEMAND(served->is_parsed ==
	       (request_parse(arena, plain.parameters, SPAN(SECRET), &request,
		    &reason) == REQUEST_GOOD));
	if (!served->is_parsed)
		return;
	DEMAND(span_equal(served->request.target, request.target));
	DEMAND((served->body_result == RESULT_END) ==
	       (request.content_length == plain.body.size));
	DEMAND(served->body_result != RESULT_END ||
	       span_equal(served->body, plain.body));
}

/* Where records end, and libfcgi has read all of one request. */
static void
demand_left(struct arena *arena, const struct served *served, struct span bytes)
{
	struct fcgi_record record = { .type = 0 };
	struct fcgi_plain plain;
	size_t at = 0, end = bytes.size - served->unread;

	if (!served->is_kept)
		return;
	while (at < end && fcgi_record_at(bytes, at, &record))
		at = record.end;
	DEMAND(at == end);
	DEMAND(record.type == FCGI_PLAIN_STDIN && record.content.size == 0);
	DEMAND(!fcgi_plain_read(arena, bytes, &plain) || plain.end == end);
}

/* ---- the target ---- */

static void
make_process(void)
{
	struct scoreboard *scoreboard = scoreboard_open();
	int control[2];

	DEMAND(scoreboard != NULL);
	DEMAND(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, control) == 0);
	DEMAND(pool_open(&process.pool));
	process.control_fd = control[1]; /* the other end stays open */
	process.scoreboard = scoreboard;
	process.slot = &scoreboard->slots[0];
	slot_occupy(&scoreboard->slots[0], 1);
	slot_occupy(&scoreboard->slots[1], 2);
	DEMAND(slot_begin_turn(scoreboard, &scoreboard->slots[1]));
}

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	int listener;

	(void)argc;
	(void)argv;
	(void)signal(SIGPIPE, SIG_IGN);
	DEMAND(atexit(end_fuzzing) == 0);
	address.sun_family = AF_UNIX;
	listener = socket(AF_UNIX, SOCK_STREAM, 0);
	DEMAND(listener >= 0);
	/* The kernel finds it a name (unix(7), autobind). */
	DEMAND(bind(listener, (void *)&address, sizeof(sa_family_t)) == 0);
	DEMAND(listen(listener, 5) == 0);
	DEMAND(getsockname(listener, (void *)&address, &address_size) == 0);
	make_process();
	process.listen_fd = listener;
	fcgi = fcgi_open(&process);
	DEMAND(fcgi != NULL);
	return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_open();
	struct served served;
	struct span bytes;
	int peer, before = dup(0); /* the lowest that is free */

	if (size > MOST)
		size = MOST;
	bytes = arena_copy(arena, span_of(data, size));
	spare_get_values((char *)(uintptr_t)bytes.data, size);
	spare_socket((char *)(uintptr_t)bytes.data, size);
	peer = connect_and_send(bytes);
	if (work(arena, &served)) {
		demand_answer(arena, &served, read_answer(arena, peer));
		demand_plain(arena, &served, bytes);
		demand_left(arena, &served, bytes);
	}
	close(peer);
	close(before);
	DEMAND(dup(0) == before);
	close(before);
	arena_close(arena);
	return 0;
}
