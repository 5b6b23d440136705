/* SPDX-License-Identifier: ISC */
/*
 * import_api.c - artifacts from a server: the original API, or artifactd.
 *
 * The original API gives content only as text, in which bytes that are no UTF-8
 * are changed. content_hash shows that, and a text that does not match it is
 * not imported. From a server that has /raw the bytes are streamed.
 */

#include "import.h"

#include "record.h"
#include "tool/output.h"
#include "tool/set.h"
#include "tool/client/remote.h"

#include <stdlib.h>

#define FAILURES_MOST 5 /* one after the other */
#define PASSES 5 /* through a numbered list that has not as many as it tells */

/*
 * ---- which artifacts a server has
 *
 * artifactd has pages, each of which links to the next (Link). A newer form of
 * the original API has pages with numbers: {"artifacts": [...], "total": 451,
 * "page": 1}. What is created or deleted meanwhile moves artifacts from one
 * page to another, so the list is read again until it has as many as it tells.
 *
 * The original API has no pages: a list ends at 200, newest first. A list that
 * is full may lack artifacts, which is said. Lists of single workflows are
 * shorter, and who has the ids from elsewhere needs no lists.
 */

/* How to come to the next page of a list: there is none, by links, by
 * numbers. */
enum list_form { FIRST_ONLY, LINKED, NUMBERED };

#define UNTIMED UINT64_MAX /* created_at is not known */

struct found {
	uint32_t number;  /* in ids */
	uint64_t created; /* or UNTIMED */
};

struct found_list {
	struct ctl_set ids;  /* as texts: any that the server has */
	struct buffer found; /* struct found of each, in the order to import */
	bool is_complete;
};

struct listing {
	struct ctl_http *http;
	struct found_list *list;
	enum list_form form;
	uint64_t count; /* of artifacts in the list at hand */
	bool is_full;	/* a list ended at the server's limit */
};

static void
list_init(struct found_list *list, struct arena *arena)
{
	*list = (struct found_list){ .is_complete = true };
	ctl_set_init(&list->ids, arena);
	buffer_init(&list->found, arena);
}

static void
list_add(struct found_list *list, struct span id, uint64_t created)
{
	struct found found = { .created = created };
	size_t number;

	if (!ctl_set_add(&list->ids, id, &number))
		return;
	found.number = (uint32_t)number;
	buffer_append(&list->found, span_of(&found, sizeof(found)));
}

/* ---- what a list brings ---- */

static int
visit(void *context, struct arena *arena, const struct ctl_artifact *artifact)
{
	struct listing *listing = context;
	uint64_t created;

	(void)arena; /* what is kept is copied */
	listing->count++;
	if (artifact->created.data == NULL ||
	    !moment_parse(artifact->created, &created))
		created = UNTIMED; /* the detail says what is wrong */
	list_add(listing->list, artifact->id, created);
	return CTL_OK;
}

/* ---- pages by number ---- */

/* A page of a list by number. */
struct numbered {
	struct span *items;
	size_t count;
	uint64_t total; /* of the whole list */
};

static bool
read_numbered(struct arena *arena, struct span body, struct numbered *ret_page)
{
	struct json_document document;
	struct span items;

	if (!json_read_object(arena, body, &document))
		return false;
	items = json_get_source(&document, "artifacts");
	return items.data != NULL &&
	       json_read_items(
		   arena, items, &ret_page->items, &ret_page->count) &&
	       json_get_number(&document, "total", &ret_page->total);
}

/* Which form has this list? false: the answer is none. */
static bool
form_of(struct arena *arena, const struct ctl_http_answer *answer,
    enum list_form *ret_form)
{
	struct numbered page;
	struct span *items;
	size_t count;

	if (json_read_items(arena, answer->body, &items, &count)) {
		*ret_form = ctl_http_header(answer, "Link").data != NULL
				? LINKED
				: FIRST_ONLY;
		return true;
	}
	*ret_form = NUMBERED;
	return read_numbered(arena, answer->body, &page);
}

/* One reading of a list, from its first page to its last. */
struct pass {
	struct ctl_set ids;
	uint64_t total;	 /* as the first page told */
	bool is_changed; /* another page told another total */
};

static int
read_page(struct listing *listing, const struct filter *filter, uint64_t number,
    struct arena *arena, struct pass *pass)
{
	struct ctl_artifact artifact;
	struct ctl_http_answer answer;
	struct numbered page;
	struct buffer path;
	int exit_code;
	size_t i;

	buffer_init(&path, arena);
	buffer_append(&path, SPAN("/artifacts?"));
	filter_append(&path, filter);
	buffer_printf(&path, "limit=%d&page=%llu", LIMIT_PAGE,
	    (unsigned long long)number);
	exit_code =
	    ctl_http_get(listing->http, buffer_span(&path), arena, &answer);
	if (exit_code != CTL_OK)
		return exit_code;
	if (!read_numbered(arena, answer.body, &page))
		return ctl_remote_strange(listing->http);
	if (number == 1)
		pass->total = page.total;
	pass->is_changed |= page.total != pass->total;
	for (i = 0; i < page.count; i++) {
		if (!ctl_artifact_read(arena, page.items[i], &artifact))
			return ctl_remote_strange(listing->http);
		(void)visit(listing, arena, &artifact); /* CTL_OK */
		(void)ctl_set_add(&pass->ids, artifact.id, NULL);
	}
	return CTL_OK;
}

/*
 * Read pages up to one that has nothing new. A server that ignores the number
 * of the page sends its first one again, so this ends there, too.
 */
static int
read_pages(struct listing *listing, const struct filter *filter,
    struct arena *arena, struct pass *pass)
{
	struct arena *of_page = arena_open();
	uint64_t number = 0;
	int exit_code;
	size_t before;

	*pass = (struct pass){ 0 };
	ctl_set_init(&pass->ids, arena);
	do {
		before = pass->ids.count;
		exit_code = read_page(listing, filter, ++number, of_page, pass);
		arena_reset(of_page);
	} while (exit_code == CTL_OK && pass->ids.count > before);
	arena_close(of_page);
	return exit_code;
}

/* Read the list until it has as many as it tells. What an earlier pass found is
 * imported, too. */
static int
ask_numbered(struct listing *listing, const struct filter *filter)
{
	struct arena *arena = arena_open();
	struct pass pass = { .is_changed = true };
	int exit_code = CTL_OK, passes;

	for (passes = 0; passes < PASSES && exit_code == CTL_OK; passes++) {
		arena_reset(arena);
		exit_code = read_pages(listing, filter, arena, &pass);
		if (!pass.is_changed && pass.ids.count == pass.total)
			break;
	}
	if (passes == PASSES && exit_code == CTL_OK) {
		(void)ctl_fail("a list of %llu artifacts came to %zu, the last "
			       "of %d times that it was read: repeat the "
			       "import while nobody creates or deletes there",
		    (unsigned long long)pass.total, pass.ids.count,
		    PASSES); /* at the end */
		listing->list->is_complete = false;
	}
	arena_close(arena);
	return exit_code;
}

/* ---- all lists ---- */

/*
 * A list that ends because the server's limit is reached may be whole or not:
 * nothing in its answer tells.
 */
static void
say_full(const struct listing *listing, const char *workflow)
{
	struct arena *arena = listing->list->ids.arena;

	if (workflow == NULL)
		(void)ctl_fail("the server ends its lists at %d, and this one "
			       "is full: there may be more artifacts; name "
			       "each workflow with --workflow",
		    LIMIT_PAGE); /* the command fails at its end */
	else
		(void)ctl_fail("the list of workflow \"%s\" is full with %d: "
			       "there may be more, which the server does not "
			       "tell",
		    ctl_visible(arena, span_str(workflow)).data,
		    LIMIT_PAGE); /* the command fails at its end */
}

/* The list of a workflow, or of all (NULL). */
static int
ask_list(struct listing *listing, const char *workflow)
{
	const struct filter filter = { .workflow = span_str(workflow) };
	bool has_more;
	int exit_code;

	if (listing->form == NUMBERED)
		return ask_numbered(listing, &filter);
	listing->count = 0;
	exit_code = ctl_remote_list(
	    listing->http, &filter, 0, visit, listing, &has_more);
	if (exit_code == CTL_OK && listing->form == FIRST_ONLY &&
	    listing->count >= LIMIT_PAGE) {
		say_full(listing, workflow);
		listing->is_full = true;
	}
	return exit_code;
}

/* ---- the order ---- */

/*
 * Oldest first, since the store gives artifacts of one time moments that rise
 * in the order in which they come. Of one time the server lists the newest
 * first.
 */
static int
compare_found(const void *one, const void *other)
{
	const struct found *first = one;
	const struct found *second = other;

	if (first->created != second->created)
		return first->created < second->created ? -1 : 1;
	return (first->number < second->number) -
	       (first->number > second->number);
}

/*
 * Ask the server, for the workflows given with --workflow or for all. What
 * may be missing has been said if it is not complete.
 */
static int
ask_lists(const struct ctl *ctl, struct ctl_http *http, enum list_form form,
    struct found_list *list)
{
	struct listing listing = { .http = http, .list = list, .form = form };
	size_t index = 0;
	const char *workflow = ctl_next_value(ctl, "workflow", &index);
	int exit_code;

	do
		exit_code = ask_list(&listing, workflow);
	while (exit_code == CTL_OK && workflow != NULL &&
	       (workflow = ctl_next_value(ctl, "workflow", &index)) != NULL);
	if (exit_code != CTL_OK)
		return exit_code;
	if (listing.is_full) {
		(void)ctl_fail("whether that is all cannot be known; name what "
			       "there is with --ids, for instance from its "
			       "database: SELECT id FROM artifacts");
		list->is_complete = false;
	}
	if (list->ids.count > 0)
		qsort(list->found.data, list->ids.count, sizeof(struct found),
		    compare_found);
	return CTL_OK;
}

/* ---- ids from a file: one a line ---- */

static int
read_ids(FILE *file, struct found_list *list)
{
	char *line = NULL;
	size_t room = 0;
	ssize_t size;
	struct span text;

	while ((size = getline(&line, &room, file)) > 0) {
		while (size > 0 && strchr(" \t\r\n", line[size - 1]) != NULL)
			size--;
		text = span_trim(span_of(line, (size_t)size));
		if (text.size > 0)
			list_add(list, text, UNTIMED);
	}
	free(line);
	return ferror(file) ? ctl_fail("the ids cannot be read to their end")
			    : CTL_OK;
}

/* ---- is the text of a detail its content? ---- */

/*
 * If the text is the content, put its hash and size into the record. The size
 * that the server tells proves nothing: the original API does not change it
 * when content is replaced.
 */
static bool
use_text(struct ctl_record *record)
{
	struct content *content = &record->artifact.content;
	uint8_t hash[DIGEST_SHA256_SIZE];
	struct digest digest;

	if (record->text.data == NULL)
		return false;
	digest_begin(&digest);
	digest_add(&digest, record->text);
	digest_end(&digest, hash);
	if (record->has_hash ? memcmp(hash, content->hash, sizeof(hash)) != 0
			     : !ctl_text_is_plausible(record->text))
		return false;
	memcpy(content->hash, hash, sizeof(hash));
	content->size = record->text.size;
	return true;
}

/* The path of a storage_url that the server at this URL answers itself. */
static struct span
storage_path(struct span storage, struct span url)
{
	static const char here[] = "/artifacts/";
	const char *path;

	if (storage.data == NULL || (!span_starts_with(storage, "/") &&
					!span_starts_with(storage, url.data)))
		return SPAN_NONE;
	path = memmem(storage.data, storage.size, here, sizeof(here) - 1);
	if (path == NULL)
		return SPAN_NONE;
	return span_from(storage, (size_t)(path - storage.data));
}

/* ---- the server ---- */

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

/*
 * Has the server /raw? Ask for the bytes of an artifact that does not exist:
 * the answer names the artifact, or else there is no such path. A server that
 * looks for the artifact before the path seems to have /raw; import_raw finds
 * out with the first artifact.
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
	int exit_code;

	exit_code = ctl_http_send(api->http, &request, api->arena, &answer);
	if (exit_code != CTL_OK)
		return exit_code;
	api->has_raw =
	    answer.status == 404 &&
	    span_starts_with(ctl_remote_text(api->arena, &answer, "detail"),
		"Artifact not found");
	return CTL_OK;
}

/* Ask for a list: at this URL, or below /api/v1, which open_server tries. */
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
open_server(struct api *api, const char *url, enum list_form *ret_form)
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
	if (answer.status == 404 || !form_of(api->arena, &answer, ret_form))
		return ctl_remote_strange(api->http);
	return probe_raw(api);
}

/* ---- one artifact: its record ---- */

/* A request failed, which was said. Give up after several in a row: then the
 * server is at fault, not an artifact. */
static int
count_failure(struct api *api, int exit_code)
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

/* Read the record of the artifact with this very id, or refuse it. */
static bool
read_detail(struct api *api, struct span id, struct span body,
    struct ctl_record *ret_record)
{
	const char *fault = "";
	char text[ID_TEXT + 1];
	bool is_good;

	is_good = ctl_record_read(api->arena, body, ret_record, &fault);
	if (is_good) {
		/* A server may take the id for the start of another one. */
		id_format(&ret_record->artifact.id, text);
		is_good = span_is(span_lower(api->arena, id), text);
		fault = "the server answers with another artifact";
	}
	if (!is_good)
		import_refuse(api->import, id, "%s", fault);
	return is_good;
}

static int
send_for_detail(struct api *api, struct span id, bool with_content,
    struct ctl_http_answer *ret_answer)
{
	struct ctl_http_request request = ctl_remote_request(
	    api->arena, arena_string(api->arena, id), with_content);

	request.may_be_missing = true;
	return ctl_http_send(api->http, &request, api->arena, ret_answer);
}

/* *ret_is_there: the server has the artifact. If not, that was counted,
 * unless it was deleted since it was listed. */
static int
get_detail(struct api *api, struct span id, bool with_content,
    struct ctl_record *ret_record, bool *ret_is_there)
{
	struct ctl_http_answer answer;
	int exit_code;

	*ret_is_there = false;
	exit_code = send_for_detail(api, id, with_content, &answer);
	/* The original answers 404, too, where only the content is missing. */
	if (exit_code == CTL_OK && answer.status == 404 && with_content)
		exit_code = send_for_detail(api, id, false, &answer);
	if (exit_code != CTL_OK)
		return count_failure(api, exit_code);
	if (answer.status != 404)
		*ret_is_there = read_detail(api, id, answer.body, ret_record);
	else if (api->is_asked_for || !api->has_raw)
		import_refuse(
		    api->import, id, "the server has no such artifact");
	return CTL_OK; /* or it was deleted since it was listed */
}

/* ---- one artifact: its content ---- */

static bool
receive_piece(void *context, struct span piece)
{
	struct api *api = context;

	api->store_code = import_write(api->import, piece);
	return api->store_code == CTL_OK;
}

/* Import the bytes at a path of the server. *ret_has_path: it has the path. */
static int
stream(struct api *api, struct span path, bool *ret_has_path)
{
	const struct ctl_http_request request = {
		.method = "GET",
		.path = path,
		.may_be_no_path = true,
		.is_any_type = true,
		.sink = receive_piece,
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
	return count_failure(api, exit_code);
}

/* Say that the bytes cannot be had here, and where the server says they are. */
static int
no_content(struct api *api, struct span id, const struct ctl_record *record)
{
	struct span where = ctl_visible(api->arena, record->storage);

	(void)ctl_error(CTL_INTEGRITY, /* by the counts */
	    "%.*s is not imported: the text that the server sends %s%s%s",
	    (int)id.size, id.data,
	    record->text.data == NULL ? "is missing"
	    : record->has_hash
		? "does not match content_hash, as with content that is no "
		  "text, and it has no /raw"
		: "cannot be checked: there is no content_hash",
	    where.size > 0 ? "; see its storage_url, " : "", where.data);
	api->import->counts.not_as_text++;
	return CTL_OK;
}

/* ---- one artifact ---- */

/* Begin an artifact. If it has no created_at, it gets the present time. */
static int
begin_artifact(struct api *api, struct ctl_record *record, bool *ret_is_wanted)
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

/* Import an artifact whose bytes are at a path, and whose record tells hash and
 * size. */
static int
import_path(struct api *api, struct ctl_record *record, struct span path,
    bool *ret_has_path)
{
	bool is_wanted;
	int exit_code;

	*ret_has_path = true;
	exit_code = begin_artifact(api, record, &is_wanted);
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
import_text(struct api *api, struct span id, struct ctl_record *record)
{
	struct span path =
	    storage_path(record->storage, ctl_http_url(api->http));
	bool is_wanted, has_path = false;
	int exit_code = CTL_OK;

	if (!use_text(record)) {
		if (path.data != NULL && record->has_hash && record->has_size)
			exit_code = import_path(api, record, path, &has_path);
		if (exit_code != CTL_OK || has_path)
			return exit_code;
		return no_content(api, id, record);
	}
	exit_code = begin_artifact(api, record, &is_wanted);
	if (exit_code == CTL_OK)
		exit_code = import_write(api->import, record->text);
	return exit_code == CTL_OK ? import_end(api->import) : exit_code;
}

/*
 * Import the bytes from /raw. If the server has the record but no /raw for it,
 * the text is taken, and for all others as well, unless only this content is
 * missing.
 */
static int
import_raw(struct api *api, struct span id, struct ctl_record *record)
{
	struct arena *arena = api->arena;
	bool has_path = false, is_there;
	bool is_known = record->has_hash && record->has_size;
	int exit_code = CTL_OK;

	if (is_known)
		exit_code = import_path(api, record,
		    ctl_remote_path(arena, arena_string(arena, id), "/raw"),
		    &has_path);
	if (exit_code != CTL_OK || has_path)
		return exit_code;
	exit_code = get_detail(api, id, true, record, &is_there);
	if (exit_code != CTL_OK || !is_there)
		return exit_code;
	if (is_known && !api->raw_works && record->text.data != NULL)
		api->has_raw = false;
	return import_text(api, id, record);
}

/* Skip an artifact that is in the store already, if its record without content
 * shows that. */
static int
pass_if_there(
    struct api *api, const struct ctl_record *record, bool *ret_is_there)
{
	bool is_wanted;
	int exit_code;

	*ret_is_there = false;
	if (!record->has_hash || !record->has_size)
		return CTL_OK;
	exit_code = import_begin(api->import, &record->artifact, &is_wanted);
	if (exit_code != CTL_OK)
		return exit_code;
	/* A difference proves nothing: a detail without content has another
	 * media type. */
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
	struct ctl_record record;
	bool is_there;
	int exit_code;

	exit_code = get_detail(
	    api, id, !api->has_raw && !is_known_id, &record, &is_there);
	if (exit_code != CTL_OK || !is_there)
		return exit_code;
	if (api->has_raw)
		return import_raw(api, id, &record);
	if (!is_known_id)
		return import_text(api, id, &record);
	exit_code = pass_if_there(api, &record, &is_there);
	if (exit_code != CTL_OK || is_there)
		return exit_code;
	exit_code = get_detail(api, id, true, &record, &is_there);
	if (exit_code != CTL_OK || !is_there)
		return exit_code;
	return import_text(api, id, &record);
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
	/* The id is checked in lower case; requests have it as the server
	 * wrote it. */
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
import_all(struct api *api, const struct found_list *list)
{
	const struct found *found = (const void *)list->found.data;
	int exit_code = CTL_OK;
	size_t i;

	for (i = 0; i < list->ids.count && exit_code == CTL_OK; i++) {
		arena_reset(api->arena);
		api->id = list->ids.texts[found[i].number];
		exit_code = import_next(api);
		ctl_progress_at(&api->progress, api->import->counts.bytes);
	}
	return exit_code;
}

static int
find_ids(
    struct api *api, const char *url, FILE *ids, struct found_list *ret_list)
{
	const struct ctl *ctl = api->import->ctl;
	enum list_form form;
	int exit_code;

	list_init(ret_list, ctl->arena);
	exit_code = open_server(api, url, &form);
	if (exit_code != CTL_OK)
		return exit_code;
	api->is_asked_for = ids != NULL;
	return ids != NULL ? read_ids(ids, ret_list)
			   : ask_lists(ctl, api->http, form, ret_list);
}

int
import_api(struct import *import, const char *url, FILE *ids)
{
	struct api api = { .import = import, .arena = arena_open() };
	struct found_list list;
	int exit_code;

	exit_code = find_ids(&api, url, ids, &list);
	ctl_progress_begin(&api.progress, import->ctl, "import", 0);
	if (exit_code == CTL_OK)
		exit_code = import_all(&api, &list);
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
