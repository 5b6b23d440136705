/* SPDX-License-Identifier: ISC */
/*
 * control.c - the ceiling: prefork libfcgi workers that read the body and
 * answer constant bytes, as many as the last number in the path says.
 *
 *	bench-control SOCKET WORKERS
 *
 * A worker keeps each connection that its peer wants to keep, and waits for
 * the next request on any of them, or for a new connection, with epoll. It
 * parses, stores and hashes nothing, and guards against nothing: its only peer
 * is the benchmark's nginx.
 */
#include <errno.h>
#include <fcgiapp.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define SIZE_MOST (64 * 1024 * 1024)
#define EVENTS 64 /* at most from one call of epoll_wait */

static size_t
wanted_size(const FCGX_Request *request)
{
	const char *path = FCGX_GetParam("REQUEST_URI", request->envp);
	const char *last = path == NULL ? NULL : strrchr(path, '/');
	size_t size = last == NULL ? 0 : (size_t)strtoul(last + 1, NULL, 10);

	return size > SIZE_MOST ? SIZE_MOST : size;
}

static void
answer(FCGX_Request *request, const char *bytes)
{
	char scrap[65536];
	size_t size = wanted_size(request);

	while (FCGX_GetStr(scrap, sizeof(scrap), request->in) > 0)
		continue;
	FCGX_FPrintF(request->out,
	    "Status: 200 OK\r\nContent-Type: application/json\r\n"
	    "Content-Length: %lu\r\n\r\n",
	    (unsigned long)size);
	FCGX_PutStr(bytes, (int)size, request->out);
	FCGX_Finish_r(request);
}

/*
 * Answer one request. false: the connection is closed now, by the peer or
 * because the peer did not ask to keep it.
 */
static bool
serve_one(FCGX_Request *request, const char *bytes)
{
	/* With no socket to listen on, FCGX_Accept_r fails when the connection
	 * ends, and does not accept another one. */
	if (FCGX_Accept_r(request) != 0)
		return false;
	answer(request, bytes);
	return request->ipcFd >= 0;
}

/* The first request comes with the connection. NULL: there is no more. */
static FCGX_Request *
accept_one(int listen_fd, const char *bytes)
{
	int fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC);
	FCGX_Request *request;

	if (fd < 0)
		return NULL; /* another worker was faster */
	request = malloc(sizeof(*request));
	if (request == NULL || FCGX_InitRequest(request, -1, 0) != 0)
		exit(1);
	request->ipcFd = fd;
	/* Until the peer has said what it wants: or FCGX_Accept_r, which first
	 * ends the request before, closes the connection. */
	request->keepConnection = 1;
	if (serve_one(request, bytes))
		return request;
	free(request);
	return NULL;
}

static void
watch(int epoll_fd, int fd, uint32_t events, void *data)
{
	struct epoll_event event = { .events = events, .data.ptr = data };

	if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event) != 0)
		exit(1);
}

static void
serve(int listen_fd, const char *bytes)
{
	struct epoll_event events[EVENTS];
	int epoll_fd = epoll_create1(EPOLL_CLOEXEC), count, i;
	FCGX_Request *request;

	/* One worker wakes up for a new connection, and not all of them. */
	watch(epoll_fd, listen_fd, EPOLLIN | EPOLLEXCLUSIVE, NULL);
	for (;;) {
		count = epoll_wait(epoll_fd, events, EVENTS, -1);
		if (count < 0 && errno != EINTR)
			exit(1);
		for (i = 0; i < count; i++) {
			request = events[i].data.ptr;
			if (request == NULL) {
				request = accept_one(listen_fd, bytes);
				if (request != NULL)
					watch(epoll_fd, request->ipcFd, EPOLLIN,
					    request);
			} else if (!serve_one(request, bytes)) {
				free(request);
			}
		}
	}
}

int
main(int argc, char **argv)
{
	char *bytes = malloc(SIZE_MOST);
	int workers, fd;

	if (argc != 3 || bytes == NULL || FCGX_Init() != 0)
		return 2;
	memset(bytes, 'x', SIZE_MOST);
	fd = FCGX_OpenSocket(argv[1], 512);
	if (fd < 0 || chmod(argv[1], 0666) != 0 ||
	    fcntl(fd, F_SETFL, O_NONBLOCK) != 0)
		return 1;
	for (workers = atoi(argv[2]); workers > 0; workers--)
		if (fork() == 0) {
			/* libfcgi takes SIGTERM. */
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			serve(fd, bytes);
		}
	while (wait(NULL) > 0)
		continue;
	return 0;
}
