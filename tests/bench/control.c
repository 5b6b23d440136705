/* SPDX-License-Identifier: ISC */
/*
 * control.c - the ceiling: prefork libfcgi workers that read the body and
 * answer constant bytes, as many as the last number in the path says.
 *
 *	bench-control SOCKET WORKERS
 *
 * It is as simple as libfcgi's own examples: it parses, stores and hashes
 * nothing.
 */
#include <fcgiapp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define SIZE_MOST (64 * 1024 * 1024)

static size_t
wanted_size(const FCGX_Request *request)
{
	const char *path = FCGX_GetParam("REQUEST_URI", request->envp);
	const char *last = path == NULL ? NULL : strrchr(path, '/');
	size_t size = last == NULL ? 0 : (size_t)strtoul(last + 1, NULL, 10);

	return size > SIZE_MOST ? SIZE_MOST : size;
}

static void
serve(int fd, const char *bytes)
{
	char scrap[65536];
	FCGX_Request request;
	size_t size;

	if (FCGX_InitRequest(&request, fd, 0) != 0)
		exit(1);
	while (FCGX_Accept_r(&request) == 0) {
		while (FCGX_GetStr(scrap, sizeof(scrap), request.in) > 0)
			continue;
		size = wanted_size(&request);
		FCGX_FPrintF(request.out,
		    "Status: 200 OK\r\nContent-Type: application/json\r\n"
		    "Content-Length: %lu\r\n\r\n",
		    (unsigned long)size);
		FCGX_PutStr(bytes, (int)size, request.out);
		FCGX_Finish_r(&request);
	}
	exit(0);
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
	if (fd < 0 || chmod(argv[1], 0666) != 0)
		return 1;
	for (workers = atoi(argv[2]); workers > 0; workers--)
		if (fork() == 0) {
			prctl(PR_SET_PDEATHSIG, SIGTERM);
			serve(fd, bytes);
		}
	while (wait(NULL) > 0)
		continue;
	return 0;
}
