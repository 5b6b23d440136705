/* SPDX-License-Identifier: ISC */
/*
 * remote.c - artifacts as a server describes them, by id and in lists.
 * Knows what the API's answers look like, and nothing of commands.
 */

#include "remote.h"

#include "http_text.h"
#include "protocol/query.h"
#include "protocol/utf8.h"

#define SHORT_ID 12

/* ---- one artifact ---- */

/* Where each text of an artifact goes. */
static const struct text_member {
	const char *name;
	size_t offset;
} text_members[] = {
	{ "id", offsetof(struct ctl_artifact, id) },
	{ "workflow_id", offsetof(struct ctl_artifact, workflow) },
	{ "phase_id", offsetof(struct ctl_artifact, phase) },
	{ "session_id", offsetof(struct ctl_artifact, session) },
	{ "artifact_type", offsetof(struct ctl_artifact, type) },
	{ "title", offsetof(struct ctl_artifact, title) },
	{ "created_at", offsetof(struct ctl_artifact, created) },
	{ "created_by", offsetof(struct ctl_artifact, creator) },
	{ "content_type", offsetof(struct ctl_artifact, content_type) },
	{ "content_hash", offsetof(struct ctl_artifact, hash) },
	{ "content", offsetof(struct ctl_artifact, content) },
};

/* Read the ids in derived_from, if it is there. false: it is no list of texts.
 */
static bool
read_parents(struct arena *arena, struct ctl_artifact *ret_artifact)
{
	struct span *items;
	size_t count, i;

	if (ret_artifact->derived_from.data == NULL)
		return true;
	if (!json_read_items(arena, ret_artifact->derived_from, &items, &count))
		return false;
	for (i = 0; i < count; i++) {
		items[i] = json_text_of(arena, items[i]);
		if (items[i].data == NULL)
			return false;
	}
	ret_artifact->parents = items;
	ret_artifact->parent_count = count;
	return true;
}

bool
ctl_artifact_read(
    struct arena *arena, struct span source, struct ctl_artifact *ret_artifact)
{
	struct ctl_artifact artifact = { 0 };
	struct json_document document;
	size_t i;

	if (!json_read_object(arena, source, &document))
		return false;
	for (i = 0; i < COUNT_OF(text_members); i++)
		*(struct span *)((char *)&artifact + text_members[i].offset) =
		    json_get_text(&document, text_members[i].name);
	artifact.metadata = json_get_source(&document, "metadata");
	artifact.derived_from = json_get_source(&document, "derived_from");
	artifact.is_primary = !span_is(
	    json_get_source(&document, "is_primary_deliverable"), "false");
	(void)json_get_number(&document, "size_bytes", &artifact.size);
	if (artifact.id.data == NULL || !read_parents(arena, &artifact))
		return false;
	*ret_artifact = artifact;
	return true;
}

bool
ctl_text_is_plausible(struct span text)
{
	static const char replacement[] = "\xef\xbf\xbd";

	return memmem(text.data, text.size, replacement,
		   sizeof(replacement) - 1) == NULL;
}

bool
ctl_artifact_is_exact(const struct ctl_artifact *artifact)
{
	uint8_t hash[DIGEST_SHA256_SIZE];
	char text[DIGEST_SHA256_HEX + 1];
	struct digest digest;

	if (artifact->content.data == NULL)
		return false;
	if (artifact->hash.data == NULL)
		return ctl_text_is_plausible(artifact->content);
	digest_begin(&digest);
	digest_add(&digest, artifact->content);
	digest_end(&digest, hash);
	digest_hex(hash, sizeof(hash), text);
	return span_is(artifact->hash, text);
}

struct span
ctl_remote_path(struct arena *arena, const char *id, const char *suffix)
{
	struct buffer path;

	buffer_init(&path, arena);
	buffer_append(&path, SPAN("/artifacts/"));
	query_encode(&path, span_str(id));
	buffer_append(&path, span_str(suffix));
	buffer_append_byte(&path, '\0');
	path.size--;
	return buffer_span(&path);
}

const char *
ctl_remote_id(struct arena *arena, const struct id *id)
{
	char *text = arena_room(arena, ID_TEXT + 1);

	id_format(id, text);
	return text;
}

int
ctl_remote_check_id(const struct ctl *ctl, const char *id)
{
	const char *byte;

	/* A '/' or a '?' would make another path of the request. */
	for (byte = id; ascii_is_alpha(*byte) || ascii_is_digit(*byte) ||
			*byte == '-' || *byte == '_';
	     byte++)
		;
	if (byte > id && *byte == '\0' && byte - id <= ID_TEXT)
		return CTL_OK;
	return ctl_usage(ctl, "\"%.200s\" is no id, nor the start of one", id);
}

int
ctl_remote_open(struct ctl *ctl, struct ctl_http **ret_http)
{
	int exit_code = ctl_remote_check_id(ctl, ctl->operands[0]);

	return exit_code == CTL_OK ? ctl_http_open(ctl, NULL, ret_http)
				   : exit_code;
}

int
ctl_remote_strange(const struct ctl_http *http)
{
	return ctl_fail("%s does not answer as a store does; is the URL right, "
			"with its path?",
	    ctl_http_url(http).data);
}

struct span
ctl_remote_text(
    struct arena *arena, const struct ctl_http_answer *answer, const char *name)
{
	struct json_document document;

	return json_read_object(arena, answer->body, &document)
		   ? json_get_text(&document, name)
		   : SPAN_NONE;
}

struct ctl_http_request
ctl_remote_request(struct arena *arena, const char *id, bool with_content)
{
	return (struct ctl_http_request){ .method = "GET",
		.path = ctl_remote_path(
		    arena, id, with_content ? "" : "?include_content=false"),
		.has_content = with_content };
}

int
ctl_remote_read_detail(struct ctl_http *http, struct arena *arena,
    const struct ctl_http_answer *answer, struct ctl_artifact *ret_artifact)
{
	struct span etag = ctl_http_header(answer, "ETag");

	if (!ctl_artifact_read(arena, answer->body, ret_artifact))
		return ctl_remote_strange(http);
	if (span_starts_with(etag, "\"") && etag.size > 1)
		ret_artifact->etag = span_of(etag.data + 1, etag.size - 2);
	return CTL_OK;
}

int
ctl_remote_detail(struct ctl_http *http, const char *id, bool with_content,
    struct arena *arena, struct ctl_artifact *ret_artifact)
{
	const struct ctl_http_request request =
	    ctl_remote_request(arena, id, with_content);
	struct ctl_http_answer answer;
	int exit_code;

	exit_code = ctl_http_send(http, &request, arena, &answer);
	if (exit_code != CTL_OK)
		return exit_code;
	return ctl_remote_read_detail(http, arena, &answer, ret_artifact);
}

/* ---- lists ---- */

const char *const ctl_filter_options[FILTERS] = { "workflow", "phase", "type",
	"session" };

int
ctl_filter_read(const struct ctl *ctl, struct filter *ret_filter)
{
	const char *value;
	size_t i;

	*ret_filter = (struct filter){ 0 };
	for (i = 0; i < FILTERS; i++) {
		value = ctl_value(ctl, ctl_filter_options[i]);
		if (value != NULL && *value == '\0')
			return ctl_usage(ctl,
			    "--%s is empty, which would mean all; leave it "
			    "out for that",
			    ctl_filter_options[i]);
		ret_filter->values[i] = span_str(value);
	}
	return CTL_OK;
}

/*
 * A walk through a list. The query and the first id of a page are needed for
 * the next one, so pages take turns in two arenas.
 */
struct walk {
	struct ctl_http *http;
	struct arena *arenas[2];
	unsigned pages;
	struct span query; /* of the next page, without its limit */
	struct span first; /* the id that the last page began with */
	uint64_t left;
	ctl_remote_visit *visit;
	void *context;
	bool has_more;
};

/* Visit the artifacts of a page. *ret_first: the id of the first. */
static int
visit_page(struct walk *walk, struct arena *arena, struct span body,
    struct span *ret_first)
{
	struct ctl_artifact artifact;
	struct span *items;
	size_t count, i;
	int exit_code = CTL_OK;

	if (!json_read_items(arena, body, &items, &count))
		return ctl_remote_strange(walk->http);
	for (i = 0; i < count && exit_code == CTL_OK; i++) {
		if (!ctl_artifact_read(arena, items[i], &artifact))
			return ctl_remote_strange(walk->http);
		if (i == 0)
			*ret_first = artifact.id;
		exit_code = walk->visit(walk->context, arena, &artifact);
	}
	walk->left -= count < walk->left ? count : walk->left;
	return exit_code;
}

/* Read a page. Our limit stands behind that of the link, since the server takes
 * the last of two. */
static int
walk_page(struct walk *walk, struct arena *arena)
{
	const char *url = ctl_http_url(walk->http).data;
	struct span first = SPAN("");
	struct ctl_http_answer answer;
	struct span path, next;
	int exit_code;

	path = arena_printf(arena, "/artifacts?%.*s%slimit=%d",
	    (int)walk->query.size, walk->query.data, walk->pages > 1 ? "&" : "",
	    walk->left < LIMIT_PAGE ? (int)walk->left : LIMIT_PAGE);
	exit_code = ctl_http_get(walk->http, path, arena, &answer);
	if (exit_code == CTL_OK)
		exit_code = visit_page(walk, arena, answer.body, &first);
	if (exit_code != CTL_OK)
		return exit_code;
	next = ctl_http_next_query(ctl_http_header(&answer, "Link"));
	walk->has_more = next.data != NULL;
	/* A store has a next page only when there is something on it. */
	if (walk->has_more && first.size == 0)
		return ctl_fail("%s sends from an empty page of a list to the "
				"next one, so that it might never end",
		    url);
	/* Something between us may strip the cursor from requests, so that
	 * the first page comes again and again. */
	if (walk->has_more && span_equal(first, walk->first))
		return ctl_fail("%s sends from one page of a list to the next "
				"in a circle, so that it would never end",
		    url);
	walk->first = first;
	walk->query = next;
	return CTL_OK;
}

int
ctl_remote_list(struct ctl_http *http, const struct filter *filter,
    uint64_t most, ctl_remote_visit *visit, void *context, bool *ret_has_more)
{
	struct walk walk = { .http = http,
		.arenas = { arena_open(), arena_open() },
		.left = most == 0 ? UINT64_MAX : most,
		.visit = visit,
		.context = context };
	struct arena *arena;
	struct buffer query;
	int exit_code;

	buffer_init(&query, walk.arenas[0]);
	filter_append(&query, filter);
	walk.query = buffer_span(&query);
	do {
		arena = walk.arenas[++walk.pages % 2];
		arena_reset(arena);
		exit_code = walk_page(&walk, arena);
	} while (exit_code == CTL_OK && walk.has_more && walk.left > 0);
	arena_close(walk.arenas[0]);
	arena_close(walk.arenas[1]);
	*ret_has_more = walk.has_more;
	return exit_code;
}

/* ---- rows ---- */

/* The age by the clock of the server, which also wrote created_at. */
static void
put_age(struct ctl_http *http, struct ctl_row *row, struct span created)
{
	int64_t now = ctl_http_time(http), then;
	uint64_t moment;

	if (!moment_parse(created, &moment)) {
		ctl_row_text(row, "age", created);
		return;
	}
	then = (int64_t)(moment / 1000000);
	ctl_row_age(row, "age", now > then ? (uint64_t)(now - then) : 0);
}

static void
put_for_people(struct ctl_http *http, struct ctl_row *row,
    const struct filter *filter, const struct ctl_artifact *artifact)
{
	struct span id = artifact->id;

	id.size = id.size < SHORT_ID ? id.size : SHORT_ID;
	ctl_row_key(row, "id", id);
	ctl_row_text(row, "title", artifact->title);
	if (filter == NULL || filter->workflow.size == 0)
		ctl_row_text(row, "workflow", artifact->workflow);
	if (filter == NULL || filter->phase.size == 0)
		ctl_row_text(row, "phase", artifact->phase);
	if (filter == NULL || filter->type.size == 0)
		ctl_row_text(row, "type", artifact->type);
	ctl_row_size(row, "size", artifact->size);
	put_age(http, row, artifact->created);
}

void
ctl_remote_row(struct ctl_http *http, struct arena *arena,
    struct ctl_output *output, const struct filter *filter,
    const struct ctl_artifact *artifact)
{
	const struct ctl *ctl = ctl_http_ctl(http);
	struct ctl_row *row = ctl_row(arena);

	if (ctl->is_terminal && !ctl->is_json) {
		put_for_people(http, row, filter, artifact);
	} else {
		ctl_row_text(row, "id", artifact->id);
		ctl_row_text(row, "workflow_id", artifact->workflow);
		ctl_row_text(row, "phase_id", artifact->phase);
		ctl_row_text(row, "artifact_type", artifact->type);
		ctl_row_size(row, "size_bytes", artifact->size);
		ctl_row_text(row, "created_at", artifact->created);
		ctl_row_text(row, "title", artifact->title);
	}
	ctl_output_row(output, row);
}
