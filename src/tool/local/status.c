/* SPDX-License-Identifier: ISC */
/* status.c - artifactctl status: the store of this host in numbers. */

#include "local.h"
#include "tool/output.h"


static bool
is_size(const char *name)
{
	size_t size = strlen(name);

	return size > 6 && strcmp(name + size - 6, "_bytes") == 0;
}

static void
add_figure(void *object, const struct store_figure *figure)
{
	if (is_size(figure->name))
		ctl_row_size(object, figure->name, figure->value);
	else
		ctl_row_number(object, figure->name, figure->value);
}

/* What a service that runs goes by may be older than the file. */
static struct span
verdict_text(struct arena *arena, const struct store_room *room)
{
	if (room->verdict == RESULT_OK)
		return SPAN("yes, by the configuration file");
	return arena_printf(arena,
	    room->verdict == RESULT_QUOTA
		? "no, by the configuration file, once the service has "
		  "read it: %llu bytes of the %llu of max_bytes are used"
		: "no, by the configuration file, once the service has "
		  "read it: %llu bytes are free, and the reserve is %llu",
	    (unsigned long long)room->shortage.have,
	    (unsigned long long)room->shortage.limit);
}

/* "2026-11-25T17:00:00Z"; nothing for 0. */
static struct span
time_text(struct arena *arena, uint64_t seconds)
{
	char text[MOMENT_TEXT + 1];

	if (seconds == 0)
		return SPAN_NONE;
	moment_format(seconds * MOMENT_SECOND, text);
	return arena_printf(arena, "%.19sZ", text);
}

static struct span
place_text(enum note_place place)
{
	if (place == NOTE_PLACE_SHARED)
		return SPAN("the store's own, so that a lost disk takes the "
			    "backups with it: mount another disk where they "
			    "go");
	return place == NOTE_PLACE_OTHER ? SPAN("another than the store's")
					 : SPAN_NONE;
}

/* When it was, what became of it, and when one last ended well. */
static enum note_place
add_note(struct ctl_row *row, const struct ctl_local *local, const char *name,
    const char *const names[3])
{
	struct arena *arena = local->ctl->arena;
	struct note note = { 0 };
	struct span result = SPAN_NONE, when = SPAN_NONE, success = SPAN_NONE;

	if (note_read(local->directory, name, &note) == RESULT_OK) {
		when = time_text(arena, note.finished);
		success = time_text(arena, note.succeeded);
		result = note.is_ok ? SPAN("ok") : SPAN("failed");
		if (note.problems > 0)
			result =
			    ctl_count_text(arena, note.problems, "problem");
	}
	ctl_row_text(row, names[0], when);
	ctl_row_text(row, names[1], result);
	ctl_row_text(row, names[2], success);
	return note.place;
}

static int
fill(struct ctl_local *local, struct store *store, struct ctl_row *row)
{
	struct store_room room;
	enum result result = store_figures(store, add_figure, row);

	if (result == RESULT_OK)
		result = store_room(store, local->config->reserve,
		    local->config->max_bytes, &room);
	if (result != RESULT_OK)
		return ctl_local_refusal(result, store_reason(store));
	ctl_row_size(row, "file_bytes", room.file_bytes);
	ctl_row_size(row, "disk_free_bytes", room.disk_free);
	ctl_row_size(row, "reusable_bytes", room.reusable);
	ctl_row_size(row, "reserve_bytes", local->config->reserve);
	ctl_row_text(row, "has_room", verdict_text(local->ctl->arena, &room));
	return CTL_OK;
}

static const char *const check_names[] = { "last_check", "last_check_result",
	"last_good_check" };
static const char *const backup_names[] = { "last_backup", "last_backup_result",
	"last_good_backup" };

static int
show(struct ctl_local *local)
{
	struct ctl_row *row = ctl_row(local->ctl->arena);
	enum note_place place;
	struct store *store;
	int exit_code;

	ctl_row_text(row, "service",
	    ctl_local_is_running(local)
		? SPAN("running, or another artifactctl is at work")
		: SPAN("stopped"));
	exit_code = ctl_local_open_reader(local, &store);
	if (exit_code != CTL_OK)
		return exit_code;
	exit_code = fill(local, store, row);
	store_close(store);
	if (exit_code != CTL_OK)
		return exit_code;
	(void)add_note(row, local, NOTE_CHECK, check_names); /* no backup */
	place = add_note(row, local, NOTE_BACKUP, backup_names);
	ctl_row_text(row, "backup_disk", place_text(place));
	ctl_print_facts(local->ctl, row);
	return CTL_OK;
}

static int
run(struct ctl *ctl)
{
	struct ctl_local local;
	int exit_code = ctl_local_load(ctl, &local);

	if (exit_code == CTL_OK)
		exit_code = ctl_local_become(&local);
	if (exit_code != CTL_OK)
		return exit_code;
	ctl_local_guard(&(struct ctl_ending){ .local = &local });
	exit_code = show(&local);
	ctl_local_let_go();
	return exit_code;
}

static const struct ctl_option options[] = { { NULL, 0, NULL, NULL } };

const struct ctl_command ctl_command_status = {
	.name = "status",
	.summary = "Show the store of this host in numbers",
	.operands = "",
	.where = CTL_LOCAL,
	.options = options,
	.run = run,
};
