/* SPDX-License-Identifier: ISC */
/*
 * host.c - what can be wrong around the store: the configuration, the secret,
 * the socket, and what systemd knows of our units.
 */

#include "doctor.h"
#include "tool/client/rm.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define SERVICE "artifactd.service"
/* What "systemd-analyze security" (0 to 10) says of the unit as shipped. */
#define EXPOSURE 0.2
/* Descriptors and processes beside those of each worker. */
#define BESIDE 64

/* ---- the configuration ---- */

static void
look_at_mode(struct doctor *doctor, const char *path, mode_t forbidden,
    const char *reason, const char *mode)
{
	struct stat file;

	if (stat(path, &file) != 0 || !S_ISREG(file.st_mode))
		return;
	if ((file.st_mode & forbidden) != 0)
		doctor_problem(doctor, "%s %s (mode %03o): chmod %s %s", path,
		    reason, file.st_mode & 0777, mode, path);
	if (file.st_uid != 0 && file.st_uid != geteuid())
		doctor_problem(doctor,
		    "%s belongs to user %lu, who may change what root and the "
		    "service do: chown root: %s",
		    path, (unsigned long)file.st_uid, path);
}

/* The service starts as the store's user. */
static void
look_whether_readable(struct doctor *doctor, const char *path)
{
	const struct ctl_local *local = &doctor->local;
	struct stat file;

	if (!doctor->has_directory || local->uid == 0 ||
	    stat(path, &file) != 0 || (file.st_mode & 04) != 0 ||
	    (file.st_uid == local->uid && (file.st_mode & 0400) != 0) ||
	    (file.st_gid == local->gid && (file.st_mode & 040) != 0))
		return;
	doctor_problem(doctor,
	    "%s cannot be read by %s, as whom the service starts (mode %03o): "
	    "chgrp %lu %s && chmod g+r %s",
	    path, local->user, file.st_mode & 0777, (unsigned long)local->gid,
	    path, path);
}

/* Who can read the secret can pass for any user; where the service or nginx
 * cannot, nobody gets in. */
static void
look_at_secret(struct doctor *doctor)
{
	const char *path = doctor->config->secret_file;
	struct stat file;

	if (stat(path, &file) != 0) {
		doctor_problem(doctor,
		    "%s, the secret by which artifactd knows nginx: %s, and "
		    "without it neither starts: \"" NGINX_DIR
		    "/make-secret.sh %s\", and reload nginx",
		    path, strerror(errno), path);
		return;
	}
	look_at_mode(doctor, path, 07,
	    "is open to all users of this host, who can then claim to be "
	    "nginx, and through it anybody",
	    "o=");
	look_at_mode(doctor, path, 020,
	    "can be changed by others than its owner", "g-w");
	look_whether_readable(doctor, path);
}

static void
look_at_configuration(struct doctor *doctor)
{
	const char *path = ctl_value(doctor->ctl, "config");

	if (path == NULL)
		path = config_default_path();
	if (doctor->config == NULL)
		doctor_problem(doctor,
		    "%s: the service does not start with it, and refuses a "
		    "reload: see artifactd.conf(5), and \"artifactd -t\" "
		    "before the next reload",
		    doctor->error);
	look_at_mode(doctor, path, 022,
	    "can be changed by others than its owner", "go-w");
	look_whether_readable(doctor, path);
	look_at_mode(doctor, SYSCONFDIR "/artifactd/artifactctl.env", 077,
	    "is open to others, and may hold a token", "0600");
}

static void
look_at_retention(struct doctor *doctor)
{
	const struct config_list *lines = &doctor->config->retention;
	struct ctl_which filter;
	size_t i;

	for (i = 0; i < lines->count; i++)
		if (ctl_rm_parse(doctor->ctl, lines->items[i], &filter) !=
		    CTL_OK)
			doctor_problem(doctor,
			    "\"%.200s\", number %zu of the setting retention, "
			    "cannot be followed, as was said above, and so "
			    "none of them is: it takes the options of "
			    "\"artifactctl rm\" that say which",
			    lines->items[i], i + 1);
}

static void
look_at_listen(struct doctor *doctor)
{
	const char *path = doctor->config->listen, *reason;
	struct stat file;

	if (stat(path, &file) != 0) {
		reason = strerror(errno);
		if (doctor->has_directory &&
		    ctl_local_is_running(&doctor->local))
			doctor_problem(doctor,
			    "the service runs (or another artifactctl is at "
			    "work), but there is no socket %s, which the "
			    "setting listen names (%s): systemctl restart "
			    "artifactd.socket artifactd.service",
			    path, reason);
		else
			doctor_warning(doctor,
			    "the service does not run: there is no socket %s: "
			    "systemctl start artifactd.socket "
			    "artifactd.service",
			    path);
		return;
	}
	if (!S_ISSOCK(file.st_mode))
		doctor_problem(doctor,
		    "%s is no socket: remove it, and restart the service",
		    path);
	else if ((file.st_mode & 07) != 0)
		doctor_problem(doctor,
		    "every user of this host can connect to %s (mode %03o) and "
		    "pass for any other: chmod o= %s, and SocketMode=0660 in "
		    "artifactd.socket",
		    path, file.st_mode & 0777, path);
}

/* ---- systemd ---- */

static const struct {
	const char *name;
	enum { OTHER, OPENS_STORE, TIMER } kind;
} units[] = {
	[DOCTOR_SERVICE] = { SERVICE, OPENS_STORE },
	[DOCTOR_SOCKET] = { "artifactd.socket", OTHER },
	[DOCTOR_CHECK] = { "artifactd-check.service", OPENS_STORE },
	[DOCTOR_BACKUP] = { "artifactd-backup.service", OPENS_STORE },
	[DOCTOR_RETENTION] = { "artifactd-retention.service", OTHER },
	[DOCTOR_CHECK_TIMER] = { "artifactd-check.timer", TIMER },
	[DOCTOR_BACKUP_TIMER] = { "artifactd-backup.timer", TIMER },
	[DOCTOR_RETENTION_TIMER] = { "artifactd-retention.timer", TIMER },
};

/* The value of a property that systemd shows of a unit; "": none. */
static const char *
property(struct doctor *doctor, size_t unit, const char *name)
{
	struct span rest = doctor->units[unit], line, key;

	while (rest.data != NULL) {
		line = span_split(&rest, '\n');
		key = span_split(&line, '=');
		if (span_is(key, name) && line.data != NULL)
			return arena_string(doctor->arena, line);
	}
	return "";
}

static bool
has_value(
    struct doctor *doctor, size_t unit, const char *name, const char *value)
{
	return strcmp(property(doctor, unit, name), value) == 0;
}

/* systemctl shows its units one after the other, an empty line between. */
static void
split_units(struct doctor *doctor, const char *text)
{
	const char *end;
	size_t i;

	for (i = 0; i < DOCTOR_UNITS && text != NULL; i++) {
		end = strstr(text, "\n\n");
		doctor->units[i] = end != NULL
				       ? span_of(text, (size_t)(end - text))
				       : span_str(text);
		text = end != NULL ? end + 2 : NULL;
	}
}

bool
doctor_ask_systemd(struct doctor *doctor)
{
	const char *words[DOCTOR_UNITS + 3] = { "systemctl", "show" };
	struct ctl_program program;
	size_t i;

	for (i = 0; i < DOCTOR_UNITS; i++)
		words[i + 2] = units[i].name;
	if (!ctl_program_run(doctor->arena, words, &program) ||
	    program.exit_code != 0)
		return false;
	split_units(doctor, arena_string(doctor->arena, program.output));
	return has_value(doctor, DOCTOR_SERVICE, "LoadState", "loaded");
}

static void
look_at_units(struct doctor *doctor)
{
	const char *name;
	size_t i;

	for (i = 0; i < DOCTOR_UNITS; i++) {
		name = units[i].name;
		if (units[i].kind == TIMER)
			continue;
		if (has_value(doctor, i, "ActiveState", "failed"))
			doctor_problem(doctor,
			    "%s has failed (%s): see \"journalctl -u %s\", and "
			    "then \"systemctl reset-failed %s\"",
			    name, property(doctor, i, "Result"), name, name);
		if (has_value(doctor, i, "NeedDaemonReload", "yes"))
			doctor_warning(doctor,
			    "the files of %s have changed since systemd read "
			    "them: systemctl daemon-reload",
			    name);
	}
	if (has_value(doctor, DOCTOR_SERVICE, "UnitFileState", "disabled"))
		doctor_warning(doctor,
		    SERVICE " does not start with the machine: systemctl "
			    "enable artifactd.socket " SERVICE);
}

/* is_due: the timer ought to be on; reason is for the sentence. */
static void
look_at_timer(
    struct doctor *doctor, size_t unit, bool is_due, const char *reason)
{
	bool is_on = has_value(doctor, unit, "ActiveState", "active");

	if (is_on != is_due && has_value(doctor, unit, "LoadState", "loaded"))
		doctor_warning(doctor, "%s is %s, %s: systemctl %s --now %s",
		    units[unit].name, is_on ? "on" : "off", reason,
		    is_on ? "disable" : "enable", units[unit].name);
}

static void
look_at_timers(struct doctor *doctor)
{
	bool has_rules = doctor->config->retention.count > 0;

	look_at_timer(doctor, DOCTOR_CHECK_TIMER, true,
	    "so that damage is found by whoever reads it");
	look_at_timer(doctor, DOCTOR_BACKUP_TIMER, true,
	    "so that a lost disk is a lost store (unless another tool runs "
	    "\"artifactctl backup\")");
	look_at_timer(doctor, DOCTOR_RETENTION_TIMER, has_rules,
	    has_rules ? "but the setting retention has rules"
		      : "but the setting retention is empty");
}

static void
look_at_exposure(struct doctor *doctor)
{
	const char *const words[] = { "systemd-analyze", "security",
		"--no-pager", SERVICE, NULL };
	struct ctl_program program;
	const char *text, *found;
	double exposure;

	if (!ctl_program_run(doctor->arena, words, &program))
		return;
	text = arena_string(doctor->arena, program.output);
	found = strstr(text, "exposure level for " SERVICE ": ");
	if (found == NULL)
		return;
	exposure = strtod(strstr(found, ": ") + 2, NULL);
	if (exposure > EXPOSURE + 0.05)
		doctor_warning(doctor,
		    SERVICE " is exposed to %.1f of 10, and as it is shipped "
			    "to %.1f: \"systemctl cat " SERVICE
			    "\" shows what was changed, \"systemd-analyze "
			    "security " SERVICE "\" what that opens",
		    exposure, EXPOSURE);
}

static void
look_at_limit(
    struct doctor *doctor, const char *name, uint64_t least, const char *line)
{
	const char *text = property(doctor, DOCTOR_SERVICE, name);
	char *end;
	unsigned long long value = strtoull(text, &end, 10);

	if (end == text || *end != '\0' || value >= least)
		return; /* no limit is set or printed, or it is high enough */
	doctor_problem(doctor,
	    SERVICE " may have %llu by %s, and %u workers can take %llu: "
		    "\"systemctl edit " SERVICE "\", %s=%llu",
	    value, line, doctor->config->workers, (unsigned long long)least,
	    line, (unsigned long long)least);
}

/*
 * A span of time as systemd prints it ("1min 30s"), in milliseconds;
 * UINT64_MAX where it is "infinity", or more than days.
 */
static uint64_t
milliseconds_of(const char *text)
{
	static const struct {
		const char *unit;
		uint64_t factor;
	} names[] = { { "ms", 1 }, { "s", 1000 }, { "min", 60000 },
		{ "h", 3600000 }, { "d", 86400000 } };
	uint64_t sum = 0, value;
	char *unit;
	size_t size, i;

	for (;;) {
		value = strtoull(text, &unit, 10);
		size = strcspn(unit, " ");
		for (i = 0; i < COUNT_OF(names); i++)
			if (strlen(names[i].unit) == size &&
			    memcmp(names[i].unit, unit, size) == 0)
				break;
		if (unit == text || i == COUNT_OF(names))
			return UINT64_MAX;
		sum += value * names[i].factor;
		if (unit[size] == '\0')
			return sum;
		text = unit + size + 1;
	}
}

static void
look_at_limits(struct doctor *doctor)
{
	uint64_t workers = doctor->config->workers;
	uint64_t stop;

	look_at_limit(
	    doctor, "LimitNOFILE", 4 * workers + BESIDE, "LimitNOFILE");
	look_at_limit(doctor, "TasksMax", 2 * workers + BESIDE, "TasksMax");
	stop = milliseconds_of(
	    property(doctor, DOCTOR_SERVICE, "TimeoutStopUSec"));
	if (stop <= 1000 * (uint64_t)doctor->config->drain_timeout)
		doctor_problem(doctor,
		    "the setting drain_timeout gives requests %u s to end, but "
		    "systemd kills the service after %llu: a longer "
		    "TimeoutStopSec in \"systemctl edit " SERVICE
		    "\", or a shorter drain_timeout",
		    doctor->config->drain_timeout,
		    (unsigned long long)stop / 1000);
}

/* The length of the longest of the words that path is, or lies in; or 0. */
static size_t
nearest(struct span words, const char *path)
{
	size_t longest = 0, size;
	struct span word;

	while (words.data != NULL) {
		word = span_split(&words, ' ');
		while (word.size > 0 &&
		       (word.data[0] == '-' || word.data[0] == '+'))
			word = span_from(word, 1);
		size = ctl_local_lies_in(path, word);
		if (size > longest)
			longest = size;
	}
	return longest;
}

#define DROP_IN SYSCONFDIR "/artifactd/service.d"
#define MAKE_DROP_IN \
	"mkdir -p " DROP_IN "; printf '[Unit]\\nRequiresMountsFor=%s\\n" \
	"[Service]\\nReadWritePaths=%s\\nNoExecPaths=%s\\n' >" DROP_IN \
	"/state_dir.conf; systemctl daemon-reload. That is for all units " \
	"that open the store"

/* ProtectSystem=strict leaves little to write to, and NoExecPaths=/ does not
 * hold for what ReadWritePaths= opens. Units that open the store have one
 * directory of drop-ins together (Makefile.am). */
static void
look_at_paths(struct doctor *doctor)
{
	const char *directory = doctor->config->state_dir;
	const char *closed, *name;
	size_t opened, i;

	if (strcmp(directory, STATEDIR) == 0)
		return;
	for (i = 0; i < DOCTOR_UNITS; i++) {
		name = units[i].name;
		if (units[i].kind != OPENS_STORE ||
		    !has_value(doctor, i, "ProtectSystem", "strict"))
			continue;
		opened = nearest(
		    span_str(property(doctor, i, "ReadWritePaths")), directory);
		closed = property(doctor, i, "NoExecPaths");
		if (opened == 0) {
			doctor_problem(doctor,
			    "the setting state_dir is %s, where %s may not "
			    "write: " MAKE_DROP_IN,
			    directory, name, directory, directory, directory);
			return;
		}
		if (closed[0] != '\0' &&
		    nearest(span_str(closed), directory) < opened) {
			doctor_warning(doctor,
			    "the setting state_dir is %s, and %s could run a "
			    "program that lies there: " MAKE_DROP_IN,
			    directory, name, directory, directory, directory);
			return;
		}
	}
}

static void
look_at_socket_unit(struct doctor *doctor)
{
	const char *path = doctor->config->listen;
	const char *listens = property(doctor, DOCTOR_SOCKET, "Listen");

	if (listens[0] != '\0' && nearest(span_str(listens), path) == 0)
		doctor_problem(doctor,
		    "the setting listen is %s, but artifactd.socket listens on "
		    "%s, which counts: say the same in both, and in nginx",
		    path, listens);
}

const struct doctor_check doctor_host_checks[] = {
	{ "configuration", 0, look_at_configuration },
	{ "retention", DOCTOR_CONFIG, look_at_retention },
	{ "secret", DOCTOR_CONFIG, look_at_secret },
	{ "socket", DOCTOR_CONFIG, look_at_listen },
	{ "units", DOCTOR_CONFIG | DOCTOR_SYSTEMD, look_at_units },
	{ "timers", DOCTOR_CONFIG | DOCTOR_SYSTEMD, look_at_timers },
	{ "exposure", DOCTOR_CONFIG | DOCTOR_SYSTEMD, look_at_exposure },
	{ "limits", DOCTOR_CONFIG | DOCTOR_SYSTEMD, look_at_limits },
	{ "paths", DOCTOR_CONFIG | DOCTOR_SYSTEMD, look_at_paths },
	{ "socket_unit", DOCTOR_CONFIG | DOCTOR_SYSTEMD, look_at_socket_unit },
	{ NULL, 0, NULL },
};
