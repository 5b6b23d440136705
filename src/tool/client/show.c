/* SPDX-License-Identifier: ISC */
/*
 * show.c - the commands that look at artifacts: show and content, for people to
 * read (no byte of a content reaches a terminal that would steer it); list,
 * newest first; shasum and verify, which compare by SHA-256, so that no content
 * has to be downloaded.
 */

#include "choose.h"
#include "source.h"

#define SHOWN_MOST 1048576 /* bytes of content that show prints */

/* ---- what can be read ---- */

/* A media type whose content is text. */
static bool
is_text(struct span type)
{
	static const char *const types[] = { "application/json",
		"application/xml", "application/yaml", "application/toml",
		"application/javascript", "application/x-ndjson",
		"application/sql", "application/x-sh" };
	size_t i;

	type = span_trim(span_split(&type, ';'));
	if (type.size > 5 && span_is_nocase(span_of(type.data, 5), "text/"))
		return true;
	for (i = 0; i < COUNT_OF(types); i++)
		if (span_is_nocase(type, types[i]))
			return true;
	return span_is_nocase(span_end(type, 5), "+json") ||
	       span_is_nocase(span_end(type, 4), "+xml");
}

/* Print a text line by line, without what would steer a terminal, but with its
 * tabs. A newline ends the last line. */
static void
print_visible(struct span text)
{
	struct arena *arena = arena_open();
	struct span line, word;
	const char *before;

	while (text.size > 0) {
		line = span_split(&text, '\n');
		for (before = ""; line.data != NULL; before = "\t") {
			word = span_split(&line, '\t');
			printf("%s%s", before, ctl_visible(arena, word).data);
		}
		putchar('\n');
		arena_reset(arena);
	}
	arena_close(arena);
}

/* ---- show ---- */

static void
put_facts(struct ctl_row *row, const struct ctl_artifact *artifact)
{
	ctl_row_text(row, "id", artifact->id);
	ctl_row_text(row, "title", artifact->title);
	ctl_row_text(row, "workflow_id", artifact->workflow);
	ctl_row_text(row, "phase_id", artifact->phase);
	ctl_row_text(row, "session_id", artifact->session);
	ctl_row_text(row, "artifact_type", artifact->type);
	ctl_row_bool(row, "is_primary_deliverable", artifact->is_primary);
	ctl_row_text(row, "content_type", artifact->content_type);
	ctl_row_size(row, "size_bytes", artifact->size);
	ctl_row_text(row, "content_hash", artifact->hash);
	ctl_row_text(row, "created_at", artifact->created);
	ctl_row_text(row, "created_by", artifact->creator);
	ctl_row_source(row, "derived_from", artifact->derived_from);
	ctl_row_source(row, "metadata", artifact->metadata);
	ctl_row_text(row, "etag", artifact->etag);
}

static void
print_content(
    const struct ctl *ctl, const struct ctl_artifact *artifact, bool is_shown)
{
	putchar('\n');
	if (!is_shown)
		printf("(artifactctl get %s takes the content)\n",
		    ctl_visible(ctl->arena, artifact->id).data);
	else if (ctl->is_terminal)
		print_visible(artifact->content);
	else
		fwrite(
		    artifact->content.data, 1, artifact->content.size, stdout);
}

/* Put the content into a row for JSON, which has only text. Where the text
 * would not be what is stored, it is null, and that is said. */
static void
put_content(
    const struct ctl *ctl, struct ctl_row *row, struct ctl_artifact *artifact)
{
	if (!ctl_artifact_is_exact(artifact)) {
		artifact->content = SPAN_NONE;
		(void)ctl_error(CTL_OK,
		    "the content is no text in UTF-8 (%s, %s), so that "
		    "\"content\" is null; artifactctl get takes the bytes",
		    ctl_visible(ctl->arena, artifact->content_type).data,
		    ctl_size_text(ctl->arena, artifact->size).data);
	}
	ctl_row_text(row, "content", artifact->content);
}

/* On a terminal the content is asked for only if people can read it. */
static int
run_show(struct ctl *ctl)
{
	bool has_content = !ctl_has(ctl, "no-content"), is_shown = false;
	struct ctl_row *row = ctl_row(ctl->arena);
	struct ctl_artifact artifact;
	struct ctl_http *http;
	int exit_code;

	exit_code = ctl_remote_open(ctl, &http);
	if (exit_code == CTL_OK)
		exit_code = ctl_remote_detail(http, ctl->operands[0],
		    has_content && ctl->is_json, ctl->arena, &artifact);
	if (exit_code == CTL_OK && has_content && !ctl->is_json &&
	    artifact.size > 0 && artifact.size <= SHOWN_MOST &&
	    is_text(artifact.content_type)) {
		exit_code = ctl_remote_detail(http,
		    arena_string(ctl->arena, artifact.id), true, ctl->arena,
		    &artifact);
		is_shown =
		    exit_code == CTL_OK && ctl_artifact_is_exact(&artifact);
	}
	if (exit_code != CTL_OK)
		return exit_code;
	put_facts(row, &artifact);
	if (has_content && ctl->is_json)
		put_content(ctl, row, &artifact);
	ctl_print_facts(ctl, row);
	if (has_content && !ctl->is_json && artifact.size > 0)
		print_content(ctl, &artifact, is_shown);
	return CTL_OK;
}

static const struct ctl_option show_options[] = {
	{ "no-content", 0, NULL, "leave its content out" },
	{ NULL, 0, NULL, NULL },
};

const struct ctl_command ctl_command_show = {
	.name = "show",
	.summary = "Show an artifact, and its content if that is text",
	.operands = "ID",
	.least = 1,
	.most = 1,
	.where = CTL_REMOTE,
	.options = show_options,
	.run = run_show,
};

/* ---- content ---- */

/* Print the content that the server gives as text. */
static int
content_as_text(struct ctl *ctl, struct ctl_http *http)
{
	struct ctl_artifact artifact;
	struct ctl_row *row;
	int exit_code;

	exit_code = ctl_remote_detail(
	    http, ctl->operands[0], true, ctl->arena, &artifact);
	if (exit_code != CTL_OK)
		return exit_code;
	if (!ctl->is_json && !ctl_artifact_is_exact(&artifact))
		return ctl_fail("this is no text in UTF-8, and so nothing for "
				"a terminal; artifactctl get puts it into a "
				"file");
	if (!ctl->is_json) {
		print_visible(artifact.content);
		return CTL_OK;
	}
	row = ctl_row(ctl->arena);
	ctl_row_text(row, "artifact_id", artifact.id);
	put_content(ctl, row, &artifact);
	ctl_row_text(row, "content_type", artifact.content_type);
	ctl_row_size(row, "size_bytes", artifact.size);
	ctl_print_facts(ctl, row);
	return CTL_OK;
}

static int
content_on_terminal(struct ctl *ctl, struct ctl_http *http)
{
	struct ctl_artifact artifact;
	int exit_code;

	exit_code = ctl_remote_detail(
	    http, ctl->operands[0], false, ctl->arena, &artifact);
	if (exit_code != CTL_OK)
		return exit_code;
	if (is_text(artifact.content_type))
		return content_as_text(ctl, http);
	return ctl_fail("this is %s, nothing for a terminal; artifactctl get "
			"puts it into a file",
	    ctl_visible(ctl->arena, artifact.content_type).data);
}

static int
run_content(struct ctl *ctl)
{
	struct ctl_http *http;
	int exit_code;

	exit_code = ctl_remote_open(ctl, &http);
	if (exit_code != CTL_OK)
		return exit_code;
	if (ctl->is_json)
		return content_as_text(ctl, http);
	if (ctl->is_terminal)
		return content_on_terminal(ctl, http);
	return ctl_get_print(ctl, http, ctl->operands[0]);
}

const struct ctl_command ctl_command_content = {
	.name = "content",
	.summary = "Print the content of an artifact",
	.operands = "ID",
	.least = 1,
	.most = 1,
	.where = CTL_REMOTE,
	.details = "To a file or pipe go the exact bytes, which are checked: "
		   "exit code 4 says\nthat they were not right. With --json, "
		   "and on a terminal, it is text.\n",
	.run = run_content,
};

/* ---- list ---- */

struct listing {
	struct ctl_http *http;
	struct filter filter;
	struct ctl_output *output;
	uint64_t count;
};

static int
print_one(
    void *context, struct arena *arena, const struct ctl_artifact *artifact)
{
	struct listing *listing = context;

	ctl_remote_row(
	    listing->http, arena, listing->output, &listing->filter, artifact);
	listing->count++;
	return ferror(stdout) ? CTL_FAILED : CTL_OK; /* main says so */
}

/* How many artifacts to list at most; 0: all. */
static int
read_limit(const struct ctl *ctl, uint64_t *ret_most)
{
	*ret_most = LIMIT_PAGE_DEFAULT;
	if (!ctl_has(ctl, "all"))
		return ctl_number(ctl, "limit", 1, UINT64_MAX, ret_most);
	if (ctl_has(ctl, "limit"))
		return ctl_usage(ctl, "--all and --limit exclude each other");
	*ret_most = 0;
	return CTL_OK;
}

static int
run_list(struct ctl *ctl)
{
	struct listing listing = { 0 };
	bool has_more = false;
	uint64_t most = 0;
	int exit_code;

	exit_code = ctl_filter_read(ctl, &listing.filter);
	if (exit_code == CTL_OK)
		exit_code = read_limit(ctl, &most);
	if (exit_code == CTL_OK)
		exit_code = ctl_http_open(ctl, NULL, &listing.http);
	if (exit_code != CTL_OK)
		return exit_code;
	listing.output = ctl_output_open(ctl);
	exit_code = ctl_remote_list(listing.http, &listing.filter, most,
	    print_one, &listing, &has_more);
	ctl_output_close(listing.output);
	if (exit_code == CTL_OK && listing.count == 0 && ctl->is_terminal &&
	    !ctl->is_json)
		(void)ctl_error(CTL_OK, "no artifact found");
	if (exit_code == CTL_OK && has_more)
		(void)ctl_error(CTL_OK,
		    "these are the %llu newest, and there are more; --limit N "
		    "or --all shows them",
		    (unsigned long long)listing.count);
	return exit_code;
}

static const struct ctl_option list_options[] = {
	CTL_FILTERS,
	{ "limit", 0, "N", "show the N newest (50)" },
	{ "all", 0, NULL, "show all of them" },
	{ NULL, 0, NULL, NULL },
};

const struct ctl_command ctl_command_list = {
	.name = "list",
	.summary = "List artifacts, newest first",
	.operands = "",
	.where = CTL_REMOTE,
	.options = list_options,
	.details =
	    "When there are more than are shown, stderr says so. On a terminal "
	    "what a filter\nnames, and what is empty in each row, has no "
	    "column.\n",
	.run = run_list,
};

/* ---- shasum ---- */

/* As sha256sum writes it: the names are those of name.h, which have no
 * line in them, nor a backslash. */
static void
print_sum(const struct ctl *ctl, struct ctl_output *output,
    const struct ctl_chosen *chosen)
{
	char hash[DIGEST_SHA256_HEX + 1];

	if (ctl->is_json) {
		ctl_choose_row(output, chosen, span_str(chosen->path));
		return;
	}
	digest_hex(chosen->hash, DIGEST_SHA256_SIZE, hash);
	printf("%s  %s\n", hash, chosen->path);
}

static int
run_shasum(struct ctl *ctl)
{
	struct ctl_choice choice = { .arena = ctl->arena };
	struct ctl_output *output;
	struct ctl_http *http;
	int exit_code;
	size_t i;

	exit_code = ctl_http_open(ctl, NULL, &http);
	if (exit_code == CTL_OK)
		exit_code = ctl_choose(http, &choice);
	if (exit_code == CTL_OK)
		exit_code = ctl_choose_names(http, &choice);
	if (exit_code != CTL_OK)
		return exit_code;
	output = ctl_output_open(ctl);
	for (i = 0; i < choice.count && !ferror(stdout); i++)
		print_sum(ctl, output, &choice.items[i]);
	ctl_output_close(output);
	return choice.worst;
}

static const struct ctl_option shasum_options[] = {
	CTL_CHOICE,
	{ NULL, 0, NULL, NULL },
};

const struct ctl_command ctl_command_shasum = {
	.name = "shasum",
	.summary = "Print SHA-256 and name of contents, as sha256sum does",
	.operands = "ID...|FILTER...",
	.most = CTL_MANY,
	.where = CTL_REMOTE,
	.options = shasum_options,
	.details = "No content is downloaded. The names are those that get "
		   "gives in a directory, so\nthat sha256sum -c checks them "
		   "there.\n",
	.run = run_shasum,
};

/* ---- verify ---- */

static int
compare(const struct ctl *ctl, const struct ctl_source *source,
    const struct ctl_artifact *artifact)
{
	char hash[DIGEST_SHA256_HEX + 1];
	struct ctl_row *row = ctl_row(ctl->arena);
	bool matches;

	digest_hex(source->hash, sizeof(source->hash), hash);
	matches =
	    span_is(artifact->hash, hash) && artifact->size == source->size;
	ctl_row_text(row, "id", artifact->id);
	ctl_row_text(row, "file", span_str(source->name));
	ctl_row_size(row, "size_bytes", artifact->size);
	ctl_row_text(row, "content_hash", artifact->hash);
	ctl_row_bool(row, "matches", matches);
	ctl_print_facts(ctl, row);
	if (matches)
		return CTL_OK;
	return ctl_error(CTL_INTEGRITY,
	    "%.200s is not the content of %.*s: it has %llu bytes with the "
	    "SHA-256 %s, and the store %llu with %.*s",
	    source->name, (int)artifact->id.size, artifact->id.data,
	    (unsigned long long)source->size, hash,
	    (unsigned long long)artifact->size, (int)artifact->hash.size,
	    artifact->hash.data);
}

static int
run_verify(struct ctl *ctl)
{
	struct ctl_artifact artifact;
	struct ctl_source source;
	struct ctl_http *http;
	int exit_code;

	exit_code = ctl_remote_open(ctl, &http);
	if (exit_code == CTL_OK)
		exit_code = ctl_remote_detail(
		    http, ctl->operands[0], false, ctl->arena, &artifact);
	if (exit_code == CTL_OK)
		exit_code =
		    ctl_source_open(ctl, ctl->operands[1], false, &source);
	if (exit_code != CTL_OK)
		return exit_code;
	exit_code = compare(ctl, &source, &artifact);
	ctl_source_close(&source);
	return exit_code;
}

const struct ctl_command ctl_command_verify = {
	.name = "verify",
	.summary = "Compare a file with a content, without a download",
	.operands = "ID FILE",
	.least = 2,
	.most = 2,
	.where = CTL_REMOTE,
	.details = "By size and SHA-256. FILE is - for standard input. Exit "
		   "code 4: they differ.\n",
	.run = run_verify,
};
