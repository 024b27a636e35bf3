//! Every scenario, for whoever runs them over a store.

/// Gives all scenarios to a macro.
macro_rules! for_each_scenario {
    ($run:ident) => {
        $run! {
            profiles:
                cm_w7_w8_an_address_is_enough_and_is_one_persons_alone,
                cm_w5_a_profile_is_changed_by_a_merge_patch,
                others_see_what_everybody_may,
                who_is_put_aside_keeps_everything_and_who_is_erased_nothing,
                bb_w35_people_are_found_and_every_character_means_itself,
            ;
            connections:
                cm_w2_w6_w11_w12_connections_are_made_once_and_between_two_who_are_there,
                cm_w1_w3_w4_pages_are_whole_by_cursor_and_by_offset,
                bb_w20_a_page_is_that_page_whatever_was_asked_before,
                mutual_contacts_are_those_of_both,
            ;
            requests:
                bb_13_to_17_a_request_is_sent_answered_taken_back,
                bb_w25_requests_that_cross_are_a_connection_and_no_answer_counts_twice,
                who_is_blocked_learns_nothing_of_it,
                requests_are_listed_with_their_time,
            ;
            suggestions:
                bb_w30_suggestions_are_ranked_give_a_reason_and_can_be_dismissed,
                cm_9_to_11_cm_w10_recommendations_are_added_listed_and_withdrawn,
            ;
            teams:
                a_team_is_made_changed_and_deleted_by_its_owners,
                teams_are_listed_by_pages_and_found_by_slug,
                a_service_is_owned_by_people_and_teams,
                a_file_is_imported_and_the_same_again_changes_nothing,
                who_works_on_the_same_service_is_suggested,
            ;
            batch:
                cm_w9_many_are_connected_by_a_job_that_tells_of_each,
                the_same_key_is_the_same_job,
                a_batch_that_is_stopped_keeps_what_is_done,
                a_batch_goes_on_after_its_process_was_killed,
            ;
        }
    };
}
