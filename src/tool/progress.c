/* SPDX-License-Identifier: ISC */
/* progress.c - one line on stderr that is written over and over. */

#include "progress.h"

#include "output.h"
#include "base/scoreboard.h"

#define EVERY (SECOND / 5)

void
ctl_progress_begin(struct ctl_progress *progress, const struct ctl *ctl,
    const char *what, uint64_t total)
{
	*progress = (struct ctl_progress){ .ctl = ctl,
		.what = what,
		.total = total,
		.began = scoreboard_now() };
}

static void
append_time_left(
    struct buffer *line, const struct ctl_progress *progress, double rate)
{
	uint64_t seconds;

	if (progress->total <= progress->done || rate < 1)
		return;
	seconds = (uint64_t)((double)(progress->total - progress->done) / rate);
	if (seconds >= 3600)
		buffer_printf(line, ", %llu h %llu min left",
		    (unsigned long long)seconds / 3600,
		    (unsigned long long)seconds % 3600 / 60);
	else
		buffer_printf(line, ", %llu:%02llu left",
		    (unsigned long long)seconds / 60,
		    (unsigned long long)seconds % 60);
}

static void
show(const struct ctl_progress *progress, int64_t now)
{
	struct arena *arena = arena_open();
	double elapsed = (double)(now - progress->began) / (double)SECOND;
	double rate = (double)progress->done / elapsed;
	struct buffer line;
	struct span text;

	buffer_init(&line, arena);
	text = ctl_visible(arena, span_str(progress->what));
	buffer_append(&line, text);
	text = ctl_size_text(arena, progress->done);
	buffer_printf(&line, ": %.*s", (int)text.size, text.data);
	if (progress->total != 0) {
		text = ctl_size_text(arena, progress->total);
		buffer_printf(&line, " of %.*s", (int)text.size, text.data);
	}
	text = ctl_size_text(arena, (uint64_t)rate);
	buffer_printf(&line, ", %.*s/s", (int)text.size, text.data);
	append_time_left(&line, progress, rate);
	fprintf(stderr, "\r%.*s\033[K", (int)line.size, line.data);
	fflush(stderr);
	arena_close(arena);
}

void
ctl_progress_at(struct ctl_progress *progress, uint64_t done)
{
	int64_t now;

	progress->done = done;
	if (!progress->ctl->is_watched)
		return;
	now = scoreboard_now();
	if (now - progress->began < SECOND || now - progress->shown < EVERY)
		return;
	progress->shown = now;
	show(progress, now);
}

void
ctl_progress_add(struct ctl_progress *progress, uint64_t more)
{
	ctl_progress_at(progress, progress->done + more);
}

void
ctl_progress_take_back(struct ctl_progress *progress, uint64_t bytes)
{
	progress->done -= bytes;
}

void
ctl_progress_end(struct ctl_progress *progress)
{
	if (progress->shown != 0)
		fputs("\r\033[K", stderr);
}
