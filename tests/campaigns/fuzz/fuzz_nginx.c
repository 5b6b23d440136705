/* SPDX-License-Identifier: ISC */
/*
 * fuzz_nginx.c - whatever "nginx -T" prints, doctor reads it without harm:
 * a tree that hangs together, of bounded size, in which what is looked for is
 * found; and sizes and times. The checks that look at the tree alone run too.
 */
#include "tool/doctor/nginx.h"
#include "fuzz.h"

const struct ctl_command *const ctl_commands[] = { NULL };

static const struct config *config;
static struct doctor doctor;

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	static struct arena *arena; /* not lost */
	const char *error = NULL;

	(void)argc;
	(void)argv;
	fuzz_hush();
	arena = arena_open();
	config = config_load(arena, "/dev/null", NULL, 0, &error);
	DEMAND(config != NULL);
	return 0;
}

static void
demand_directive(const struct nginx *directive)
{
	uint64_t number;
	size_t i;

	DEMAND(directive->file != NULL && directive->line > 0);
	DEMAND(directive->count <= NGINX_WORDS);
	for (i = 0; i < directive->count; i++) {
		DEMAND(
		    directive->words[i].data[directive->words[i].size] == '\0');
		(void)!ctl_nginx_size(directive->words[i], &number);
		(void)!ctl_nginx_time(directive->words[i], &number);
	}
	DEMAND(ctl_nginx_word(directive, directive->count).size == 0);
}

static size_t
demand_block(const struct nginx *block)
{
	const struct nginx *child = block->first;
	const struct nginx *last = NULL;
	size_t count = 0;

	for (; child != NULL; last = child, child = child->next) {
		DEMAND(child->parent == block);
		demand_directive(child);
		count += 1 + demand_block(child);
	}
	DEMAND(block->last == last);
	return count;
}

/* What counts in a block is its own, and each of that name is found. */
static void
demand_found(const struct nginx *block)
{
	const struct nginx *server = ctl_nginx_find(block, "server");

	DEMAND(server == ctl_nginx_child(block, "server"));
	for (; server != NULL; server = ctl_nginx_again(server))
		DEMAND(
		    server->parent == block && ctl_nginx_is(server, "server"));
}

static void
demand_checks(struct arena *arena, struct span dump, const struct nginx *whole)
{
	const struct doctor_check *check = doctor_nginx_checks;
	const struct nginx *block = NULL;
	static const char *const names[] = { "nginx_passes", "nginx_upstream",
		"nginx_limits", "nginx_passing", "nginx_access" };
	size_t i;

	while ((block = ctl_nginx_walk(whole, block, "server")) != NULL)
		demand_found(block);
	doctor = (struct doctor){
		.arena = arena, .config = config, .nginx = dump, .whole = whole
	};
	for (; check->name != NULL; check++)
		for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
			if (strcmp(check->name, names[i]) == 0)
				check->look(&doctor);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_open();
	struct span dump = arena_copy(arena, span_of(data, size));
	const struct nginx *whole = ctl_nginx_read(arena, dump);

	DEMAND(demand_block(whole) <= NGINX_DIRECTIVES);
	demand_checks(arena, dump, whole);
	arena_close(arena);
	return 0;
}
