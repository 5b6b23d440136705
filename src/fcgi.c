/* SPDX-License-Identifier: ISC */
/*
 * fcgi.c - the door to libfcgi 2.4, and its sharp edges (RELIABILITY 16-19):
 *
 * - It has no read timeout, so we accept ourselves, set timeouts on the
 *   socket, and hand it over as an open connection. keepConnection = 1 before
 *   FCGX_Accept_r keeps it from closing the descriptor at once;
 *   listen_sock = -1 keeps it from accepting another by itself.
 * - On a kept connection it would parse the unread rest of a body as FastCGI
 *   records: keepConnection = 0 before every finish, whatever the peer asked.
 * - It forgets the padding of BEGIN and of the record that ends PARAMS, and
 *   reads it as records: only nginx, which sends none there, may be the peer.
 * - A peer that stalls inside the parameters makes FCGX_Accept_r return 0
 *   with some of them missing: FCGX_GetError(in) tells.
 */

#include "fcgi.h"

#include "process.h"

#include <errno.h>
#include <fastcgi.h>
#include <fcgiapp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <unistd.h>

/* How long libfcgi waits for the peer to close after the answer: not at all,
 * as drain() has read the peer's last byte, so that closing resets nothing. */
#define CLOSE_WAIT_MS "0"

#define RECORD_MAX 65535 /* of content in a FastCGI record */
#define LARGE 16384	 /* from here on libfcgi's buffer costs more */

struct fcgi {
	int listen_fd;
	unsigned io_timeout;
	FCGX_Request request;
	uint64_t body_left;
	uint64_t received; /* of the body */
};

struct fcgi *
fcgi_open(int listen_fd, unsigned io_timeout)
{
	struct fcgi *fcgi;

	if (setenv("LIBFCGI_OS_CLOSE_POLL_TIMEOUT", CLOSE_WAIT_MS, 1) != 0 ||
	    FCGX_Init() != 0)
		return NULL;
	fcgi = calloc(1, sizeof(*fcgi));
	if (fcgi == NULL)
		return NULL;
	fcgi->listen_fd = listen_fd;
	fcgi->io_timeout = io_timeout;
	if (FCGX_InitRequest(&fcgi->request, -1, 0) != 0) {
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
	FCGX_Free(&fcgi->request, 1);
	free(fcgi);
}

/* RESULT_END: a signal. RESULT_MALFORMED: the peer left before we came. */
static enum result
accept_connection(struct fcgi *fcgi, int *ret_fd)
{
	struct timeval timeout = { .tv_sec = fcgi->io_timeout };
	int error = EINTR;
	int fd = -1;

	/* SIGTERM ends this wait, and nothing else. */
	process_hold(false);
	if (!process_is_ending()) {
		fd = accept4(fcgi->listen_fd, NULL, NULL, SOCK_CLOEXEC);
		error = errno;
	}
	process_hold(true);
	errno = error;
	if (fd < 0) {
		if (errno == EINTR || errno == EAGAIN)
			return RESULT_END;
		return errno == ECONNABORTED ? RESULT_MALFORMED : RESULT_IO;
	}
	if (setsockopt(
		fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)) != 0 ||
	    setsockopt(
		fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout)) != 0) {
		(void)close(fd);
		return RESULT_IO;
	}
	*ret_fd = fd;
	return RESULT_OK;
}

static bool
is_responder(const FCGX_Request *request)
{
	const char *role = FCGX_GetParam("FCGI_ROLE", request->envp);

	return role != NULL && span_is(span_str(role), "RESPONDER");
}

enum result
fcgi_accept(struct fcgi *fcgi)
{
	return accept_connection(fcgi, &fcgi->request.ipcFd);
}

enum result
fcgi_receive(struct fcgi *fcgi)
{
	FCGX_Request *request = &fcgi->request;

	fcgi->received = 0;
	request->keepConnection = 1;
	/* It closes the connection itself when it fails. */
	if (FCGX_Accept_r(request) != 0)
		return RESULT_MALFORMED;
	request->keepConnection = 0;
	if (FCGX_GetError(request->in) != 0 || !is_responder(request)) {
		fcgi_abort(fcgi);
		return RESULT_MALFORMED;
	}
	return RESULT_OK;
}

char *const *
fcgi_parameters(const struct fcgi *fcgi)
{
	return fcgi->request.envp;
}

static enum result
body_end(struct fcgi *fcgi)
{
	char byte;

	if (FCGX_GetStr(&byte, 1, fcgi->request.in) != 0 ||
	    FCGX_GetError(fcgi->request.in) != 0)
		return RESULT_MALFORMED;
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
		return RESULT_MALFORMED;
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

/*
 * One record of the answer, at most RECORD_MAX bytes (FastCGI 1.0, 3.3). On
 * a blocking socket only the timeout makes a write short, as no signal that
 * is caught can come here.
 */
static enum result
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
	const struct iovec pieces[] = {
		{ &header, sizeof(header) },
		{ (void *)(uintptr_t)bytes.data, bytes.size },
	};

	if (writev(request->ipcFd, pieces, 2) !=
	    (ssize_t)(sizeof(header) + bytes.size))
		return RESULT_IO;
	return RESULT_OK;
}

/* Past libfcgi's buffer, which is 8 KiB, a record and a write each. */
static enum result
write_large(struct fcgi *fcgi, struct span bytes)
{
	enum result result = RESULT_OK;
	size_t size;

	if (FCGX_FFlush(fcgi->request.out) != 0)
		return RESULT_IO;
	while (bytes.size > 0 && result == RESULT_OK) {
		size = bytes.size < RECORD_MAX ? bytes.size : RECORD_MAX;
		result =
		    write_record(&fcgi->request, span_of(bytes.data, size));
		bytes = span_from(bytes, size);
	}
	return result;
}

enum result
fcgi_write(struct fcgi *fcgi, struct span bytes)
{
	if (bytes.size >= LARGE)
		return write_large(fcgi, bytes);
	if (bytes.size > 0 && FCGX_PutStr(bytes.data, (int)bytes.size,
				  fcgi->request.out) != (int)bytes.size)
		return RESULT_IO;
	return RESULT_OK;
}

/* A peer that still sends could not take the answer: closing a socket with
 * unread bytes resets the connection. */
static void
drain(FCGX_Stream *in)
{
	char scrap[8192];

	while (FCGX_GetStr(scrap, sizeof(scrap), in) > 0)
		continue;
}

enum result
fcgi_finish(struct fcgi *fcgi)
{
	FCGX_Request *request = &fcgi->request;
	enum result result = RESULT_OK;

	drain(request->in);
	/* What is left and the end of the request go out in one write. err
	 * first: the last stream to close is the one that ends the request. */
	(void)FCGX_FClose(request->err);
	if (FCGX_FClose(request->out) != 0)
		result = RESULT_IO;
	request->keepConnection = 0;
	FCGX_Finish_r(request);
	return result;
}

void
fcgi_abort(struct fcgi *fcgi)
{
	FCGX_Request *request = &fcgi->request;

	/* So nothing more goes out, not even the end of the request. */
	(void)shutdown(request->ipcFd, SHUT_RDWR);
	request->keepConnection = 0;
	FCGX_Finish_r(request);
}
