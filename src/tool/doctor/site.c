/* SPDX-License-Identifier: ISC */
/*
 * site.c - what a host has made of nginx: who may reach us, who its
 * workers are, and whose files it reads.
 */

#include "nginx.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_MOST (1 << 20)
#define OURS "artifactd-"

/* ---- who may ask ---- */

static bool
is_loopback(struct span address)
{
	return span_starts_with(address, "127.") ||
	       span_starts_with(address, "[::1]") ||
	       span_starts_with(address, "localhost") ||
	       span_starts_with(address, "unix:");
}

/* One that listens to others than this host, or the server itself, for
 * without a word nginx listens to all; NULL: none. */
static const struct nginx *
open_listen(const struct nginx *server)
{
	const struct nginx *listen = ctl_nginx_child(server, "listen");

	if (listen == NULL)
		return server;
	while (listen != NULL && is_loopback(ctl_nginx_word(listen, 1)))
		listen = ctl_nginx_again(listen);
	return listen;
}

static bool
is_guarded(const struct nginx *block)
{
	static const char *const guards[] = { "auth_basic", "auth_request",
		"ssl_verify_client", "deny", "auth_jwt", "if" };
	const struct nginx *guard;
	size_t i;

	for (i = 0; i < sizeof(guards) / sizeof(guards[0]); i++) {
		guard = ctl_nginx_find(block, guards[i]);
		if (guard != NULL && !span_is(ctl_nginx_word(guard, 1), "off"))
			return true;
	}
	return false;
}

void
doctor_look_at_access(struct doctor *doctor)
{
	const struct nginx *block = NULL, *server, *listen, *told = NULL;

	while ((block = doctor_next_block(doctor, block)) != NULL) {
		for (server = block;
		     server != NULL && !ctl_nginx_is(server, "server");)
			server = server->parent;
		listen = server == NULL ? NULL : open_listen(server);
		if (listen == NULL || listen == told || is_guarded(block))
			continue;
		told = listen;
		doctor_warning(doctor,
		    "%s: whoever reaches \"listen %s\" may read and delete "
		    "everything: include artifactd-locations-token.conf, "
		    "-certificate.conf or -request.conf instead of "
		    "artifactd-locations.conf, or listen on loopback",
		    doctor_place(doctor, listen),
		    listen == server ? "80" : ctl_nginx_word(listen, 1).data);
	}
}

/* ---- its process ---- */

/* 0: there is none in this file. */
static pid_t
read_pid(FILE *file)
{
	char text[32] = "";
	long pid;

	if (fgets(text, sizeof(text), file) == NULL)
		return 0;
	pid = strtol(text, NULL, 10);
	return pid > 0 && pid < INT32_MAX ? (pid_t)pid : 0;
}

/* What is a pipe does not keep us: it is empty. NULL: errno says why. */
static FILE *
open_file(const char *path)
{
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

	return fd < 0 ? NULL : fdopen(fd, "r");
}

/* Where the configuration does not say where its pid is, nobody knows. */
void
doctor_look_whether_it_runs(struct doctor *doctor)
{
	const struct nginx *directive = ctl_nginx_child(doctor->whole, "pid");
	const char *path;
	FILE *file;
	pid_t pid = 0;

	if (directive == NULL || ctl_nginx_word(directive, 1).size == 0)
		return;
	path = arena_string(doctor->arena, ctl_nginx_word(directive, 1));
	if (path[0] != '/')
		return;
	file = open_file(path);
	if (file == NULL && errno != ENOENT)
		return;
	if (file != NULL) {
		pid = read_pid(file);
		(void)fclose(file); /* nothing was written */
	}
	if (pid == 0 || (kill(pid, 0) != 0 && errno == ESRCH))
		doctor_problem(doctor,
		    "nginx does not run (%s names no process that does), so "
		    "that no client gets through: systemctl start nginx",
		    path);
}

/* ---- nginx's user, and the socket ---- */

static bool
is_in_group(const struct passwd *user, gid_t group)
{
	gid_t groups[256];
	int count = sizeof(groups) / sizeof(groups[0]), i;

	if (getgrouplist(user->pw_name, user->pw_gid, groups, &count) < 0)
		return false;
	for (i = 0; i < count; i++)
		if (groups[i] == group)
			return true;
	return false;
}

void
doctor_look_at_user(struct doctor *doctor)
{
	const struct nginx *directive = ctl_nginx_child(doctor->whole, "user");
	const char *name =
	    directive == NULL ? "nobody" : ctl_nginx_word(directive, 1).data;
	const struct passwd *user;
	struct stat socket;

	/* Not started by root it stays who it is. */
	if (geteuid() != 0 || stat(doctor->config->listen, &socket) != 0)
		return;
	user = getpwnam(name);
	if (user == NULL || user->pw_uid == 0 ||
	    (user->pw_uid == socket.st_uid && (socket.st_mode & 0200) != 0) ||
	    ((socket.st_mode & 020) != 0 && is_in_group(user, socket.st_gid)))
		return;
	doctor_problem(doctor,
	    "nginx's workers run as %s, who may not connect to %s: \"systemctl "
	    "edit artifactd.socket\", SocketUser=%s and SocketGroup=%s, and "
	    "restart it",
	    name, doctor->config->listen, name, name);
}

/* ---- files of another release ---- */

static struct span
read_file(struct doctor *doctor, const char *path)
{
	char *text = arena_room(doctor->arena, FILE_MOST);
	FILE *file = open_file(path);
	size_t size;

	if (file == NULL)
		return SPAN_NONE;
	size = fread(text, 1, FILE_MOST, file);
	(void)fclose(file); /* nothing was written */
	return span_of(text, size);
}

static const char *
base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash == NULL ? path : slash + 1;
}

/* The same but for empty lines at the end, which nginx -T adds. */
static bool
is_same(struct span one, struct span other)
{
	while (one.size > 0 && one.data[one.size - 1] == '\n')
		one.size--;
	while (other.size > 0 && other.data[other.size - 1] == '\n')
		other.size--;
	return span_equal(one, other);
}

/* artifactd-server.conf is there to be copied and changed. */
void
doctor_look_at_files(struct doctor *doctor)
{
	struct span rest = doctor->nginx, text, shipped;
	const char *path, *name, *ours;

	while (ctl_nginx_next_file(doctor->arena, &rest, &path, &text)) {
		name = base_name(path);
		ours =
		    arena_printf(doctor->arena, "%s/%s", NGINX_DIR, name).data;
		if (strncmp(name, OURS, strlen(OURS)) != 0 ||
		    strcmp(name, OURS "server.conf") == 0 ||
		    strcmp(path, ours) == 0)
			continue;
		shipped = read_file(doctor, ours);
		if (shipped.data != NULL && !is_same(shipped, text))
			doctor_warning(doctor,
			    "nginx reads %s, which differs from %s of this "
			    "release: include that, and put what differs into "
			    "the server block",
			    path, ours);
	}
}
