/* SPDX-License-Identifier: ISC */
/*
 * get_many.c - many contents at once into a directory: chosen, named,
 * then fetched. Files that have come wait without a name until there are
 * some, or a second is over; then all of them go to the disk together and
 * get their names, in the order of the choice.
 */

#include "get.h"

#include "choose.h"
#include "file.h"
#include "raw.h"
#include "base/scoreboard.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define WINDOW 128 /* open files without a name, at most */
#define TOGETHER 64
#define SECOND INT64_C(1000000)
#define PIECE 262144

enum state {
	UNDER_WAY,
	WHOLE,	 /* it has come, and has no name yet */
	PRESENT, /* it was there */
	NAMED,
	FAILED, /* which has been said */
};

struct job {
	struct ctl_chosen *chosen;
	struct ctl_file file;
	struct ctl_raw raw;
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
	bool is_over;  /* no other would come either */
	bool is_stuck; /* no file can be written any more */
	struct ctl_output *output;
	struct ctl_progress progress;
	struct job jobs[WINDOW]; /* of number n at n % WINDOW */
	size_t begun;
	size_t settled; /* named, or given up: the first so many */
	size_t good;
	int64_t since; /* us: the first that waits for its name came */
	int worst;
};

/* ---- what is there ---- */

/* Is it the content, already? */
static bool
has_content(int fd, const struct ctl_chosen *chosen)
{
	uint8_t hash[DIGEST_SHA256_SIZE];
	char *piece = malloc(PIECE);
	struct digest digest;
	uint64_t size = 0;
	ssize_t count;

	if (piece == NULL)
		abort();
	digest_begin(&digest);
	while ((count = read(fd, piece, PIECE)) > 0) {
		digest_add(&digest, span_of(piece, (size_t)count));
		size += (uint64_t)count;
		if (size > chosen->size)
			break;
	}
	free(piece);
	digest_end(&digest, hash);
	return count == 0 && size == chosen->size &&
	       memcmp(hash, chosen->hash, sizeof(hash)) == 0;
}

/* PRESENT, FAILED, or that it has to come: UNDER_WAY. */
static enum state
look(const struct getting *getting, const struct ctl_chosen *chosen)
{
	enum state state = UNDER_WAY;
	struct stat status;
	const char *name;
	int fd, file;

	if (!ctl_file_directory(
		getting->directory_fd, chosen->path, false, &fd, &name))
		return UNDER_WAY; /* whoever makes it says what is wrong */
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

/* ---- names ---- */

static struct span
shown_path(const struct getting *getting, struct arena *arena,
    const struct ctl_chosen *chosen)
{
	size_t size = strlen(getting->directory);

	if (strcmp(getting->directory, ".") == 0)
		return span_str(chosen->path);
	return arena_printf(arena, "%s%s%s", getting->directory,
	    getting->directory[size - 1] == '/' ? "" : "/", chosen->path);
}

static void
print_job(const struct getting *getting, const struct job *job)
{
	const struct ctl_chosen *chosen = job->chosen;
	struct arena *arena = arena_open();
	struct span path = shown_path(getting, arena, chosen);
	char hash[DIGEST_SHA256_HEX + 1], id[ID_TEXT + 1];
	struct ctl_row *row;

	id_format(&chosen->id, id);
	digest_hex(chosen->hash, sizeof(chosen->hash), hash);
	if (getting->ctl->is_json) {
		row = ctl_row(arena);
		ctl_row_text(row, "id", span_str(id));
		ctl_row_text(row, "file", path);
		ctl_row_size(row, "size_bytes", chosen->size);
		ctl_row_text(row, "content_hash", span_str(hash));
		ctl_output_row(getting->output, row);
	} else {
		path = ctl_visible(arena, path);
		printf("%.*s\n", (int)path.size, path.data);
	}
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

/* Bring these to the disk, then give them their names. */
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

/* What has ended gets its name, where it is worth it or has to be. */
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

/* ---- fetching ---- */

static bool
write_file(void *context, struct span piece)
{
	struct job *job = context;

	if (ctl_file_write(&job->file, piece))
		return true;
	job->getting->is_stuck = true; /* the next would not fit either */
	return false;
}

static void
begin_job(struct getting *getting, struct job *job, struct arena *arena,
    struct ctl_http_request *ret_request)
{
	char id[ID_TEXT + 1];

	job->state = look(getting, job->chosen);
	if (job->state != UNDER_WAY)
		return;
	if (ctl_file_open_in(getting->directory, getting->directory_fd,
		&job->file) != CTL_OK) {
		getting->is_stuck = true;
		job->state = FAILED;
		return;
	}
	job->raw = (struct ctl_raw){ .ctl = getting->ctl,
		.what = job->chosen->path,
		.sink = write_file,
		.context = job,
		.all = &getting->progress };
	id_format(&job->chosen->id, id);
	ctl_raw_begin(&job->raw, arena, id, ret_request);
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

/* Was it replaced since it was named? The bytes that came are right, but
 * what says so has changed with them. */
static void
take_over(struct job *job)
{
	struct ctl_chosen *chosen = job->chosen;
	size_t i;

	chosen->size = job->raw.size;
	for (i = 0; i < sizeof(chosen->hash); i++)
		chosen->hash[i] =
		    (uint8_t)(ascii_hex(job->raw.hash[2 * i]) * 16 +
			      ascii_hex(job->raw.hash[2 * i + 1]));
}

static int
note_raw(void *context, void *item, struct arena *arena,
    const struct ctl_http_answer *answer, struct ctl_http_request *ret_more)
{
	struct getting *getting = context;
	struct job *job = item;
	char id[ID_TEXT + 1];
	int exit_code;

	(void)arena;
	(void)ret_more;
	id_format(&job->chosen->id, id);
	exit_code = ctl_raw_end(getting->http, id, &job->raw, answer);
	if (exit_code == CTL_OK)
		take_over(job);
	end_job(job, exit_code);
	return CTL_OK;
}

static int
note_failure(void *context, void *item, int exit_code, bool is_hopeless)
{
	struct getting *getting = context;
	struct job *job = item;

	if (!getting->is_over)
		(void)ctl_error(exit_code, "that was %s", job->chosen->path);
	getting->is_over |= is_hopeless; /* of the others no more is told */
	end_job(job, exit_code);
	return is_hopeless ? exit_code : CTL_OK;
}

static int
fetch(struct getting *getting)
{
	const struct ctl_http_many many = { .context = getting,
		.next = next_raw,
		.done = note_raw,
		.failed = note_failure };
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

/* ---- where to ---- */

/* The directory of -o is made, if only it is missing. */
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

int
ctl_get_many(const struct ctl *ctl)
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
		exit_code = ctl_choose(ctl, getting->http, &getting->choice);
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
