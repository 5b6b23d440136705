/* SPDX-License-Identifier: ISC */
/*
 * sum.c - shasum and verify: what the store has, by its SHA-256, so that
 * no content has to come.
 */

#include "choose.h"
#include "source.h"

/* ---- shasum ---- */

/* As sha256sum writes it: the names are those of name.h, which have no
 * line in them, nor a backslash. */
static void
print_sum(const struct ctl *ctl, struct ctl_output *output,
    const struct ctl_chosen *chosen)
{
	char hash[DIGEST_SHA256_HEX + 1], id[ID_TEXT + 1];
	struct arena *arena;
	struct ctl_row *row;

	digest_hex(chosen->hash, sizeof(chosen->hash), hash);
	if (!ctl->is_json) {
		printf("%s  %s\n", hash, chosen->path);
		return;
	}
	arena = arena_open();
	id_format(&chosen->id, id);
	row = ctl_row(arena);
	ctl_row_text(row, "id", span_str(id));
	ctl_row_text(row, "file", span_str(chosen->path));
	ctl_row_size(row, "size_bytes", chosen->size);
	ctl_row_text(row, "content_hash", span_str(hash));
	ctl_output_row(output, row);
	arena_close(arena);
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
		exit_code = ctl_choose(ctl, http, &choice);
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

	exit_code = ctl_remote_check_id(ctl, ctl->operands[0]);
	if (exit_code == CTL_OK)
		exit_code = ctl_http_open(ctl, NULL, &http);
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
