/* SPDX-License-Identifier: ISC */
/*
 * nginx.c - asking nginx for its configuration, which of its blocks
 * pass requests to us, by which socket, and where it keeps them meanwhile.
 */

#include "nginx.h"
#include "tool/local/mount.h"

#define WORDS_MOST 32

/* ---- asking ---- */

/* The words of --nginx-command, and one more. */
static void
split_command(struct doctor *doctor, const char *more, const char **ret_words)
{
	const char *command = ctl_value(doctor->ctl, "nginx-command");
	struct span rest = span_str(command == NULL ? "nginx" : command), word;
	size_t count = 0;

	while (rest.data != NULL && count < WORDS_MOST - 2) {
		word = span_split(&rest, ' ');
		if (word.size > 0)
			ret_words[count++] = arena_string(doctor->arena, word);
	}
	ret_words[count++] = more;
	ret_words[count] = NULL;
}

/* What it does not start with; else its last word. */
static struct span
line_of_errors(struct span text)
{
	static const char fatal[] = "[emerg]";
	struct span line = SPAN(""), last = SPAN("");

	while (text.data != NULL) {
		line = span_split(&text, '\n');
		if (line.size > 0)
			last = line;
		if (line.size > 0 && memmem(line.data, line.size, fatal,
					 sizeof(fatal) - 1) != NULL)
			break;
	}
	return last;
}

void
doctor_ask_nginx(struct doctor *doctor)
{
	const char *words[WORDS_MOST];
	struct ctl_program program;
	struct span line;

	split_command(doctor, "-T", words);
	if (!ctl_program_run(doctor->arena, words, &program)) {
		doctor_problem(doctor,
		    "%s cannot be started: is it installed? "
		    "--nginx-command names another",
		    words[0]);
		return;
	}
	if (program.exit_code != 0) {
		line = line_of_errors(program.errors);
		doctor_problem(doctor,
		    "nginx refuses its configuration, or you may not read it: "
		    "%.*s; see \"nginx -t\", as root",
		    (int)line.size, line.data);
		return;
	}
	doctor->nginx = program.output;
	doctor->whole = ctl_nginx_read(doctor->arena, program.output);
	split_command(doctor, "-V", words);
	if (ctl_program_run(doctor->arena, words, &program))
		doctor->nginx_build = program.errors;
}

/* ---- which blocks are ours ---- */

static bool
is_our_socket(const struct doctor *doctor, struct span address)
{
	return span_starts_with(address, "unix:") &&
	       span_is(span_from(address, 5), doctor->config->listen);
}

static bool
is_our_upstream(const struct doctor *doctor, struct span name)
{
	const struct nginx *block = NULL, *server;

	while (
	    (block = ctl_nginx_walk(doctor->whole, block, "server")) != NULL) {
		if (!ctl_nginx_is(block, "upstream") ||
		    !span_equal(ctl_nginx_word(block, 1), name))
			continue;
		for (server = ctl_nginx_child(block, "server"); server != NULL;
		     server = ctl_nginx_again(server))
			if (is_our_socket(doctor, ctl_nginx_word(server, 1)))
				return true;
	}
	return false;
}

const struct nginx *
doctor_next_block(const struct doctor *doctor, const struct nginx *block)
{
	struct span target;

	while ((block = ctl_nginx_walk(doctor->whole, block, "fastcgi_pass")) !=
	       NULL) {
		target =
		    ctl_nginx_word(ctl_nginx_child(block, "fastcgi_pass"), 1);
		if (span_starts_with(target, "$artifactd_") ||
		    span_starts_with(target, "artifactd_") ||
		    is_our_socket(doctor, target) ||
		    is_our_upstream(doctor, target))
			return block;
	}
	return NULL;
}

const char *
doctor_place(struct doctor *doctor, const struct nginx *directive)
{
	return arena_printf(doctor->arena, "%s:%u",
	    directive->file != NULL ? directive->file : "nginx.conf",
	    directive->line)
	    .data;
}

const char *
doctor_title(struct doctor *doctor, const struct nginx *block)
{
	struct buffer text;
	size_t i;

	buffer_init(&text, doctor->arena);
	for (i = 0; i < block->count; i++)
		buffer_printf(
		    &text, "%s%s", i > 0 ? " " : "", block->words[i].data);
	buffer_printf(&text, " (%s)", doctor_place(doctor, block));
	return arena_string(doctor->arena, buffer_span(&text));
}

void
doctor_each(struct doctor *doctor, const char *name,
    void (*judge)(struct doctor *doctor, const struct nginx *block,
	const struct nginx *directive))
{
	const struct nginx *block = NULL, *directive;
	const char *last_file = NULL;
	unsigned last_line_number = 0;
	bool had_none = false;

	while ((block = doctor_next_block(doctor, block)) != NULL) {
		directive = ctl_nginx_find(block, name);
		if (directive == NULL && had_none)
			continue;
		if (directive != NULL && last_file != NULL &&
		    strcmp(directive->file, last_file) == 0 &&
		    directive->line == last_line_number)
			continue;
		had_none = had_none || directive == NULL;
		if (directive != NULL) {
			last_file = directive->file;
			last_line_number = directive->line;
		}
		judge(doctor, block, directive);
	}
}

/* ---- the checks ---- */

static void
look_for_us(struct doctor *doctor)
{
	if (doctor_next_block(doctor, NULL) == NULL)
		doctor_problem(doctor,
		    "nothing in nginx's configuration passes requests to "
		    "artifactd: include artifactd-http.conf in http { } and "
		    "artifactd-locations.conf in a server block, and reload "
		    "nginx");
}

static void
look_at_upstream(struct doctor *doctor)
{
	const struct nginx *block = NULL, *server;
	struct span address;

	while (
	    (block = ctl_nginx_walk(doctor->whole, block, "server")) != NULL) {
		if (!ctl_nginx_is(block, "upstream"))
			continue;
		server = ctl_nginx_child(block, "server");
		address = ctl_nginx_word(server, 1);
		if (!span_starts_with(ctl_nginx_word(block, 1), "artifactd_") ||
		    is_our_socket(doctor, address))
			continue;
		doctor_problem(doctor,
		    "%s passes to %.*s, and the setting listen is %s: say the "
		    "same in both, or nginx answers 502",
		    doctor_place(doctor, server), (int)address.size,
		    address.data, doctor->config->listen);
	}
	block = NULL;
	while (
	    (block = ctl_nginx_walk(doctor->whole, block, "keepalive")) != NULL)
		if (ctl_nginx_is(block, "upstream") &&
		    is_our_upstream(doctor, ctl_nginx_word(block, 1)))
			doctor_problem(doctor,
			    "%s keeps connections to artifactd open, on which "
			    "a body could pass for a request: remove it",
			    doctor_place(
				doctor, ctl_nginx_child(block, "keepalive")));
}

/* ---- its disk ---- */

#define AT_ONCE 512 /* requests, by limit_conn of artifactd-pass.conf */

/* What an argument said when nginx was built. */
static struct span
built_with(
    const struct doctor *doctor, const char *argument, const char *otherwise)
{
	struct span rest = doctor->nginx_build, word;

	while (rest.data != NULL) {
		word = span_split(&rest, ' ');
		if (span_starts_with(word, argument))
			return span_of(word.data + strlen(argument),
			    span_find(word, '\n') - strlen(argument));
	}
	return span_str(otherwise);
}

/* The first that is on the file system of the store; NULL: none. */
static const char *
shared_path(struct doctor *doctor, const char *directive, struct span built)
{
	struct span prefix =
	    built_with(doctor, "--prefix=", "/usr/local/nginx");
	const struct nginx *block = NULL, *found;
	struct span path;
	const char *whole;

	while ((block = doctor_next_block(doctor, block)) != NULL) {
		found = ctl_nginx_find(block, directive);
		path = found != NULL ? ctl_nginx_word(found, 1) : built;
		if (!span_starts_with(path, "/"))
			path = arena_printf(doctor->arena, "%.*s/%.*s",
			    (int)prefix.size, prefix.data, (int)path.size,
			    path.data);
		whole = arena_string(doctor->arena, path);
		if (ctl_mount_is_shared(whole, doctor->local.directory))
			return whole;
	}
	return NULL;
}

/* A reserve that holds what nginx may write is as good as another disk. */
static void
look_at_disk(struct doctor *doctor)
{
	const struct config *config = doctor->config;
	const char *bodies = shared_path(doctor, "client_body_temp_path",
	    built_with(
		doctor, "--http-client-body-temp-path=", "client_body_temp"));
	const char *answers = shared_path(doctor, "fastcgi_temp_path",
	    built_with(doctor, "--http-fastcgi-temp-path=", "fastcgi_temp"));
	bool are_both = bodies != NULL && answers != NULL;
	uint64_t most = config->max_content > config->max_json
			    ? config->max_content
			    : config->max_json;
	uint64_t times = are_both ? 2 * AT_ONCE : AT_ONCE;

	most = most > UINT64_MAX / times ? UINT64_MAX : most * times;
	if ((bodies == NULL && answers == NULL) || most <= config->reserve)
		return;
	doctor_warning(doctor,
	    "nginx keeps what is on its way in %s%s%s, on the file system of "
	    "the store: up to %s, and the setting reserve keeps %s: raise it, "
	    "or give nginx another disk. See \"Sizing\" in doc/operations.md",
	    bodies != NULL ? bodies : "", are_both ? " and " : "",
	    answers != NULL ? answers : "", doctor_size(doctor, most),
	    doctor_size(doctor, config->reserve));
}

const struct doctor_check doctor_nginx_checks[] = {
	{ "nginx_runs", DOCTOR_NGINX, doctor_look_whether_it_runs },
	{ "nginx_passes", DOCTOR_NGINX, look_for_us },
	{ "nginx_upstream", DOCTOR_NGINX, look_at_upstream },
	{ "nginx_limits", DOCTOR_NGINX, doctor_look_at_limits },
	{ "nginx_passing", DOCTOR_NGINX, doctor_look_at_passing },
	{ "nginx_access", DOCTOR_NGINX, doctor_look_at_access },
	{ "nginx_disk", DOCTOR_NGINX | DOCTOR_DIRECTORY, look_at_disk },
	{ "nginx_user", DOCTOR_NGINX, doctor_look_at_user },
	{ "nginx_files", DOCTOR_NGINX, doctor_look_at_files },
	{ NULL, 0, NULL },
};
