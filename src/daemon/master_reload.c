/* SPDX-License-Identifier: ISC */
/*
 * master_reload.c - SIGHUP: a new configuration for a service that goes on.
 *
 * Workers are replaced a few at a time, each after its present request, so
 * that the others answer meanwhile and no request fails.
 */

#include "master_state.h"

#include "base/log.h"
#include "notify.h"

static const char *
find_refusal(const struct config *old, const struct config *new)
{
	if (strcmp(old->listen, new->listen) != 0)
		return "listen cannot change while the service runs: restart "
		       "it";
	if (strcmp(old->state_dir, new->state_dir) != 0)
		return "state_dir cannot change while the service runs: "
		       "restart it";
	return NULL;
}

/* The new configuration, or NULL: *ret_error says why. */
static struct config *
load(struct master *master, struct arena *arena, const char **ret_error)
{
	const struct master_options *options = master->options;
	struct config *config;

	config = config_load(arena, options->config_path, options->settings,
	    options->setting_count, ret_error);
	if (config == NULL)
		return NULL;
	*ret_error = find_refusal(master->config, config);
	if (*ret_error != NULL || !config_read_secret(arena, config, ret_error))
		return NULL;
	return config;
}

static void
tell_ready(const struct master *master)
{
	/* Before the first writer is ready, so are we not. */
	if (master->phase == PHASE_SERVING)
		notify_send("READY=1\nSTATUS=serving with %u workers",
		    master->config->workers);
}

/* Whoever runs now has the old configuration. */
static void
mark_outdated(struct master *master, const struct config *old)
{
	const struct config *new = master->config;
	size_t i;

	for (i = 0; i < SCOREBOARD_WORKERS; i++)
		master->children[i].is_outdated = true;
	if (old->max_bytes != new->max_bytes || old->reserve != new->reserve ||
	    old->log_level != new->log_level)
		child_end(master_writer(master));
}

static void
adopt(struct master *master, struct arena *arena, struct config *config)
{
	struct config *old = master->config;

	master->config = config;
	log_level(config->log_level);
	mark_outdated(master, old);
	arena_close(master->config_arena); /* children have their own copy */
	master->config_arena = arena;
	master->is_reloading = true;
}

void
master_reload(struct master *master)
{
	struct arena *arena = arena_open();
	const char *error = NULL;
	struct config *config;

	if (master->phase == PHASE_SERVING)
		notify_send("RELOADING=1\nMONOTONIC_USEC=%lld\n"
			    "STATUS=reloading",
		    (long long)scoreboard_now());
	config = load(master, arena, &error);
	metrics_add(master->metrics, METRIC_RELOADS,
	    LABELS(config != NULL ? METRICS_TAKEN : METRICS_REFUSED), 1);
	if (config != NULL) {
		adopt(master, arena, config);
		return;
	}
	log_open(LOG_ERR, "reload_refused");
	log_string("cause", error);
	log_close();
	arena_close(arena);
	if (!master->is_reloading)
		tell_ready(master);
}

/* End workers that are outdated or too many, as long as room permits. */
static bool
end_some(struct master *master)
{
	unsigned ending;
	unsigned most = master->config->workers / 8;
	bool is_done;
	size_t i;

	(void)master_count(master, &ending);
	is_done = ending == 0;
	for (i = 0; i < SCOREBOARD_WORKERS; i++) {
		struct child *child = &master->children[i];

		if (child->pid == 0 || child->is_ending ||
		    (!child->is_outdated && i < master->config->workers))
			continue;
		is_done = false;
		if (ending >= (most > 0 ? most : 1))
			break;
		child_end(child);
		ending++;
	}
	return is_done;
}

void
master_reload_step(struct master *master)
{
	if (!master->is_reloading || master->phase != PHASE_SERVING)
		return;
	if (!end_some(master) || master_writer(master)->is_ending ||
	    !master_writer(master)->is_ready)
		return;
	master->is_reloading = false;
	log_open(LOG_NOTICE, "reloaded");
	log_number("workers", master->config->workers);
	log_close();
	tell_ready(master);
}
