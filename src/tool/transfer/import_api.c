/* SPDX-License-Identifier: ISC */
/*
 * import_api.c - artifacts from a server: the original API, or artifactd.
 *
 * The original has content as a text only, so that bytes which are no UTF-8
 * come changed: content_hash tells. Nothing that does not match it gets in.
 * A server that has /raw is asked for that, and streams.
 */

#include "import.h"
#include "import_detail.h"
#include "import_list.h"
#include "tool/output.h"
#include "tool/client/remote.h"

#define FAILURES_MOST 5 /* one after the other */

struct api {
	struct import *import;
	struct ctl_http *http;
	struct arena *arena; /* of the artifact at hand */
	struct span id;	     /* its id */
	bool has_raw;	     /* as far as is known */
	bool raw_works;	     /* bytes came from it */
	bool is_asked_for;   /* by id, not found in a list */
	bool is_untimed;     /* the artifact at hand */
	unsigned failures;
	uint64_t untimed;
	struct ctl_progress progress;
	int store_code; /* what the store said while bytes came */
};

/* ---- the server ---- */

/*
 * Is what does not exist an artifact, or is there no such path at all? A
 * server that looks for the artifact first has no /raw all the same, which
 * shows with the first one that there is.
 */
static int
probe_raw(struct api *api)
{
	const struct ctl_http_request request = { .method = "GET",
		.path = SPAN("/artifacts/ffffffff-ffff-4fff-bfff-ffffffffffff"
			     "/raw"),
		.may_be_missing = true,
		.is_any_type = true };
	struct ctl_http_answer answer;
	struct json_document document;
	struct faults faults;
	struct span text;
	int exit_code;

	exit_code = ctl_http_send(api->http, &request, api->arena, &answer);
	if (exit_code != CTL_OK)
		return exit_code;
	faults_init(&faults, api->arena);
	if (answer.status != 404 || json_read(api->arena, answer.body, &faults,
					&document) != JSON_VALID)
		return CTL_OK;
	text = json_text_of(api->arena, json_get_source(&document, "detail"));
	api->has_raw = span_starts_with(text, "Artifact not found");
	return CTL_OK;
}

/* Its lists may be at the URL, or below /api/v1. */
static int
open_base(struct api *api, const char *url, struct ctl_http_answer *ret_answer)
{
	const struct ctl_http_request request = { .method = "GET",
		.path = SPAN("/artifacts?limit=1"),
		.may_be_missing = true };
	int exit_code;

	exit_code = ctl_http_open(api->import->ctl, url, &api->http);
	if (exit_code == CTL_OK)
		exit_code =
		    ctl_http_send(api->http, &request, api->arena, ret_answer);
	return exit_code;
}

static int
open_server(struct api *api, const char *url, enum import_form *ret_form)
{
	struct ctl_http_answer answer;
	struct span base = span_str(url);
	int exit_code;

	exit_code = open_base(api, url, &answer);
	while (base.size > 0 && base.data[base.size - 1] == '/')
		base.size--;
	if (exit_code == CTL_OK && answer.status == 404)
		exit_code = open_base(api,
		    arena_printf(api->import->ctl->arena, "%.*s/api/v1",
			(int)base.size, base.data)
			.data,
		    &answer);
	if (exit_code != CTL_OK)
		return exit_code;
	if (answer.status == 404 ||
	    !import_list_form(api->arena, &answer, ret_form))
		return ctl_remote_strange(api->http);
	return probe_raw(api);
}

/* ---- one artifact: its record ---- */

/* A request failed, which was said. One artifact may be to blame, or all. */
static int
failed(struct api *api, int exit_code)
{
	if (exit_code == CTL_INTEGRITY)
		api->import->counts.damaged++;
	else
		api->import->counts.refused++;
	(void)ctl_fail("that was %.*s", (int)api->id.size, api->id.data);
	if (++api->failures < FAILURES_MOST)
		return CTL_OK;
	return ctl_error(exit_code,
	    "that was %d failures one after the other: once the server is "
	    "well, repeat the import, which goes on from here",
	    FAILURES_MOST);
}

static bool
read_detail(struct api *api, struct span id, struct span body,
    struct import_detail *ret_detail)
{
	const char *fault = "";

	if (import_detail_read(api->arena, id, body, ret_detail, &fault))
		return true;
	import_refuse(api->import, id, "%s", fault);
	return false;
}

static int
send_for_detail(struct api *api, struct span id, bool with_content,
    struct ctl_http_answer *ret_answer)
{
	struct ctl_http_request request = { .method = "GET",
		.may_be_missing = true,
		.has_content = with_content };

	request.path = ctl_remote_path(api->arena, arena_string(api->arena, id),
	    with_content ? "" : "?include_content=false");
	return ctl_http_send(api->http, &request, api->arena, ret_answer);
}

/* *ret_is_there: there is a detail; else that was counted, if it counts. */
static int
get_detail(struct api *api, struct span id, bool with_content,
    struct import_detail *ret_detail, bool *ret_is_there)
{
	struct ctl_http_answer answer;
	int exit_code;

	*ret_is_there = false;
	exit_code = send_for_detail(api, id, with_content, &answer);
	/* The original answers so, too, where only the content is missing. */
	if (exit_code == CTL_OK && answer.status == 404 && with_content)
		exit_code = send_for_detail(api, id, false, &answer);
	if (exit_code != CTL_OK)
		return failed(api, exit_code);
	if (answer.status != 404)
		*ret_is_there = read_detail(api, id, answer.body, ret_detail);
	else if (api->is_asked_for || !api->has_raw)
		import_refuse(
		    api->import, id, "the server has no such artifact");
	return CTL_OK; /* or it was deleted since it was listed */
}

/* ---- one artifact: its content ---- */

static bool
take_piece(void *context, struct span piece)
{
	struct api *api = context;

	api->store_code = import_write(api->import, piece);
	return api->store_code == CTL_OK;
}

/* From a path of the server, if it has that, to the end of the artifact. */
static int
stream(struct api *api, struct span path, bool *ret_has_path)
{
	const struct ctl_http_request request = {
		.method = "GET",
		.path = path,
		.may_be_no_path = true,
		.is_any_type = true,
		.sink = take_piece,
		.context = api,
	};
	struct ctl_http_answer answer;
	int exit_code;

	*ret_has_path = true;
	exit_code = ctl_http_send(api->http, &request, api->arena, &answer);
	if (exit_code == CTL_OK && answer.status >= 400) {
		*ret_has_path = false;
		return import_abandon(api->import);
	}
	if (exit_code == CTL_OK) {
		api->raw_works = api->has_raw;
		return import_end(api->import);
	}
	if (api->store_code == CTL_OK)
		api->store_code = import_abandon(api->import);
	if (api->store_code != CTL_OK)
		return api->store_code;
	return failed(api, exit_code);
}

/* What the server says of where else the bytes are, for the operator. */
static int
no_content(struct api *api, struct span id, const struct import_detail *detail)
{
	struct span where = ctl_visible(api->arena, detail->storage);

	(void)ctl_error(CTL_INTEGRITY, /* by the counts */
	    "%.*s is not imported: the text that the server sends %s%s%.*s",
	    (int)id.size, id.data,
	    detail->content.data == NULL ? "is missing"
	    : detail->record.has_hash
		? "does not match content_hash, as with content that is no "
		  "text, and it has no /raw"
		: "cannot be checked: there is no content_hash",
	    where.size > 0 ? "; see its storage_url, " : "", (int)where.size,
	    where.size > 0 ? where.data : "");
	api->import->counts.not_as_text++;
	return CTL_OK;
}

/* ---- one artifact ---- */

/* Nobody knows when: now is when it came here. */
static int
begin(struct api *api, struct ctl_record *record, bool *ret_is_wanted)
{
	int exit_code;

	if (!record->has_created) {
		record->artifact.created = moment_now();
		record->artifact.content.stored = record->artifact.created;
	}
	exit_code = import_begin(api->import, &record->artifact, ret_is_wanted);
	api->is_untimed =
	    exit_code == CTL_OK && *ret_is_wanted && !record->has_created;
	return exit_code;
}

/* The bytes are at a path of the server, its record tells hash and size. */
static int
import_path(struct api *api, struct ctl_record *record, struct span path,
    bool *ret_has_path)
{
	bool is_wanted;
	int exit_code;

	*ret_has_path = true;
	exit_code = begin(api, record, &is_wanted);
	if (exit_code != CTL_OK)
		return exit_code;
	/* A dry run has to know, too, whether there is a /raw. */
	if (!is_wanted ||
	    (api->import->is_dry && (api->raw_works || !api->has_raw))) {
		import_pass(api->import);
		return CTL_OK;
	}
	return stream(api, path, ret_has_path);
}

static int
import_text(struct api *api, struct span id, struct import_detail *detail)
{
	struct span path = import_detail_path(detail, ctl_http_url(api->http));
	struct ctl_record *record = &detail->record;
	bool is_wanted, has_path = false;
	int exit_code = CTL_OK;

	if (!import_detail_take(detail)) {
		if (path.data != NULL && record->has_hash && record->has_size)
			exit_code = import_path(api, record, path, &has_path);
		if (exit_code != CTL_OK || has_path)
			return exit_code;
		return no_content(api, id, detail);
	}
	exit_code = begin(api, record, &is_wanted);
	if (exit_code == CTL_OK)
		exit_code = import_write(api->import, detail->content);
	return exit_code == CTL_OK ? import_end(api->import) : exit_code;
}

/*
 * Where there is no /raw for a record that is there, its text has to do. That
 * goes for all of the server, unless only this content is missing.
 */
static int
import_raw(struct api *api, struct span id, struct import_detail *detail)
{
	struct arena *arena = api->arena;
	bool has_path = false, is_there;
	bool is_known = detail->record.has_hash && detail->record.has_size;
	int exit_code = CTL_OK;

	if (is_known)
		exit_code = import_path(api, &detail->record,
		    ctl_remote_path(arena, arena_string(arena, id), "/raw"),
		    &has_path);
	if (exit_code != CTL_OK || has_path)
		return exit_code;
	exit_code = get_detail(api, id, true, detail, &is_there);
	if (exit_code != CTL_OK || !is_there)
		return exit_code;
	if (is_known && !api->raw_works && detail->content.data != NULL)
		api->has_raw = false;
	return import_text(api, id, detail);
}

/* Is it in the store already, as far as a record without content tells? */
static int
pass_if_there(
    struct api *api, const struct import_detail *detail, bool *ret_is_there)
{
	bool is_wanted;
	int exit_code;

	*ret_is_there = false;
	if (!detail->record.has_hash || !detail->record.has_size)
		return CTL_OK;
	exit_code =
	    import_begin(api->import, &detail->record.artifact, &is_wanted);
	if (exit_code != CTL_OK)
		return exit_code;
	/* What differs may do so only without content: its media type does. */
	*ret_is_there = api->import->state == IMPORT_THERE;
	if (*ret_is_there)
		import_pass(api->import);
	return CTL_OK;
}

static bool
is_known(struct api *api, struct span text)
{
	struct artifact *artifact;
	struct id id;

	return id_parse(span_lower(api->arena, text), &id) &&
	       store_get(api->import->store, &id, api->arena, &artifact) ==
		   RESULT_OK;
}

static int
import_one(struct api *api, struct span id)
{
	bool is_known_id = is_known(api, id);
	struct import_detail detail;
	bool is_there;
	int exit_code;

	exit_code = get_detail(
	    api, id, !api->has_raw && !is_known_id, &detail, &is_there);
	if (exit_code != CTL_OK || !is_there)
		return exit_code;
	if (api->has_raw)
		return import_raw(api, id, &detail);
	if (!is_known_id)
		return import_text(api, id, &detail);
	exit_code = pass_if_there(api, &detail, &is_there);
	if (exit_code != CTL_OK || is_there)
		return exit_code;
	exit_code = get_detail(api, id, true, &detail, &is_there);
	if (exit_code != CTL_OK || !is_there)
		return exit_code;
	return import_text(api, id, &detail);
}

/* ---- all of them ---- */

static uint64_t
failed_so_far(const struct api *api)
{
	const struct import_counts *counts = &api->import->counts;

	return counts->refused + counts->damaged + counts->not_as_text;
}

static int
import_next(struct api *api)
{
	uint64_t before = failed_so_far(api);
	struct id parsed;
	int exit_code;

	api->is_untimed = false;
	/* The server is asked in its own letters. */
	if (!id_parse(span_lower(api->arena, api->id), &parsed)) {
		import_refuse(api->import, api->id,
		    "its id is no UUID, and no other fits in a store of "
		    "artifactd");
		return CTL_OK;
	}
	exit_code = import_one(api, api->id);
	api->untimed += api->is_untimed;
	if (failed_so_far(api) == before)
		api->failures = 0;
	return exit_code;
}

static int
import_list(struct api *api, const struct import_list *list)
{
	int exit_code = CTL_OK;
	size_t i;

	for (i = 0; i < list->count && exit_code == CTL_OK; i++) {
		arena_reset(api->arena);
		api->id = list->ids.texts[list->found[i].number];
		exit_code = import_next(api);
		ctl_progress_at(&api->progress, api->import->counts.bytes);
	}
	return exit_code;
}

static int
find_ids(
    struct api *api, const char *url, FILE *ids, struct import_list *ret_list)
{
	const struct ctl *ctl = api->import->ctl;
	enum import_form form;
	int exit_code;

	exit_code = open_server(api, url, &form);
	if (exit_code != CTL_OK)
		return exit_code;
	api->is_asked_for = ids != NULL;
	if (ids != NULL)
		return import_list_read(ids, ctl->arena, ret_list);
	return import_list_ask(ctl, api->http, form, ctl->arena, ret_list);
}

int
import_api(struct import *import, const char *url, FILE *ids)
{
	struct api api = { .import = import, .arena = arena_open() };
	struct import_list list;
	int exit_code;

	exit_code = find_ids(&api, url, ids, &list);
	ctl_progress_begin(&api.progress, import->ctl, "import", 0);
	if (exit_code == CTL_OK)
		exit_code = import_list(&api, &list);
	ctl_progress_end(&api.progress);
	if (api.untimed > 0)
		fprintf(stderr,
		    "artifactctl: without created_at, for which the time of "
		    "the import is taken: %s\n",
		    ctl_count_text(import->ctl->arena, api.untimed, "artifact")
			.data);
	arena_close(api.arena);
	if (exit_code == CTL_OK && !list.is_complete)
		return CTL_FAILED;
	return exit_code;
}
