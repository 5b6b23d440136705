/* SPDX-License-Identifier: ISC */
/*
 * store_contract.h - the tests that every engine of the store has to pass.
 *
 * An engine's test file instantiates all of them:
 *
 *	static const struct subject subject = { open_it, close_it };
 *
 *	STORE_CONTRACT(store_lmdb, &subject)
 *	STORE_CONTRACT_JUDGE(store_lmdb, &subject)
 *
 * The second list is for engines that check changes themselves: its tests
 * number changes, stage chunks by hand and apply many changes at once.
 */
#ifndef STORE_CONTRACT_H
#define STORE_CONTRACT_H

#include "store/store.h"

/* The engine that is looked at. */
struct subject {
	/* A fresh, empty store; max_bytes is its quota, 0: none. */
	struct store *(*open)(uint64_t max_bytes);
	/* NULL: store_close is enough. */
	void (*close)(struct store *store);
};

/* store_contract.c: records and changes to them. */
#define STORE_CONTRACT_RECORDS(X, suite, it) \
	X(suite, it, gives_back_every_member) \
	X(suite, it, says_when_there_is_no_such_artifact) \
	X(suite, it, refuses_an_id_that_is_taken) \
	X(suite, it, moments_are_unique_and_rise) \
	X(suite, it, an_update_sets_what_the_patch_names) \
	X(suite, it, new_content_replaces_all_of_the_old) \
	X(suite, it, a_deleted_artifact_is_gone) \
	X(suite, it, if_match_lets_only_the_present_state_pass) \
	X(suite, it, a_missing_artifact_comes_before_if_match) \
	X(suite, it, the_contents_tag_guards_as_the_details_does) \
	X(suite, it, if_none_match_lets_no_named_state_pass) \
	X(suite, it, if_unmodified_since_goes_by_the_contents_second) \
	X(suite, it, each_content_has_a_second_of_its_own_or_no_date) \
	X(suite, it, an_idempotent_create_happens_once) \
	X(suite, it, a_refused_create_does_not_use_up_its_key) \
	X(suite, it, counts_follow_each_change) \
	X(suite, it, figures_say_what_stat_says)

/* store_contract_content.c: bytes on their way in and out. */
#define STORE_CONTRACT_CONTENT(X, suite, it) \
	X(suite, it, content_of_every_size_comes_back) \
	X(suite, it, uploads_side_by_side_do_not_mix) \
	X(suite, it, old_content_is_right_or_gone) \
	X(suite, it, dropping_after_the_change_is_harmless) \
	X(suite, it, a_refused_change_leaves_the_old_content) \
	X(suite, it, nothing_passes_the_quota) \
	X(suite, it, a_large_upload_meets_the_quota)

/* store_contract_list.c: lists and prefixes, against a model. */
#define STORE_CONTRACT_LISTS(X, suite, it) \
	X(suite, it, filters_agree_with_a_model) \
	X(suite, it, filters_are_exact) \
	X(suite, it, pages_survive_creates_and_deletes) \
	X(suite, it, a_page_says_whether_more_follows) \
	X(suite, it, refuses_a_foreign_position) \
	X(suite, it, prefixes_agree_with_a_model) \
	X(suite, it, finds_no_id_for_other_text)

/* store_contract_judge.c: for engines that judge. */
#define STORE_CONTRACT_JUDGING(X, suite, it) \
	X(suite, it, a_numbered_change_happens_once) \
	X(suite, it, a_number_belongs_to_its_incarnation) \
	X(suite, it, a_change_without_number_is_never_a_repeat) \
	X(suite, it, many_changes_see_each_other) \
	X(suite, it, creates_at_once_have_moments_of_their_own) \
	X(suite, it, new_content_is_younger_than_its_artifact) \
	X(suite, it, chunks_are_taken_in_order) \
	X(suite, it, a_blob_belongs_to_its_owner) \
	X(suite, it, a_blob_is_named_once_and_whole) \
	X(suite, it, a_dropped_upload_frees_its_bytes)

/* store_contract_import.c: likewise. */
#define STORE_CONTRACT_IMPORTS(X, suite, it) \
	X(suite, it, an_import_keeps_all_that_it_brings) \
	X(suite, it, an_import_takes_the_next_free_moment) \
	X(suite, it, a_moment_that_became_free_is_given_again) \
	X(suite, it, an_import_of_a_time_to_come_is_refused) \
	X(suite, it, an_import_is_harmless_to_repeat) \
	X(suite, it, what_differs_is_kept_unless_it_is_replaced) \
	X(suite, it, lists_hold_imports_where_they_belong) \
	X(suite, it, creates_and_imports_never_share_a_moment) \
	X(suite, it, an_import_meets_the_quota)

#define STORE_CONTRACT_TEST(suite, it, name) \
	Test(suite, name) \
	{ \
		contract_##name(it); \
	}

#define STORE_CONTRACT(suite, it) \
	STORE_CONTRACT_RECORDS(STORE_CONTRACT_TEST, suite, it) \
	STORE_CONTRACT_CONTENT(STORE_CONTRACT_TEST, suite, it) \
	STORE_CONTRACT_LISTS(STORE_CONTRACT_TEST, suite, it)

#define STORE_CONTRACT_JUDGE(suite, it) \
	STORE_CONTRACT_JUDGING(STORE_CONTRACT_TEST, suite, it) \
	STORE_CONTRACT_IMPORTS(STORE_CONTRACT_TEST, suite, it)

#define STORE_CONTRACT_DECLARE(suite, it, name) \
	void contract_##name(const struct subject *subject);

STORE_CONTRACT_RECORDS(STORE_CONTRACT_DECLARE, , )
STORE_CONTRACT_CONTENT(STORE_CONTRACT_DECLARE, , )
STORE_CONTRACT_LISTS(STORE_CONTRACT_DECLARE, , )
STORE_CONTRACT_JUDGING(STORE_CONTRACT_DECLARE, , )
STORE_CONTRACT_IMPORTS(STORE_CONTRACT_DECLARE, , )

#endif
