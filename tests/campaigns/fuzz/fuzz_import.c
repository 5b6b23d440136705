/* SPDX-License-Identifier: ISC */
/*
 * fuzz_import.c - an import of any tar does no harm: imported content has the
 * bytes that its record says, and a second import of the same tar changes
 * nothing.
 *
 * The input is a tar, to whose headers the target adds the right sum; or,
 * after a "#", the members of a tar: each a line "# NAME", then its bytes, up
 * to the newline before the next such line.
 */
#include "tool/transfer/import.h"
#include "tool/transfer/tar.h"
#include "fuzz.h"
#include "store/store.h"
#include "kit/store_mem.h"

#include <sys/mman.h>
#include <unistd.h>

#define RECORD 512
#define SUM_AT 148
#define MAGIC_AT 257
#define TYPE_AT 156

const struct ctl_command *const ctl_commands[] = { NULL };

static int file = -1;
static char path[64];

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	DEMAND(digest_init());
	fuzz_hush();
	file = memfd_create("tar", 0);
	DEMAND(file >= 0);
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
	return 0;
}

/* ---- a tar of it ---- */

static void
put_sum(char *header)
{
	unsigned sum = 0;
	size_t i;

	memset(header + SUM_AT, ' ', 8);
	for (i = 0; i < RECORD; i++)
		sum += (unsigned char)header[i];
	(void)snprintf(header + SUM_AT, 8, "%06o", sum & 0777777);
}

static void
put_sums(struct span tar, char *bytes)
{
	size_t i;

	for (i = 0; i + RECORD <= tar.size; i += RECORD)
		if (memcmp(bytes + i + MAGIC_AT, "ustar", 5) == 0)
			put_sum(bytes + i);
}

static void
append_member(struct buffer *tar, struct span name, struct span text)
{
	char header[RECORD] = "";

	memcpy(header, name.data, name.size < 100 ? name.size : 100);
	(void)snprintf(header + 100, 8, "0000644");
	(void)snprintf(header + 124, 12, "%011zo", text.size);
	(void)snprintf(header + 136, 12, "%011o", 0);
	header[TYPE_AT] = '0';
	memcpy(header + MAGIC_AT, "ustar\00000", 8);
	put_sum(header);
	buffer_append(tar, span_of(header, RECORD));
	buffer_append(tar, text);
	while (tar->size % RECORD != 0)
		buffer_append_byte(tar, '\0');
}

static struct span
tar_of_members(struct arena *arena, struct span text)
{
	struct buffer tar;
	struct span name;
	const char *end;
	size_t size;

	buffer_init(&tar, arena);
	while (span_starts_with(text, "# ")) {
		text = span_from(text, 2);
		name = span_split(&text, '\n');
		if (text.data == NULL)
			break;
		end = memmem(text.data, text.size, "\n# ", 3);
		size = end == NULL ? text.size : (size_t)(end - text.data);
		append_member(&tar, name, span_of(text.data, size));
		text = span_from(text, end == NULL ? size : size + 1);
	}
	return buffer_span(&tar);
}

/* ---- what must hold ---- */

static void
demand_content(struct store *store, const struct content *content)
{
	uint8_t hash[DIGEST_SHA256_SIZE];
	static char piece[LIMIT_CHUNK];
	struct digest digest;
	uint64_t offset = 0;
	size_t size;

	digest_begin(&digest);
	while (offset < content->size) {
		DEMAND(store_read(store, content, offset, piece, sizeof(piece),
			   &size) == RESULT_OK);
		DEMAND(size > 0 && size <= content->size - offset);
		digest_add(&digest, span_of(piece, size));
		offset += size;
	}
	digest_end(&digest, hash);
	DEMAND(memcmp(hash, content->hash, sizeof(hash)) == 0);
}

static uint64_t
demand_whole(struct store *store, struct arena *arena)
{
	const struct filter all = { .workflow = SPAN_NONE };
	struct position position = { .size = 0 };
	struct page page = { .has_more = true };
	uint64_t count = 0;
	size_t i;

	while (page.has_more) {
		DEMAND(store_list(store, &all, &position, LIMIT_PAGE, arena,
			   &page) == RESULT_OK);
		for (i = 0; i < page.count; i++)
			demand_content(store, &page.artifacts[i]->content);
		count += page.count;
		position = page.next;
	}
	return count;
}

/* As the command does it, but for the store, and for its figures. */
static int
import(const struct ctl *ctl, struct store *store, bool replaces,
    struct import_counts *ret_counts)
{
	static struct import one;
	struct ctl_tar_reader *tar;
	int exit_code;

	one = (struct import){ .ctl = ctl,
		.store = store,
		.replaces = replaces,
		.owner = { .incarnation = 1, .request = 1 },
		.arena = arena_open(),
		.own = arena_open() };
	exit_code = ctl_tar_open(ctl, path, &tar);
	if (exit_code == CTL_OK) {
		exit_code = import_tar(&one, tar);
		DEMAND(import_abandon(&one) == CTL_OK);
		DEMAND(import_flush(&one) == CTL_OK);
		ctl_tar_close(tar);
	}
	arena_close(one.arena);
	arena_close(one.own);
	*ret_counts = one.counts;
	return exit_code;
}

static void
import_twice(struct arena *arena, bool replaces)
{
	const struct ctl ctl = { .arena = arena,
		.operands = (char *[]){ path } };
	struct store *store = store_mem_open(0);
	struct import_counts first, second;
	int exit_code = import(&ctl, store, replaces, &first);
	uint64_t count;

	count = demand_whole(store, arena);
	/* One that replaces another of the same tar counts as new, too. */
	DEMAND(replaces ? count <= first.added : count == first.added);
	DEMAND(import(&ctl, store, replaces, &second) == exit_code);
	DEMAND(second.added == 0);
	DEMAND(second.damaged == first.damaged);
	DEMAND(demand_whole(store, arena) == count);
	store_close(store);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_open();
	char *bytes = arena_string(arena, span_of(data, size));
	struct span tar = span_of(bytes, size);

	if (size > 0 && bytes[0] == '#')
		tar = tar_of_members(arena, tar);
	else
		put_sums(tar, bytes);
	DEMAND(ftruncate(file, 0) == 0);
	DEMAND(pwrite(file, tar.data, tar.size, 0) == (ssize_t)tar.size);
	import_twice(arena, size % 2 != 0);
	arena_close(arena);
	return 0;
}
