/* SPDX-License-Identifier: ISC */
/*
 * nginx_conf.h - the configuration of an nginx as a tree, from what "nginx -T"
 * prints. Knows nothing of what the directives are for.
 *
 *	# configuration file /etc/nginx/nginx.conf:
 *	http {
 *		include conf.d/a.conf;		each file's text comes later
 *
 * A directive that stands in no block counts in the blocks around it too:
 * ctl_nginx_find looks there.
 */
#ifndef CTL_NGINX_H
#define CTL_NGINX_H

#include "base/mem.h"

#define NGINX_WORDS 64

/* In all: files that include each other come to an end. */
#ifndef NGINX_DIRECTIVES
#define NGINX_DIRECTIVES 100000
#endif

struct nginx {
	const char *file; /* where it stands */
	unsigned line;
	struct span *words; /* the first is its name */
	size_t count;
	struct nginx *parent; /* NULL: this is the whole */
	struct nginx *first;  /* in its block, in order */
	struct nginx *last;
	struct nginx *next;
};

/*
 * Anything is read; what it cannot be made into is left out, and so is what
 * no nginx would have: far more directives, or blocks in blocks, than people
 * write.
 */
struct nginx *ctl_nginx_read(struct arena *arena, struct span dump);

bool ctl_nginx_is(const struct nginx *directive, const char *name);
/* Its word i, from 0 on; "" where there is none. */
struct span ctl_nginx_word(const struct nginx *directive, size_t i);

/* The first of this name in a block; NULL: none. */
const struct nginx *
ctl_nginx_child(const struct nginx *block, const char *name);
/* The next of the same name in the same block. */
const struct nginx *ctl_nginx_again(const struct nginx *directive);
/* What counts in a block: its own, or that of the blocks around it. */
const struct nginx *ctl_nginx_find(const struct nginx *block, const char *name);

/*
 * The next block that has a directive of this name, in the order of the
 * text; NULL begins, and ends.
 */
const struct nginx *ctl_nginx_walk(
    const struct nginx *whole, const struct nginx *block, const char *name);

/* "54m" as bytes, "2m 10s" (or, as
 * systemd says it, "2min 10s") as milliseconds; false: it is no such thing. */
MUST_USE bool ctl_nginx_size(struct span text, uint64_t *ret_bytes);
MUST_USE bool ctl_nginx_time(struct span text, uint64_t *ret_milliseconds);

/* One file after the other: *rest is the dump at first. false: no more. */
MUST_USE bool ctl_nginx_next_file(struct arena *arena, struct span *rest,
    const char **ret_path, struct span *ret_text);

#endif
