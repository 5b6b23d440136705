/* SPDX-License-Identifier: ISC */
/*
 * store.c - what can be wrong with state_dir and the store in it:
 * owners, file system, room, clock, readers, and what was not done lately.
 */

#include "doctor.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#define DAY (24 * 60 * 60)
#define CHECK_MOST (15 * DAY) /* one that a weekly timer made up for */
#define BACKUP_MOST (2 * DAY)
/* A clock before it has lost its battery: this was written then. */
#define CLOCK_LEAST 1764000000 /* November 2025 */
#define READERS_MOST 480       /* of the 512 of lock.mdb */
#define LAG_MOST 100000

/* ---- what the store says ---- */

static void
keep_figure(void *object, const struct store_figure *figure)
{
	struct doctor_store *store = object;

	if (store->count == DOCTOR_FIGURES)
		return;
	(void)snprintf(store->figures[store->count].name,
	    sizeof(store->figures[0].name), "%s", figure->name); /* short */
	store->figures[store->count++].value = figure->value;
}

static int
look_into(struct doctor *doctor, struct store *store)
{
	const struct filter all = { 0 };
	const struct position newest = { 0 };
	struct page page;
	enum result result = store_figures(store, keep_figure, &doctor->store);

	if (result == RESULT_OK)
		result = store_room(store, doctor->config->reserve,
		    doctor->config->max_bytes, &doctor->store.room);
	if (result == RESULT_OK)
		result =
		    store_list(store, &all, &newest, 1, doctor->arena, &page);
	if (result == RESULT_OK && page.count > 0)
		doctor->store.newest = page.artifacts[0]->created;
	return result == RESULT_OK
		   ? CTL_OK
		   : ctl_local_refusal(result, store_reason(store));
}

/* Never returns. */
static void
run_reader(struct doctor *doctor, int answer)
{
	struct store *store;
	int exit_code = ctl_local_become(&doctor->local);

	ctl_local_guard(&(struct ctl_ending){ .local = &doctor->local });
	if (exit_code == CTL_OK)
		exit_code = ctl_local_open_reader(&doctor->local, &store);
	if (exit_code == CTL_OK) {
		exit_code = look_into(doctor, store);
		store_close(store);
	}
	if (exit_code == CTL_OK &&
	    write(answer, &doctor->store, sizeof(doctor->store)) < 0)
		exit_code = CTL_FAILED;
	_exit(exit_code);
}

/*
 * Read the store in a process of its own, which no other command needs: it is
 * the store's user, while doctor stays root, for whom it is to look at other
 * files; and doctor goes on when damaged pages end it. What it has read, less
 * than PIPE_BUF, comes at once.
 */
static int
read_store(struct doctor *doctor)
{
	struct doctor_store store;
	int ends[2], status = 0;
	pid_t reader = -1;

	if (pipe2(ends, O_CLOEXEC) == 0) {
		fflush(stdout); /* or both would print it */
		reader = fork();
		if (reader == 0)
			run_reader(doctor, ends[1]);
		(void)close(ends[1]); /* it is the reader's */
	}
	if (reader < 0)
		return ctl_fail("cannot start a process: %s", strerror(errno));
	doctor->has_store =
	    read(ends[0], &store, sizeof(store)) == sizeof(store);
	if (doctor->has_store)
		doctor->store = store;
	(void)close(ends[0]);		   /* it was only read */
	(void)waitpid(reader, &status, 0); /* it is there */
	return WIFEXITED(status) ? WEXITSTATUS(status) : CTL_FAILED;
}

void
doctor_open_store(struct doctor *doctor)
{
	const char *directory = doctor->local.directory;
	int exit_code = read_store(doctor);

	if (exit_code == CTL_INTEGRITY)
		doctor_problem(doctor,
		    "the store in %s is damaged, as was said above: see "
		    "\"artifactctl check\", and restore a backup",
		    directory);
	else if (!doctor->has_store)
		doctor_problem(doctor,
		    "the store in %s cannot be read, for what was said above",
		    directory);
}

static uint64_t
figure(const struct doctor *doctor, const char *name)
{
	size_t i;

	for (i = 0; i < doctor->store.count; i++)
		if (strcmp(doctor->store.figures[i].name, name) == 0)
			return doctor->store.figures[i].value;
	return 0;
}

/* ---- the directory ---- */

static void
look_at_owner(struct doctor *doctor, const char *name)
{
	const struct ctl_local *local = &doctor->local;
	const char *path = arena_printf(doctor->arena, "%s%s%s",
	    local->directory, name[0] == '\0' ? "" : "/", name)
			       .data;
	struct stat file;

	if (stat(path, &file) != 0)
		return;
	if (file.st_uid != local->uid)
		doctor_problem(doctor,
		    "%s belongs to user %lu and the store to %s, which locks "
		    "the service out: chown %s %s",
		    path, (unsigned long)file.st_uid, local->user, local->user,
		    path);
	if ((file.st_mode & 077) != 0)
		doctor_warning(doctor,
		    "%s is open to other users (mode %03o): chmod go= %s", path,
		    file.st_mode & 0777, path);
}

static void
look_at_files(struct doctor *doctor)
{
	static const char *const names[] = { "", "data.mdb", "lock.mdb",
		"format", NOTE_CHECK, NOTE_BACKUP };
	size_t i;

	for (i = 0; i < COUNT_OF(names); i++)
		look_at_owner(doctor, names[i]);
	if (doctor->local.uid == 0)
		doctor_warning(doctor,
		    "the store in %s belongs to root: a service of its own "
		    "user (artifactd) has less to lose: chown -R artifactd: %s",
		    doctor->local.directory, doctor->local.directory);
}

static void
look_at_whole(struct doctor *doctor)
{
	const char *directory = doctor->local.directory;
	struct stat file;
	bool has_data, has_format;

	has_data =
	    stat(arena_printf(doctor->arena, "%s/data.mdb", directory).data,
		&file) == 0;
	has_format =
	    stat(arena_printf(doctor->arena, "%s/format", directory).data,
		&file) == 0;
	if (!has_data && !has_format)
		doctor_warning(doctor,
		    "%s holds no store: is its disk mounted? Where a new, "
		    "empty one is to be, artifactctl init makes it",
		    directory);
	else if (!has_data || !has_format)
		doctor_problem(doctor,
		    "%s has %s, but not %s, so that nobody opens it: bring the "
		    "file back, or restore a backup",
		    directory, has_data ? "data.mdb" : "format",
		    has_data ? "format" : "data.mdb");
}

/* What a command that was killed left behind, as large as the store. */
static void
look_at_leavings(struct doctor *doctor)
{
	static const char *const names[] = { "compact.partial",
		"restore.partial" };
	const char *path;
	struct stat file;
	size_t i;

	for (i = 0; i < COUNT_OF(names); i++) {
		path = arena_printf(
		    doctor->arena, "%s/%s", doctor->local.directory, names[i])
			   .data;
		if (stat(path, &file) == 0)
			doctor_warning(doctor,
			    "%s is of a command that is at work, or was "
			    "killed: repeat that, or, if none is at work: rm "
			    "-r %s",
			    path, path);
	}
}

static void
look_for_directory(struct doctor *doctor)
{
	if (!doctor->has_directory)
		doctor_problem(doctor,
		    "there is no directory %s, which the setting state_dir "
		    "names: is its disk mounted? On a new host: artifactctl "
		    "init",
		    doctor->config->state_dir);
}

static void
look_at_file_system(struct doctor *doctor)
{
	static const struct {
		unsigned long magic;
		const char *name;
		bool is_refused;
	} known[] = {
		{ 0x6969, "NFS", true },
		{ 0x517b, "SMB", true },
		{ 0xff534d42, "CIFS", true },
		{ 0xfe534d42, "SMB", true },
		{ 0x65735546, "FUSE", true },
		{ 0x794c7630, "overlay", false },
		{ 0x01021994, "tmpfs", false },
	};
	struct statfs system;
	size_t i;

	if (statfs(doctor->local.directory, &system) != 0)
		return;
	for (i = 0; i < COUNT_OF(known); i++) {
		if (((unsigned long)system.f_type & 0xffffffff) !=
		    known[i].magic)
			continue;
		if (known[i].is_refused)
			doctor_problem(doctor,
			    "%s is on %s, where locks and memory maps cannot "
			    "be trusted: put the store on a local file system",
			    doctor->local.directory, known[i].name);
		else
			doctor_warning(doctor,
			    "%s is on %s, which goes with the container or "
			    "the machine: put the store on a disk",
			    doctor->local.directory, known[i].name);
	}
}

/* ---- room ---- */

/* What a service that runs has read may be older than the file. */
#define REFUSED \
	"creates are refused (507), if not yet then from the service's next " \
	"reload or start on: "

/* Of the file system; as much as can be, where it cannot be asked. */
static uint64_t
disk_size(const struct doctor *doctor)
{
	struct statvfs disk;

	if (statvfs(doctor->local.directory, &disk) != 0)
		return UINT64_MAX;
	return (uint64_t)disk.f_blocks * disk.f_frsize;
}

static void
look_at_reserve(struct doctor *doctor)
{
	const struct store_room *room = &doctor->store.room;
	uint64_t reserve = doctor->config->reserve;
	uint64_t disk = disk_size(doctor);

	if (room->verdict == RESULT_NO_SPACE && reserve >= disk)
		doctor_problem(doctor,
		    REFUSED "the setting reserve keeps %s, and the whole disk "
			    "has %s: lower it, or move the store to a larger "
			    "disk",
		    doctor_size(doctor, reserve), doctor_size(doctor, disk));
	else if (room->verdict == RESULT_NO_SPACE)
		doctor_problem(doctor,
		    REFUSED "%s are free for the store, and the setting "
			    "reserve keeps %s: make room on the disk, delete "
			    "with \"artifactctl rm\", then \"artifactctl "
			    "compact\"",
		    doctor_size(doctor, room->shortage.have),
		    doctor_size(doctor, room->shortage.limit));
	else if (room->disk_free / 2 < reserve)
		doctor_warning(doctor,
		    "%s are free for the store, less than twice the reserve "
		    "of %s, at which creates are refused: make room",
		    doctor_size(doctor, room->disk_free),
		    doctor_size(doctor, reserve));
	if (reserve < 64 << 20)
		doctor_warning(doctor,
		    "the setting reserve keeps %s of the disk: that is soon "
		    "written by something else, and then deletes fail too; "
		    "1 GiB is the default",
		    doctor_size(doctor, reserve));
}

static void
look_at_quota(struct doctor *doctor)
{
	const struct store_room *room = &doctor->store.room;
	uint64_t most = doctor->config->max_bytes;
	uint64_t used = figure(doctor, "content_bytes");

	if (room->verdict == RESULT_QUOTA)
		doctor_problem(doctor,
		    REFUSED "%s of the %s that the setting max_bytes allows "
			    "are in use: raise it, or delete with "
			    "\"artifactctl rm\"",
		    doctor_size(doctor, room->shortage.have),
		    doctor_size(doctor, room->shortage.limit));
	else if (most != 0 && used > most / 10 * 9)
		doctor_warning(doctor,
		    "%s of the %s that the setting max_bytes allows are in "
		    "use: beyond it creates are refused",
		    doctor_size(doctor, used), doctor_size(doctor, most));
	if (most > used && most - used > room->disk_free)
		doctor_warning(doctor,
		    "the setting max_bytes allows %s more than are stored, and "
		    "the disk has %s for them: the disk is full first",
		    doctor_size(doctor, most - used),
		    doctor_size(doctor, room->disk_free));
}

static void
look_at_map(struct doctor *doctor)
{
	uint64_t size = figure(doctor, "map_size_bytes");
	uint64_t used = figure(doctor, "map_used_bytes");

	used -= figure(doctor, "free_bytes") < used
		    ? figure(doctor, "free_bytes")
		    : 0;
	if (size > 0 && used > size / 10 * 8)
		doctor_warning(doctor,
		    "%s of the %s that data.mdb can grow to are in use: move "
		    "the store to a larger disk by \"artifactctl export\" and "
		    "\"import\", which makes it anew",
		    doctor_size(doctor, used), doctor_size(doctor, size));
}

static void
look_at_readers(struct doctor *doctor)
{
	uint64_t count = figure(doctor, "readers");
	uint64_t lag = figure(doctor, "oldest_reader_lag_commits");

	if (count > READERS_MOST)
		doctor_problem(doctor,
		    "%llu processes have the store open, and 512 can: end "
		    "those that are not the service's, or restart it",
		    (unsigned long long)count);
	if (lag > LAG_MOST)
		doctor_warning(doctor,
		    "a process reads the store as it was %llu commits ago, and "
		    "data.mdb grows by what is written since: a backup or an "
		    "export that is still at work, or restart the service",
		    (unsigned long long)lag);
}

/* ---- the clock, and what was done ---- */

static void
look_at_clock(struct doctor *doctor)
{
	uint64_t now = moment_now() / MOMENT_SECOND;

	if (now < CLOCK_LEAST)
		doctor_problem(doctor,
		    "the clock says that it is %llu seconds after 1970, before "
		    "this program was written: set it (timedatectl)",
		    (unsigned long long)now);
}

static void
look_at_moments(struct doctor *doctor)
{
	uint64_t newest = doctor->store.newest / MOMENT_SECOND;
	uint64_t now = moment_now() / MOMENT_SECOND;

	if (newest > now + DAY)
		doctor_problem(doctor,
		    "the newest artifact is %llu s ahead of the clock, so that "
		    "creates are refused: set the clock (timedatectl); if it "
		    "is right, the artifact was made while it was wrong: "
		    "delete that",
		    (unsigned long long)(newest - now));
	else if (newest > now + 60)
		doctor_warning(doctor,
		    "the newest artifact is %llu s ahead of the clock: it was "
		    "set back; is time synchronised (timedatectl)?",
		    (unsigned long long)(newest - now));
}

/*
 * A backup that could not be made takes nothing from the one before. What
 * found damage tells of the store, whatever was well before.
 */
static void
tell_of_failure(struct doctor *doctor, const struct note *note, uint64_t most,
    const char *what)
{
	uint64_t now = moment_now() / MOMENT_SECOND;
	char text[MOMENT_TEXT + 1];

	moment_format(note->succeeded * MOMENT_SECOND, text);
	if (note->problems == 0 && note->succeeded + most >= now)
		doctor_warning(doctor,
		    "the last %s did not end well, but that of %.19sZ did: see "
		    "\"journalctl -u artifactd-%s.service\", and repeat it",
		    what, text, what);
	else
		doctor_problem(doctor,
		    "the last %s did not end well: see \"journalctl -u "
		    "artifactd-%s.service\", and repeat it",
		    what, what);
}

static void
look_at_note(struct doctor *doctor, const char *name, uint64_t most,
    const char *what, const char *how)
{
	uint64_t now = moment_now() / MOMENT_SECOND;
	struct note note;
	enum result result = note_read(doctor->local.directory, name, &note);

	if (result == RESULT_NOT_FOUND)
		doctor_warning(doctor, "there was no %s yet: %s", what, how);
	else if (result != RESULT_OK)
		doctor_warning(doctor,
		    "%s/%s cannot be read, so that nobody knows of the last "
		    "%s: remove it, and %s",
		    doctor->local.directory, name, what, how);
	else if (!note.is_ok)
		tell_of_failure(doctor, &note, most, what);
	else if (note.finished < now && now - note.finished > most)
		doctor_warning(doctor, "the last %s was %llu days ago: %s",
		    what, (unsigned long long)(now - note.finished) / DAY, how);
}

static void
look_at_check(struct doctor *doctor)
{
	look_at_note(doctor, NOTE_CHECK, CHECK_MOST, "check",
	    "\"systemctl enable --now artifactd-check.timer\" makes one each "
	    "week, \"artifactctl check --deep\" one now");
}

static void
look_at_backup(struct doctor *doctor)
{
	struct note note;

	look_at_note(doctor, NOTE_BACKUP, BACKUP_MOST, "backup",
	    "\"systemctl enable --now artifactd-backup.timer\" makes one each "
	    "night, \"artifactctl backup DIR\" one now");
	if (note_read(doctor->local.directory, NOTE_BACKUP, &note) ==
		RESULT_OK &&
	    note.place == NOTE_PLACE_SHARED)
		doctor_warning(doctor,
		    "the last good backup is on the file system of the store, "
		    "so that a lost disk takes the backups with it: mount "
		    "another disk where they go, and make one there");
}

const struct doctor_check doctor_store_checks[] = {
	{ "state_dir", DOCTOR_CONFIG, look_for_directory },
	{ "owner", DOCTOR_DIRECTORY, look_at_files },
	{ "whole", DOCTOR_DIRECTORY, look_at_whole },
	{ "leavings", DOCTOR_DIRECTORY, look_at_leavings },
	{ "file_system", DOCTOR_DIRECTORY, look_at_file_system },
	{ "reserve", DOCTOR_STORE, look_at_reserve },
	{ "quota", DOCTOR_STORE, look_at_quota },
	{ "map", DOCTOR_STORE, look_at_map },
	{ "readers", DOCTOR_STORE, look_at_readers },
	{ "clock", 0, look_at_clock },
	{ "moments", DOCTOR_STORE, look_at_moments },
	{ "check", DOCTOR_STORE, look_at_check },
	{ "backup", DOCTOR_STORE, look_at_backup },
	{ NULL, 0, NULL },
};
