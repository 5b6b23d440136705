/* SPDX-License-Identifier: ISC */
/*
 * ctl_import_api.c - artifacts from a server: the original API, or artifactd.
 *
 * The original has content as a text only, so that bytes which are no UTF-8
 * come changed: content_hash tells. Nothing that does not match it gets in.
 * A server that has /raw is asked for that, and streams.
 */

#include "ctl_import.h"
#include "ctl_import_list.h"
#include "ctl_output.h"
#include "ctl_record.h"
#include "ctl_remote.h"

#define FAILURES_MOST 5 /* one after the other */

struct api {
	struct import *import;
	struct ctl_http *http;
	struct arena *arena; /* of the artifact at hand */
	bool has_raw;
	bool is_asked_for; /* by id, not found in a list */
	unsigned failures;
	uint64_t untimed;
	struct ctl_progress progress;
	int store_code; /* what the store said while bytes came */
};

/* The artifact at hand, as the server tells of it. */
struct detail {
	struct ctl_record record;
	struct span content; /* its text; SPAN_NONE: it is not told */
	struct span storage; /* its storage_url, likewise */
};

/* ---- the server ---- */

/* Is what does not exist an artifact, or is there no such path at all? */
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
open_server(struct api *api, const char *url, bool *ret_has_pages)
{
	struct ctl_http_answer answer;
	struct span base = span_str(url);
	struct span *items;
	size_t count;
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
	    !json_read_items(api->arena, answer.body, &items, &count))
		return ctl_remote_strange(api->http);
	*ret_has_pages = ctl_http_header(&answer, "Link").data != NULL;
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
	if (++api->failures < FAILURES_MOST)
		return CTL_OK;
	return ctl_error(exit_code,
	    "that was %d failures one after the other: once the server is "
	    "well, repeat the import, which goes on from here",
	    FAILURES_MOST);
}

/* A server takes the start of an id for the whole: it is to be this one. */
static bool
is_detail_of(struct api *api, struct span id, struct span body,
    struct detail *ret_detail)
{
	const char *fault = "is another artifact's";
	struct json_document document;
	struct faults faults;
	char text[ID_TEXT + 1];

	if (!ctl_record_read(api->arena, body, &ret_detail->record, &fault)) {
		import_refuse(api->import, id, "%s", fault);
		return false;
	}
	id_format(&ret_detail->record.artifact.id, text);
	if (!span_is(id, text)) {
		import_refuse(api->import, id,
		    "the server answers with another artifact, %s", text);
		return false;
	}
	faults_init(&faults, api->arena);
	if (json_read(api->arena, body, &faults, &document) != JSON_VALID)
		return false; /* it was, just now */
	ret_detail->content =
	    json_text_of(api->arena, json_get_source(&document, "content"));
	ret_detail->storage =
	    json_text_of(api->arena, json_get_source(&document, "storage_url"));
	return true;
}

/* *ret_is_there: there is a detail; else that was counted, if it counts. */
static int
get_detail(struct api *api, struct span id, bool with_content,
    struct detail *ret_detail, bool *ret_is_there)
{
	struct ctl_http_request request = { .method = "GET",
		.may_be_missing = true };
	struct ctl_http_answer answer;
	int exit_code;

	*ret_is_there = false;
	request.path = ctl_remote_path(api->arena, arena_string(api->arena, id),
	    with_content ? "" : "?include_content=false");
	exit_code = ctl_http_send(api->http, &request, api->arena, &answer);
	if (exit_code != CTL_OK)
		return failed(api, exit_code);
	api->failures = 0;
	if (answer.status == 404) {
		if (api->is_asked_for)
			import_refuse(
			    api->import, id, "the server does not have it");
		return CTL_OK; /* deleted since it was listed */
	}
	*ret_is_there = is_detail_of(api, id, answer.body, ret_detail);
	return CTL_OK;
}

/* ---- one artifact: its content ---- */

static bool
take_piece(void *context, struct span piece)
{
	struct api *api = context;

	api->store_code = import_write(api->import, piece);
	return api->store_code == CTL_OK;
}

/* From a path of the server to the end of the artifact. */
static int
stream(struct api *api, struct ctl_http *http, struct span path)
{
	const struct ctl_http_request request = {
		.method = "GET",
		.path = path,
		.is_any_type = true,
		.sink = take_piece,
		.context = api,
	};
	struct ctl_http_answer answer;
	int exit_code;

	exit_code = ctl_http_send(http, &request, api->arena, &answer);
	if (exit_code == CTL_OK)
		return import_end(api->import);
	if (api->store_code == CTL_OK)
		api->store_code = import_abandon(api->import);
	if (api->store_code != CTL_OK)
		return api->store_code;
	return failed(api, exit_code);
}

static bool
has_hash_of(const struct content *content, struct span text)
{
	uint8_t hash[DIGEST_SHA256_SIZE];
	struct digest digest;

	digest_begin(&digest);
	digest_add(&digest, text);
	digest_end(&digest, hash);
	return memcmp(hash, content->hash, sizeof(hash)) == 0;
}

/* Without a hash, the size has to do, and that nothing was replaced. */
static bool
is_plausible(const struct ctl_record *record, struct span text)
{
	static const char replacement[] = "\xef\xbf\xbd";

	return text.data != NULL && record->has_size &&
	       record->artifact.content.size == text.size &&
	       memmem(text.data, text.size, replacement,
		   sizeof(replacement) - 1) == NULL;
}

/*
 * Make the record say what the text is, if that is the content; a size that
 * counts something else than bytes is no matter where the hash is right.
 */
static bool
take_text(struct detail *detail)
{
	struct content *content = &detail->record.artifact.content;
	struct span text = detail->content;
	struct digest digest;

	if (text.data == NULL)
		return false;
	if (detail->record.has_hash && !has_hash_of(content, text))
		return false;
	if (!detail->record.has_hash && !is_plausible(&detail->record, text))
		return false;
	digest_begin(&digest);
	digest_add(&digest, text);
	digest_end(&digest, content->hash);
	content->size = text.size;
	return true;
}

/* What the server says of where else the bytes are, for the operator. */
static int
no_content(struct api *api, struct span id, const struct detail *detail)
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
	api->import->counts.damaged++;
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
	if (exit_code == CTL_OK && *ret_is_wanted && !record->has_created)
		api->untimed++;
	return exit_code;
}

/* The bytes are at a path of the server, its record tells hash and size. */
static int
import_path(struct api *api, struct ctl_record *record, struct span path)
{
	bool is_wanted;
	int exit_code;

	exit_code = begin(api, record, &is_wanted);
	if (exit_code != CTL_OK)
		return exit_code;
	if (!is_wanted || api->import->is_dry) {
		import_pass(api->import);
		return CTL_OK;
	}
	return stream(api, api->http, path);
}

/* The path of a storage_url that this very server answers; SPAN_NONE. */
static struct span
storage_path(struct api *api, struct span storage)
{
	static const char here[] = "/artifacts/";
	struct span url = ctl_http_url(api->http);
	const char *path;

	if (storage.data == NULL)
		return SPAN_NONE;
	if (!span_starts_with(storage, "/") &&
	    (storage.size < url.size ||
		!span_equal(span_of(storage.data, url.size), url)))
		return SPAN_NONE;
	path = memmem(storage.data, storage.size, here, sizeof(here) - 1);
	if (path == NULL)
		return SPAN_NONE;
	return span_from(storage, (size_t)(path - storage.data));
}

static int
import_text(struct api *api, struct span id, struct detail *detail)
{
	struct span path = storage_path(api, detail->storage);
	struct ctl_record *record = &detail->record;
	bool is_wanted;
	int exit_code;

	if (!take_text(detail)) {
		if (path.data != NULL && record->has_hash && record->has_size)
			return import_path(api, record, path);
		return no_content(api, id, detail);
	}
	exit_code = begin(api, record, &is_wanted);
	if (exit_code == CTL_OK)
		exit_code = import_write(api->import, detail->content);
	return exit_code == CTL_OK ? import_end(api->import) : exit_code;
}

static int
import_raw(struct api *api, struct span id, struct detail *detail)
{
	struct arena *arena = api->arena;

	if (!detail->record.has_hash || !detail->record.has_size)
		return no_content(api, id, detail);
	return import_path(api, &detail->record,
	    ctl_remote_path(arena, arena_string(arena, id), "/raw"));
}

/* Is it in the store already, as far as a record without content tells? */
static int
pass_if_there(struct api *api, const struct detail *detail, bool *ret_is_there)
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
	*ret_is_there = !is_wanted;
	if (!is_wanted)
		import_pass(api->import);
	return CTL_OK;
}

static bool
is_known(struct api *api, struct span text)
{
	struct artifact *artifact;
	struct id id;

	return api->import->store != NULL && id_parse(text, &id) &&
	       store_get(api->import->store, &id, api->arena, &artifact) ==
		   RESULT_OK;
}

static int
import_one(struct api *api, struct span id)
{
	bool is_known_id = is_known(api, id);
	struct detail detail;
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

static int
import_list(struct api *api, const struct import_list *list)
{
	int exit_code = CTL_OK;
	struct span id;
	struct id parsed;
	size_t i;

	for (i = 0; i < list->count && exit_code == CTL_OK; i++) {
		arena_reset(api->arena);
		id = list->ids.texts[list->found[i].number];
		if (id_parse(id, &parsed))
			exit_code = import_one(api, id);
		else
			import_refuse(api->import, id,
			    "its id is no UUID in lower case, and no other "
			    "fits in a store of artifactd");
		ctl_progress_at(&api->progress, api->import->counts.bytes);
	}
	return exit_code;
}

static int
find_ids(
    struct api *api, const char *url, FILE *ids, struct import_list *ret_list)
{
	const struct ctl *ctl = api->import->ctl;
	bool has_pages = false;
	int exit_code;

	exit_code = open_server(api, url, &has_pages);
	if (exit_code != CTL_OK)
		return exit_code;
	api->is_asked_for = ids != NULL;
	if (ids != NULL)
		return import_list_read(ids, ctl->arena, ret_list);
	return import_list_ask(ctl, api->http, has_pages, ctl->arena, ret_list);
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
		    "artifactctl: %llu artifacts have no created_at; the time "
		    "of the import is theirs\n",
		    (unsigned long long)api.untimed);
	arena_close(api.arena);
	if (exit_code == CTL_OK && !list.is_complete)
		return CTL_FAILED;
	return exit_code;
}
