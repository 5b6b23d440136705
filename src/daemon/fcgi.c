/* SPDX-License-Identifier: ISC */
/*
 * fcgi.c - the door to libfcgi 2.4, and its sharp edges (rules 16 to 19):
 *
 * - It has no read timeout, so we accept ourselves (connections.c), with
 *   timeouts on the socket, and hand it over as an open connection.
 *   keepConnection = 1 before FCGX_Accept_r keeps it from closing the
 *   descriptor at once; listen_sock = -1 keeps it from accepting another by
 *   itself.
 * - On a kept connection it would parse the unread rest of a body as FastCGI
 *   records, and it forgets what its buffer holds of a next request. So we
 *   follow the records that we read for it (struct records), and keep a
 *   connection only if the last byte that was read is the last byte of the
 *   record that ends the body: what comes next is then the peer's next request.
 * - It forgets the padding of BEGIN and of the record that ends PARAMS, and
 *   reads it as records: only nginx, which sends none there, may be the peer.
 * - A peer that stalls inside the parameters makes FCGX_Accept_r return 0
 *   with some of them missing: FCGX_GetError(in) tells.
 * - It takes a read that was interrupted for the end of the connection, and
 *   a write that was short for whole. A process that is stopped and continued
 *   meets both, so we put functions of our own in their place.
 */

#include "fcgi.h"

#include "process.h"

#include <errno.h>
#include <fastcgi.h>
#include <fcgiapp.h>
#include <fcgios.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

/* How long libfcgi waits for the peer to close after the answer: not at all,
 * as fcgi_finish has read the peer's last byte, so that closing resets
 * nothing. */
#define CLOSE_WAIT_MS "0"

#define RECORD_MAX 65535 /* of content in a FastCGI record */
#define LARGE 16384	 /* from here on libfcgi's buffer costs more */
/* So much fits into the peer's socket. More may take long. */
#define LONG_ANSWER (96 * 1024)

struct fcgi {
	struct connections *connections;
	FCGX_Request request;
	bool wants_kept;  /* the peer, by FCGI_KEEP_CONN */
	uint64_t written; /* of the answer, at least */
	uint64_t body_left;
	uint64_t received; /* of the body */
};

/* ---- the connection ---- */

/* Of this process: libfcgi passes a descriptor, and nothing of ours. */
static unsigned io_timeout;
static uint64_t read_calls;

/* Where the bytes read for the present request end among its records (FastCGI
 * 1.0, 3.3). */
static struct records {
	FCGI_Header header;
	size_t header_size; /* bytes of it that have come */
	size_t left;	    /* bytes of content and padding that have not */
	bool is_odd;	    /* it has what libfcgi forgets: see above */
	bool is_at_end;	    /* the last byte ended the body */
} records;

static size_t
least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* A header is there. */
static void
begin_record(void)
{
	const FCGI_Header *header = &records.header;
	size_t content =
	    (size_t)header->contentLengthB1 << 8 | header->contentLengthB0;

	records.left = content + header->paddingLength;
	records.header_size = 0;
	records.is_at_end = header->type == FCGI_STDIN && records.left == 0;
	if (header->paddingLength > 0 &&
	    (header->type == FCGI_BEGIN_REQUEST || content == 0))
		records.is_odd = true;
}

static void
follow_records(struct span bytes)
{
	size_t part;

	while (bytes.size > 0) {
		part = least(bytes.size, records.left);
		records.left -= part;
		bytes = span_from(bytes, part);
		if (bytes.size == 0)
			return;
		if (records.is_at_end)
			records.is_odd = true;
		part = least(
		    bytes.size, sizeof(records.header) - records.header_size);
		memcpy((char *)&records.header + records.header_size,
		    bytes.data, part);
		records.header_size += part;
		records.is_at_end = false;
		bytes = span_from(bytes, part);
		if (records.header_size == sizeof(records.header))
			begin_record();
	}
}

/*
 * A call on the socket failed: does another one follow? The time that a
 * stopped process sleeps is not counted against the peer, since a slice that
 * is interrupted begins anew; so the time is counted in slices.
 */
static bool
goes_on(unsigned *slices)
{
	if (errno == EINTR)
		return true;
	return errno == EAGAIN && ++*slices < io_timeout; /* one is a second */
}

/*
 * libfcgi reads and writes its connections with these two only. They are the
 * library's by name (fcgios.h), and the dynamic linker lets the program's go
 * first; fcgi_open finds out whether it did.
 */
int
OS_Read(int fd, char *data, size_t size)
{
	unsigned slices = 0;
	ssize_t count;

	read_calls++;
	do
		count = read(fd, data, size);
	while (count < 0 && goes_on(&slices));
	if (count > 0)
		follow_records(span_of(data, (size_t)count));
	return (int)count; /* its buffers are shorter than an int counts */
}

/* Without the first bytes of them, which have gone out. */
static void
skip(struct iovec *pieces, size_t count, size_t size)
{
	size_t part, i;

	for (i = 0; i < count; i++) {
		part = size < pieces[i].iov_len ? size : pieces[i].iov_len;
		pieces[i].iov_base = (char *)pieces[i].iov_base + part;
		pieces[i].iov_len -= part;
		size -= part;
	}
}

/*
 * All of it, or false: errno says why. A short write is followed by another:
 * there are few of them, as each took a buffer of the kernel's, and a peer
 * that then takes nothing more uses up its slices.
 */
static bool
write_all(int fd, struct iovec *pieces, size_t count, size_t size)
{
	unsigned slices = 0;
	ssize_t written;

	while (size > 0) {
		written = writev(fd, pieces, (int)count);
		if (written >= 0) {
			skip(pieces, count, (size_t)written);
			size -= (size_t)written;
		} else if (!goes_on(&slices)) {
			return false;
		}
	}
	return true;
}

int
OS_Write(int fd, char *data, size_t size)
{
	struct iovec piece = { data, size };

	return write_all(fd, &piece, 1, size) ? (int)size : -1;
}

/* Let libfcgi read from a connection that has ended already. */
static bool
reads_with_ours(FCGX_Request *request)
{
	uint64_t before = read_calls;
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0)
		return false;
	(void)close(fds[1]);
	request->ipcFd = fds[0];
	request->keepConnection = 1;
	(void)FCGX_Accept_r(request); /* fails, and closes it */
	if (read_calls != before)
		return true;
	errno = ENOTSUP;
	return false;
}

/* ---- open and close ---- */

struct fcgi *
fcgi_open(const struct process *process)
{
	struct fcgi *fcgi;

	if (setenv("LIBFCGI_OS_CLOSE_POLL_TIMEOUT", CLOSE_WAIT_MS, 1) != 0 ||
	    FCGX_Init() != 0)
		return NULL;
	fcgi = calloc(1, sizeof(*fcgi));
	if (fcgi == NULL)
		return NULL;
	io_timeout = process->config->io_timeout;
	process_hold();
	if (FCGX_InitRequest(&fcgi->request, -1, 0) != 0 ||
	    !reads_with_ours(&fcgi->request) ||
	    (fcgi->connections = connections_open(process)) == NULL) {
		free(fcgi);
		return NULL;
	}
	return fcgi;
}

void
fcgi_close(struct fcgi *fcgi)
{
	if (fcgi == NULL)
		return;
	connections_close(fcgi->connections);
	FCGX_Free(&fcgi->request, 1);
	free(fcgi);
}

/* ---- a request comes ---- */

enum arrival
fcgi_accept(struct fcgi *fcgi)
{
	return connections_wait(fcgi->connections, &fcgi->request.ipcFd);
}

static bool
is_responder(const FCGX_Request *request)
{
	const char *role = FCGX_GetParam("FCGI_ROLE", request->envp);

	return role != NULL && span_is(span_str(role), "RESPONDER");
}

bool
fcgi_receive(struct fcgi *fcgi)
{
	FCGX_Request *request = &fcgi->request;

	fcgi->received = 0;
	fcgi->written = 0;
	records = (struct records){ 0 };
	request->keepConnection = 1;
	/* It closes the connection itself when it fails. */
	if (FCGX_Accept_r(request) != 0) {
		connections_end(fcgi->connections, false);
		return false;
	}
	fcgi->wants_kept = request->keepConnection != 0;
	request->keepConnection = 0;
	if (FCGX_GetError(request->in) != 0 || !is_responder(request)) {
		fcgi_abort(fcgi);
		return false;
	}
	return true;
}

char *const *
fcgi_parameters(const struct fcgi *fcgi)
{
	return fcgi->request.envp;
}

/* ---- its body ---- */

/*
 * What is the matter with a body that did not come as it was announced?
 * libfcgi's own codes are negative, and say that the peer sent something
 * else; the system's, that nothing came.
 */
static enum result
body_fault(const struct fcgi *fcgi)
{
	return FCGX_GetError(fcgi->request.in) > 0 ? RESULT_STALLED
						   : RESULT_MALFORMED;
}

static enum result
body_end(struct fcgi *fcgi)
{
	char byte;

	if (FCGX_GetStr(&byte, 1, fcgi->request.in) != 0 ||
	    FCGX_GetError(fcgi->request.in) != 0)
		return body_fault(fcgi);
	return RESULT_END;
}

static enum result
body_read(void *source, char *data, size_t size, size_t *ret_size)
{
	struct fcgi *fcgi = source;
	int count;

	if (fcgi->body_left == 0)
		return body_end(fcgi);
	if (size > fcgi->body_left)
		size = (size_t)fcgi->body_left;
	if (size > INT32_MAX)
		size = INT32_MAX;
	count = FCGX_GetStr(data, (int)size, fcgi->request.in);
	if (count <= 0 || FCGX_GetError(fcgi->request.in) != 0)
		return body_fault(fcgi);
	fcgi->body_left -= (uint64_t)count;
	fcgi->received += (uint64_t)count;
	*ret_size = (size_t)count;
	return RESULT_OK;
}

struct body
fcgi_body(struct fcgi *fcgi, uint64_t length)
{
	fcgi->body_left = length;
	return (struct body){ .source = fcgi, .read = body_read };
}

uint64_t
fcgi_received(const struct fcgi *fcgi)
{
	return fcgi->received;
}

/* ---- its answer ---- */

/* One record of the answer, at most RECORD_MAX bytes (FastCGI 1.0, 3.3). */
static bool
write_record(const FCGX_Request *request, struct span bytes)
{
	FCGI_Header header = {
		.version = FCGI_VERSION_1,
		.type = FCGI_STDOUT,
		.requestIdB1 = (unsigned char)(request->requestId >> 8 & 0xff),
		.requestIdB0 = (unsigned char)(request->requestId & 0xff),
		.contentLengthB1 = (unsigned char)(bytes.size >> 8),
		.contentLengthB0 = (unsigned char)(bytes.size & 0xff),
	};
	struct iovec pieces[] = {
		{ &header, sizeof(header) },
		{ (void *)(uintptr_t)bytes.data, bytes.size },
	};

	return write_all(
	    request->ipcFd, pieces, 2, sizeof(header) + bytes.size);
}

void
fcgi_share(struct fcgi *fcgi)
{
	connections_share(fcgi->connections);
}

bool
fcgi_write(struct fcgi *fcgi, struct span bytes)
{
	bool is_out;
	size_t size;

	fcgi->written += bytes.size;
	if (fcgi->written > LONG_ANSWER)
		fcgi_share(fcgi);
	if (bytes.size < LARGE)
		return bytes.size == 0 ||
		       FCGX_PutStr(bytes.data, (int)bytes.size,
			   fcgi->request.out) == (int)bytes.size;
	/* Past libfcgi's buffer, which is 8 KiB, a record and a write each. */
	is_out = FCGX_FFlush(fcgi->request.out) == 0;
	while (bytes.size > 0 && is_out) {
		size = bytes.size < RECORD_MAX ? bytes.size : RECORD_MAX;
		is_out =
		    write_record(&fcgi->request, span_of(bytes.data, size));
		bytes = span_from(bytes, size);
	}
	return is_out;
}

/* Is the connection where the peer's next request begins? */
static bool
is_clean(const struct fcgi *fcgi)
{
	return records.is_at_end && !records.is_odd &&
	       FCGX_GetError(fcgi->request.in) == 0 &&
	       connections_has_room(fcgi->connections);
}

bool
fcgi_finish(struct fcgi *fcgi, bool may_keep)
{
	FCGX_Request *request = &fcgi->request;
	char scrap[8192];
	bool is_out, is_kept;

	/* A peer that still sends could not take the answer: closing a socket
	 * with unread bytes resets the connection. */
	while (FCGX_GetStr(scrap, sizeof(scrap), request->in) > 0)
		continue;
	is_kept = may_keep && fcgi->wants_kept && is_clean(fcgi);
	/* What is left and the end of the request go out in one write. err
	 * first: the last stream to close is the one that ends the request. */
	(void)FCGX_FClose(request->err);
	is_out = FCGX_FClose(request->out) == 0;
	is_kept = is_kept && is_out;
	request->keepConnection = is_kept;
	if (!is_kept)
		connections_end(fcgi->connections, false);
	FCGX_Finish_r(request);
	request->ipcFd = -1; /* it stays there when it is kept */
	if (is_kept)
		connections_end(fcgi->connections, true);
	return is_out;
}

void
fcgi_abort(struct fcgi *fcgi)
{
	FCGX_Request *request = &fcgi->request;

	/* So nothing more goes out, not even the end of the request. Not
	 * SHUT_RDWR, which the sandbox kills for. */
	(void)shutdown(request->ipcFd, SHUT_WR);
	request->keepConnection = 0;
	connections_end(fcgi->connections, false);
	FCGX_Finish_r(request);
}
