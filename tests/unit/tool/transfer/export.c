/* SPDX-License-Identifier: ISC */
#include "tool/transfer/export.h"
#include "kit/store_kit.h"
#include "kit/store_mem.h"

#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <stdlib.h>
#include <unistd.h>

static struct ctl ctl;
static struct export_block block;
static struct export_counts counts;
static struct ctl_progress progress;
static char directory[] = "/tmp/artifactd-export.XXXXXX";
static char path[64];

static const struct subject memory = { .open = store_mem_open };

static void
open_all(void)
{
	cr_redirect_stderr();
	ctl.arena = arena_open();
	cr_assert_not_null(mkdtemp(directory));
	(void)snprintf(path, sizeof(path), "%s/x.tar", directory);
	block.ctl = &ctl;
	block.directory = "here";
	block.counts = &counts;
	block.progress = &progress;
	ctl_progress_begin(&progress, &ctl, "export", 0);
	cr_assert_eq(ctl_tar_create(&ctl, path, &block.tar), CTL_OK);
	cr_assert_eq(export_block_open(&block, path), CTL_OK);
}

static void
close_all(void)
{
	export_block_close(&block);
	ctl_tar_discard(block.tar);
	cr_assert_eq(rmdir(directory), 0, "something else stayed there");
	arena_close(ctl.arena);
}

TestSuite(ctl_export, .init = open_all, .fini = close_all);

/* No engine looks at the hash, which the worker makes of what comes. */
static struct artifact *
put_unlike(struct kit *kit)
{
	struct artifact *artifact = kit_artifact(kit);
	struct change change = {
		.kind = CHANGE_CREATE, .owner = kit->owner, .artifact = artifact
	};
	struct upload *upload;

	cr_assert_eq(
	    kit_upload(kit, &change, SPAN("hello"), &upload), RESULT_OK);
	artifact->content.hash[7] ^= 1;
	cr_assert_eq(kit_apply(kit, &change), RESULT_OK);
	return kit_get(kit, &artifact->id);
}

Test(ctl_export, leaves_out_content_that_does_not_match_its_hash)
{
	struct kit kit = kit_open(&memory, 0);

	block.store = kit.store;
	cr_assert_eq(
	    export_block_add(&block, kit_put(&kit, SPAN("hello"))), CTL_OK);
	cr_assert_eq(export_block_add(&block, put_unlike(&kit)), CTL_OK);
	cr_assert_eq(counts.damaged, 1, "what does not match is let in");
	cr_assert_eq(counts.artifacts, 1);
	cr_assert_eq(counts.bytes, 5);
	cr_assert_eq(export_block_write(&block), CTL_OK);
	kit_close(&kit);
}
