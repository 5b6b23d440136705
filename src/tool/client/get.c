/* SPDX-License-Identifier: ISC */
/*
 * get.c - get downloads one content, into a file that gets its name only when
 * all of it has come, or to standard output; or many contents into a directory.
 *
 * Many are first chosen and named, then fetched. Files that have come wait
 * without a name until there are some, or a second is over: then all of them
 * are brought to the disk together and get their names, in the order of the
 * choice. To sync each alone would take ten times as long.
 */

#include "choose.h"
#include "file.h"
#include "http_text.h"
#include "source.h"
#include "base/scoreboard.h"
#include "protocol/header.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define WINDOW 128 /* open files without a name, at most */
#define TOGETHER 64

/* ---- a download: the exact bytes, hashed on their way ---- */

struct raw {
	const struct ctl *ctl;
	const char *what; /* for progress: a file's name, or the id */
	/* As in ctl_http_request; begin may be NULL. */
	ctl_http_begin *begin;
	ctl_http_sink *sink;
	void *context;
	struct ctl_progress *all; /* of many downloads; NULL: this is alone */

	/* What came. */
	uint64_t size;
	uint8_t hash[DIGEST_SHA256_SIZE];

	struct ctl_progress progress;
	struct digest digest;
};

static bool
begin_raw(void *context, const struct ctl_http_answer *answer)
{
	struct raw *raw = context;
	uint64_t size;

	if (!span_number(ctl_http_header(answer, "Content-Length"), &size))
		size = 0; /* the server does not tell */
	if (raw->all == NULL)
		ctl_progress_begin(&raw->progress, raw->ctl, raw->what, size);
	return raw->begin == NULL || raw->begin(raw->context, answer);
}

static bool
receive_raw(void *context, struct span piece)
{
	struct raw *raw = context;

	digest_add(&raw->digest, piece);
	raw->size += piece.size;
	ctl_progress_add(
	    raw->all != NULL ? raw->all : &raw->progress, piece.size);
	return raw->sink(raw->context, piece);
}

/* All bytes have come: compare their SHA-256 with the server's. libcurl has
 * compared their number with Content-Length. */
static int
raw_end(struct ctl_http *http, const char *id, struct raw *raw,
    const struct ctl_http_answer *answer)
{
	char hex[DIGEST_SHA256_HEX + 1], wanted_hex[DIGEST_SHA256_HEX + 1];
	uint8_t wanted[DIGEST_SHA256_SIZE];

	digest_end(&raw->digest, raw->hash);
	if (header_digest(ctl_http_header(answer, "Repr-Digest"), wanted) !=
	    RESULT_OK)
		return ctl_error(CTL_INTEGRITY,
		    "the content of %s cannot be checked: %s, or something on "
		    "the way to it, sends no SHA-256 in Repr-Digest",
		    id, ctl_http_url(http).data);
	if (memcmp(raw->hash, wanted, sizeof(wanted)) == 0)
		return CTL_OK;
	digest_hex(raw->hash, sizeof(raw->hash), hex);
	digest_hex(wanted, sizeof(wanted), wanted_hex);
	return ctl_error(CTL_INTEGRITY,
	    "the content of %s is damaged: the %llu bytes that came have the "
	    "SHA-256 %s, and the store has %s; try again, and if it stays, "
	    "look for what changes bytes on the way",
	    id, (unsigned long long)raw->size, hex, wanted_hex);
}

static struct ctl_http_request
raw_request(struct raw *raw, struct arena *arena, const char *id)
{
	digest_begin(&raw->digest);
	return (struct ctl_http_request){ .method = "GET",
		.path = ctl_remote_path(arena, id, "/raw"),
		.begin = begin_raw,
		.sink = receive_raw,
		.context = raw };
}

/*
 * Fetch the content of an id or prefix. CTL_OK: all of it came, and its
 * SHA-256 is that of Repr-Digest. CTL_INTEGRITY: it is not, or the server
 * tells none.
 */
static int
raw_fetch(struct ctl_http *http, const char *id, struct raw *raw)
{
	const struct ctl_http_request request =
	    raw_request(raw, raw->ctl->arena, id);
	struct ctl_http_answer answer;
	int exit_code;

	exit_code = ctl_http_send(http, &request, raw->ctl->arena, &answer);
	ctl_progress_end(&raw->progress);
	return exit_code == CTL_OK ? raw_end(http, id, raw, &answer)
				   : exit_code;
}

static bool
print(void *context, struct span piece)
{
	(void)context;
	if (fwrite(piece.data, 1, piece.size, stdout) == piece.size)
		return true;
	if (errno != EPIPE) /* the reader has ended, as head does */
		(void)ctl_fail("cannot write to standard output: %m");
	return false;
}

int
ctl_get_print(const struct ctl *ctl, struct ctl_http *http, const char *id)
{
	struct raw raw = { .ctl = ctl, .what = id, .sink = print };

	return raw_fetch(http, id, &raw);
}

/* ---- one ---- */

struct single {
	const struct ctl *ctl;
	struct ctl_http *http;
	struct raw raw;
	const char *path; /* of -o; NULL: a name is suggested */
	struct ctl_file file;
	const char *name; /* in its directory */
	bool may_replace;
};

/* Call the file as the server suggests, else by its id. If there is a file of
 * that name, end the request before the bytes come. */
static bool
choose_name(void *context, const struct ctl_http_answer *answer)
{
	struct single *single = context;
	struct arena *arena = single->ctl->arena;
	struct span name;

	if (single->path != NULL)
		return true;
	name = ctl_http_filename(
	    arena, ctl_http_header(answer, "Content-Disposition"));
	if (name.data == NULL)
		name = span_str(single->ctl->operands[0]);
	single->name = arena_string(arena, name);
	if (single->may_replace ||
	    faccessat(AT_FDCWD, single->name, F_OK, AT_SYMLINK_NOFOLLOW) != 0)
		return true;
	(void)ctl_fail("%.300s exists and stays as it is; --force replaces "
		       "it, -o FILE names another",
	    single->name);
	return false;
}

static bool
write_single(void *context, struct span piece)
{
	struct single *single = context;

	return ctl_file_write(&single->file, piece);
}

static void
print_result(const struct single *single)
{
	const struct ctl *ctl = single->ctl;
	struct ctl_row *row = ctl_row(ctl->arena);
	struct span name =
	    span_str(single->path != NULL ? single->path : single->name);

	if (!ctl->is_json) {
		ctl_print_name(ctl, name);
		return;
	}
	ctl_row_text(row, "file", name);
	ctl_row_size(row, "size_bytes", single->raw.size);
	ctl_row_hash(row, "content_hash", single->raw.hash);
	ctl_print_facts(ctl, row);
}

static int
get_file(struct single *single)
{
	const struct ctl *ctl = single->ctl;
	const char *id = ctl->operands[0];
	int exit_code;

	single->may_replace = single->path != NULL || ctl_has(ctl, "force");
	exit_code = ctl_file_open(
	    ctl->arena, single->path, &single->file, &single->name);
	if (exit_code != CTL_OK)
		return exit_code;
	single->raw = (struct raw){ .ctl = ctl,
		.what = id,
		.begin = choose_name,
		.sink = write_single,
		.context = single };
	exit_code = raw_fetch(single->http, id, &single->raw);
	if (exit_code == CTL_OK)
		exit_code = ctl_file_keep(
		    &single->file, single->name, single->may_replace);
	ctl_file_drop(&single->file);
	if (exit_code == CTL_OK)
		print_result(single);
	return exit_code;
}

static int
get_one(struct ctl *ctl)
{
	struct single single = { .ctl = ctl, .path = ctl_value(ctl, "output") };
	const char *path = single.path;
	struct stat status;
	int exit_code;

	exit_code = ctl_remote_open(ctl, &single.http);
	if (exit_code != CTL_OK)
		return exit_code;
	if (path == NULL ||
	    (strcmp(path, "-") != 0 &&
		(stat(path, &status) != 0 || S_ISREG(status.st_mode))))
		return get_file(&single);
	/* A device or a pipe keeps its name: it is written to. */
	if (strcmp(path, "-") != 0 && freopen(path, "we", stdout) == NULL)
		return ctl_fail("cannot open %.200s: %m", path);
	return ctl_get_print(ctl, single.http, ctl->operands[0]);
}

/* ---- many ---- */

enum state {
	UNDER_WAY,
	WHOLE,	 /* all bytes have come; the file has no name yet */
	PRESENT, /* the file was there before, with this content */
	NAMED,
	FAILED, /* which has been said */
};

struct job {
	struct ctl_chosen *chosen;
	struct ctl_file file;
	struct raw raw;
	enum state state;
	struct getting *getting;
};

struct getting {
	const struct ctl *ctl;
	struct ctl_http *http;
	struct ctl_choice choice;
	const char *directory;
	int directory_fd;
	bool may_replace;
	bool is_over;  /* the server answers no request any more */
	bool is_stuck; /* no file can be written any more */
	struct ctl_output *output;
	struct ctl_progress progress;
	struct job jobs[WINDOW]; /* of number n at n % WINDOW */
	size_t begun;
	size_t settled; /* the first so many have ended and were printed */
	size_t good;
	int64_t since; /* us: when the first that waits for its name came */
	int worst;
};

/* ---- many: what is there ---- */

/* Is it the content, already? A byte more than that is another one. */
static bool
has_content(int fd, const struct ctl_chosen *chosen)
{
	uint8_t hash[DIGEST_SHA256_SIZE];
	uint64_t size;

	return ctl_source_hash(fd, chosen->size + 1, NULL, &size, hash) &&
	       size == chosen->size &&
	       memcmp(hash, chosen->hash, sizeof(hash)) == 0;
}

/* Look whether there is a file of that name: PRESENT with this content, FAILED
 * with another one that has to stay, UNDER_WAY if the content has to come. */
static enum state
find_state(const struct getting *getting, const struct ctl_chosen *chosen)
{
	enum state state = UNDER_WAY;
	struct stat status;
	const char *name;
	int fd, file;

	if (!ctl_file_directory(
		getting->directory_fd, chosen->path, false, &fd, &name))
		return UNDER_WAY; /* making the directory tells what is wrong */
	if (fstatat(fd, name, &status, AT_SYMLINK_NOFOLLOW) == 0) {
		file = openat(
		    fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
		if (file >= 0 && S_ISREG(status.st_mode) &&
		    (uint64_t)status.st_size == chosen->size &&
		    has_content(file, chosen))
			state = PRESENT;
		else if (!getting->may_replace)
			state = FAILED;
		if (file >= 0)
			(void)close(file);
	}
	(void)close(fd);
	if (state == FAILED)
		(void)ctl_fail("%.300s exists with another content and stays "
			       "as it is; --force replaces it",
		    chosen->path);
	return state;
}

/* ---- many: names ---- */

static void
print_job(const struct getting *getting, const struct job *job)
{
	const char *directory = getting->directory;
	struct arena *arena = arena_open();
	struct span path = span_str(job->chosen->path);

	if (strcmp(directory, ".") != 0)
		path = arena_printf(arena, "%s%s%s", directory,
		    directory[strlen(directory) - 1] == '/' ? "" : "/",
		    job->chosen->path);
	if (getting->ctl->is_json)
		ctl_choose_row(getting->output, job->chosen, path);
	else
		printf("%s\n", ctl_visible(arena, path).data);
	arena_close(arena);
}

/* How many have ended, up to the first that has not. */
static size_t
count_ended(const struct getting *getting)
{
	size_t count = 0;

	while (getting->settled + count < getting->begun &&
	       getting->jobs[(getting->settled + count) % WINDOW].state !=
		   UNDER_WAY)
		count++;
	return count;
}

static void
sync_all(struct getting *getting, int *ret_exit_code)
{
	int exit_code =
	    ctl_file_sync(getting->directory, getting->directory_fd);

	if (exit_code != CTL_OK)
		getting->is_stuck = true;
	*ret_exit_code = exit_code;
}

/* Bring the first so many of those that ended to the disk, and give them their
 * names. */
static void
name_ended(struct getting *getting, size_t count)
{
	int exit_code = CTL_OK;
	struct job *job;
	bool is_new = false;
	size_t i;

	for (i = 0; i < count; i++)
		is_new |=
		    getting->jobs[(getting->settled + i) % WINDOW].state ==
		    WHOLE;
	if (is_new)
		sync_all(getting, &exit_code);
	for (i = 0; i < count; i++) {
		job = &getting->jobs[(getting->settled + i) % WINDOW];
		if (job->state != WHOLE)
			continue;
		if (exit_code == CTL_OK &&
		    ctl_file_place(&job->file, job->chosen->path,
			getting->may_replace) == CTL_OK)
			job->state = NAMED;
		else
			job->state = FAILED;
		ctl_file_drop(&job->file);
	}
	if (is_new && exit_code == CTL_OK)
		sync_all(getting, &exit_code);
	getting->worst = ctl_worse(getting->worst, exit_code);
}

/* Name those that have ended, if they are many, wait for a second already, or
 * have to be named (has_to_be), since nothing more comes. */
static void
settle(struct getting *getting, bool has_to_be)
{
	size_t count = count_ended(getting);
	struct job *job;

	if (count == 0 || (!has_to_be && count < TOGETHER &&
			      getting->begun - getting->settled < WINDOW &&
			      scoreboard_now() - getting->since < SECOND))
		return;
	name_ended(getting, count);
	for (; count > 0; count--) {
		job = &getting->jobs[getting->settled++ % WINDOW];
		if (job->state == FAILED) {
			getting->worst = ctl_worse(getting->worst, CTL_FAILED);
			continue;
		}
		getting->good++;
		print_job(getting, job);
	}
	(void)fflush(stdout);
	getting->since = scoreboard_now();
}

/* ---- many: fetching ---- */

static bool
write_file(void *context, struct span piece)
{
	struct job *job = context;

	if (ctl_file_write(&job->file, piece))
		return true;
	job->getting->is_stuck = true; /* the disk is full for others, too */
	return false;
}

static void
begin_job(struct getting *getting, struct job *job, struct arena *arena,
    struct ctl_http_request *ret_request)
{
	job->state = find_state(getting, job->chosen);
	if (job->state != UNDER_WAY)
		return;
	if (ctl_file_open_in(getting->directory, getting->directory_fd,
		&job->file) != CTL_OK) {
		getting->is_stuck = true;
		job->state = FAILED;
		return;
	}
	job->raw = (struct raw){ .ctl = getting->ctl,
		.what = job->chosen->path,
		.sink = write_file,
		.context = job,
		.all = &getting->progress };
	*ret_request = raw_request(
	    &job->raw, arena, ctl_remote_id(arena, &job->chosen->id));
}

static bool
next_raw(void *context, struct arena *arena, void **ret_item,
    struct ctl_http_request *ret_request)
{
	struct getting *getting = context;
	struct job *job;

	while (getting->begun < getting->choice.count && !getting->is_stuck) {
		if (getting->begun - getting->settled == WINDOW)
			settle(getting, false);
		if (getting->begun - getting->settled == WINDOW)
			return false;
		job = &getting->jobs[getting->begun % WINDOW];
		*job = (struct job){ .getting = getting,
			.chosen = &getting->choice.items[getting->begun++],
			.file = { .fd = -1 } };
		begin_job(getting, job, arena, ret_request);
		*ret_item = job;
		if (job->state == UNDER_WAY)
			return true;
		settle(getting, false);
	}
	return false;
}

static void
end_job(struct job *job, int exit_code)
{
	struct getting *getting = job->getting;

	job->state = exit_code == CTL_OK ? WHOLE : FAILED;
	if (exit_code != CTL_OK)
		ctl_file_drop(&job->file);
	getting->worst = ctl_worse(getting->worst, exit_code);
	if (count_ended(getting) == 1)
		getting->since = scoreboard_now();
	settle(getting, false);
}

static int
end_raw(void *context, void *item, const struct ctl_http_end *end)
{
	struct getting *getting = context;
	struct job *job = item;
	struct ctl_chosen *chosen = job->chosen;
	int exit_code = end->exit_code;

	if (end->answer != NULL)
		exit_code = raw_end(getting->http,
		    ctl_remote_id(end->arena, &chosen->id), &job->raw,
		    end->answer);
	else if (!getting->is_over)
		(void)ctl_error(exit_code, "that was %s", chosen->path);
	if (exit_code == CTL_OK) {
		/* It may have been replaced since it was named: the bytes that
		 * came are right, but what says so has changed with them. */
		chosen->size = job->raw.size;
		memcpy(chosen->hash, job->raw.hash, sizeof(job->raw.hash));
	}
	getting->is_over |= end->is_hopeless; /* do not name the others */
	end_job(job, exit_code);
	return end->is_hopeless ? exit_code : CTL_OK;
}

static int
fetch(struct getting *getting)
{
	const struct ctl_http_many many = {
		.context = getting, .next = next_raw, .ended = end_raw
	};
	const struct ctl_choice *choice = &getting->choice;
	int exit_code;

	getting->output = ctl_output_open(getting->ctl);
	ctl_progress_begin(
	    &getting->progress, getting->ctl, "get", choice->bytes);
	exit_code = ctl_http_many(getting->http, &many);
	settle(getting, true);
	ctl_progress_end(&getting->progress);
	ctl_output_close(getting->output);
	getting->worst = ctl_worse(getting->worst, exit_code);
	getting->worst = ctl_worse(getting->worst, choice->worst);
	if (getting->good < choice->count + choice->lost)
		(void)ctl_error(getting->worst,
		    "%zu of %zu artifacts are in %s; the same command goes on "
		    "with the others",
		    getting->good, choice->count + choice->lost,
		    getting->directory);
	return getting->worst;
}

/* Open the directory of -o, which is made if its own directory is there. */
static int
open_directory(struct getting *getting)
{
	const char *path = ctl_value(getting->ctl, "output");

	getting->directory = path == NULL ? "." : path;
	if (path != NULL && mkdir(path, 0777) != 0 && errno != EEXIST)
		return ctl_fail("cannot make the directory %.200s: %m", path);
	getting->directory_fd =
	    open(getting->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (getting->directory_fd < 0)
		return ctl_fail(
		    "cannot open the directory %.200s: %m", getting->directory);
	return CTL_OK;
}

static int
get_many(const struct ctl *ctl)
{
	struct getting *getting = arena_alloc(ctl->arena, sizeof(*getting));
	const char *path = ctl_value(ctl, "output");
	int exit_code;

	if (path != NULL && strcmp(path, "-") == 0)
		return ctl_usage(ctl,
		    "standard output takes one content; -o DIR/ takes many");
	*getting = (struct getting){ .ctl = ctl,
		.choice = { .arena = ctl->arena },
		.directory_fd = -1,
		.may_replace = ctl_has(ctl, "force") };
	exit_code = ctl_http_open(ctl, NULL, &getting->http);
	if (exit_code == CTL_OK)
		exit_code = ctl_choose(getting->http, &getting->choice);
	if (exit_code == CTL_OK)
		exit_code = ctl_choose_names(getting->http, &getting->choice);
	if (exit_code == CTL_OK)
		exit_code = open_directory(getting);
	if (exit_code == CTL_OK)
		exit_code = fetch(getting);
	if (getting->directory_fd >= 0)
		(void)close(getting->directory_fd);
	return exit_code;
}

/* ---- the command ---- */

/* May there be several files? Or does -o name a directory? */
static bool
is_many(const struct ctl *ctl)
{
	const char *path = ctl_value(ctl, "output");
	struct stat status;

	if (ctl->operand_count != 1 || strcmp(ctl->operands[0], "-") == 0)
		return true;
	return path != NULL && strcmp(path, "-") != 0 &&
	       ((*path != '\0' && path[strlen(path) - 1] == '/') ||
		   (stat(path, &status) == 0 && S_ISDIR(status.st_mode)));
}

static int
run_get(struct ctl *ctl)
{
	static const struct ctl_option filters[] = { CTL_CHOICE, { 0 } };
	int exit_code;

	if (is_many(ctl))
		return get_many(ctl);
	exit_code = ctl_choose_ids_alone(ctl, filters);
	return exit_code == CTL_OK ? get_one(ctl) : exit_code;
}

static const struct ctl_option options[] = {
	{ "output", 'o', "FILE|DIR/", "write to it, or - for standard output" },
	{ "force", 'f', NULL, "replace files that have the name" },
	CTL_CHOICE,
	{ NULL, 0, NULL, NULL },
};

const struct ctl_command ctl_command_get = {
	.name = "get",
	.summary = "Download contents into files",
	.operands = "ID...|FILTER...",
	.most = CTL_MANY,
	.where = CTL_REMOTE,
	.options = options,
	.details =
	    "A file is called as it was when it was put, or as the ID, and "
	    "printed. It is\nthere only when all of it has come and its "
	    "SHA-256 is right; what -o FILE names\nis replaced. On standard "
	    "output exit code 4 says that what came was not right.\n"
	    "Several go into a directory, this one unless -o names another; "
	    "ID is - for lines\nof standard input that begin with one. "
	    "Titles that are paths become directories\nin it.\n",
	.run = run_get,
};
