/* SPDX-License-Identifier: ISC */
/*
 * doctor.c - artifactctl doctor: the tables of checks, one after the
 * other, and their findings as lines. Knows nothing of what they look at.
 */

#include "doctor.h"

#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>

#define TEXT_MOST 2048

/* ---- findings ---- */

static void
print(struct doctor *doctor, const char *severity, struct span text)
{
	struct arena *arena = arena_open();
	struct ctl_row *row;
	struct span visible = ctl_visible(arena, text);

	if (doctor->output == NULL) {
		printf("%-8s %s%s%.*s\n", severity, doctor->check,
		    text.size > 0 ? ": " : "", (int)visible.size, visible.data);
	} else {
		row = ctl_row(arena);
		ctl_row_text(row, "severity", span_str(severity));
		ctl_row_text(row, "check", span_str(doctor->check));
		ctl_row_text(row, "finding", text.size > 0 ? text : SPAN_NONE);
		ctl_output_row(doctor->output, row);
	}
	arena_close(arena);
}

__attribute__((format(printf, 3, 0))) static void
find(struct doctor *doctor, const char *severity, const char *format,
    va_list arguments)
{
	char text[TEXT_MOST];

	(void)vsnprintf(text, sizeof(text), format, arguments); /* cut */
	print(doctor, severity, span_str(text));
	doctor->findings++;
}

void
doctor_problem(struct doctor *doctor, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	find(doctor, "problem", format, arguments);
	va_end(arguments);
	doctor->problems++;
}

void
doctor_warning(struct doctor *doctor, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	find(doctor, "warning", format, arguments);
	va_end(arguments);
	doctor->warnings++;
}

void
doctor_unknown(struct doctor *doctor, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	find(doctor, "unknown", format, arguments);
	va_end(arguments);
	doctor->unknowns++;
}

const char *
doctor_size(struct doctor *doctor, uint64_t bytes)
{
	return arena_string(doctor->arena, ctl_size_text(doctor->arena, bytes));
}

/* ---- checks ---- */

static void
run_checks(
    struct doctor *doctor, const struct doctor_check *checks, unsigned has)
{
	for (; checks->name != NULL; checks++) {
		if ((checks->needs & ~has) != 0)
			continue;
		doctor->check = checks->name;
		doctor->findings = 0;
		checks->look(doctor);
		if (doctor->findings == 0 && ctl_has(doctor->ctl, "verbose"))
			print(doctor, "ok", SPAN(""));
	}
}

/* What there is to look at; DOCTOR_…. */
static unsigned
prepare(struct doctor *doctor)
{
	unsigned has = 0;

	if (doctor->config != NULL)
		has |= DOCTOR_CONFIG;
	if (ctl_has(doctor->ctl, "url") ||
	    (doctor->config != NULL && doctor->config->public_url[0] != '\0'))
		has |= DOCTOR_URL;
	if (ctl_has(doctor->ctl, "nginx"))
		has |= DOCTOR_NGINX;
	if (doctor->has_directory)
		has |= DOCTOR_DIRECTORY;
	if (doctor->has_directory && ctl_local_has_store(&doctor->local)) {
		doctor->check = "store";
		doctor_open_store(doctor);
		if (doctor->has_store)
			has |= DOCTOR_STORE;
	}
	if (doctor_ask_systemd(doctor))
		has |= DOCTOR_SYSTEMD;
	return has;
}

static int
sum_up(const struct doctor *doctor)
{
	if (doctor->problems + doctor->warnings == 0)
		return ctl_error(CTL_OK, "nothing wrong was found%s",
		    doctor->unknowns > 0 ? ", but not all is known" : "");
	return ctl_error(CTL_FAILED, "%u problem%s and %u warning%s",
	    doctor->problems, doctor->problems == 1 ? "" : "s",
	    doctor->warnings, doctor->warnings == 1 ? "" : "s");
}

static int
run(struct ctl *ctl)
{
	struct doctor doctor = { .ctl = ctl, .arena = ctl->arena };
	struct stat file;
	unsigned has;

	doctor.config = ctl_local_config(ctl, &doctor.error);
	if (doctor.config != NULL &&
	    stat(doctor.config->state_dir, &file) == 0) {
		if (ctl_local_load(ctl, &doctor.local) != CTL_OK)
			return CTL_FAILED;
		doctor.has_directory = true;
	}
	if (ctl->is_json)
		doctor.output = ctl_output_open(ctl);
	has = prepare(&doctor);
	run_checks(&doctor, doctor_store_checks, has);
	run_checks(&doctor, doctor_host_checks, has);
	run_checks(&doctor, doctor_nginx_checks, has);
	if (doctor.output != NULL)
		ctl_output_close(doctor.output);
	return sum_up(&doctor);
}

static const struct ctl_option options[] = {
	{ "nginx", 0, NULL, "ask nginx too, as clients do" },
	{ "verbose", 'v', NULL, "name the checks that found nothing as well" },
	{ NULL, 0, NULL, NULL },
};

const struct ctl_command ctl_command_doctor = {
	.name = "doctor",
	.summary = "Say what is set up wrong on this host, and the way out",
	.operands = "",
	.where = CTL_LOCAL | CTL_REMOTE,
	.options = options,
	.details =
	    "A line for each finding: a problem fails, or will; a warning "
	    "ought\n"
	    "to be looked at. What cannot be judged from here is unknown, and\n"
	    "no finding. Nothing is changed. Run it as root, so that it can\n"
	    "look at all files. What it asks over HTTP is --url, else the\n"
	    "setting public_url. Exits 1 when there are findings.\n",
	.run = run,
};
