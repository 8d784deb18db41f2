"""Each threat to the sign-in of customers has tests that are named after it, and they are there."""

import ast

import pytest

from tests.guards.architecture.tree import ROOT

OAUTH, PAGES = "unit/oauth/test_buyer_sign_in.py", "unit/web/test_sign_in_pages.py"
ENDPOINTS, RECORDS = "unit/web/test_oauth_endpoints.py", "unit/database/test_oauth.py"
ISSUER, ISSUER_PAGES = "unit/oauth/test_issuer_sign_in.py", "unit/web/test_issuer_pages.py"
LIMITS, DOCUMENTS = "unit/oauth/test_limited_login.py", "unit/oauth/test_client_documents.py"
CUSTOMERS = "unit/identity/test_what_customers_may.py"
FETCHER = "unit/public_http/test_document_fetcher.py"
THREATS = {
    "a client that calls itself by another one's name asks for consent": {
        PAGES: [
            "the_page_leads_with_what_is_proven_and_quotes_what_is_not",
            "no_host_is_written_so_that_it_looks_like_another",
        ],
        OAUTH: ["a_person_is_asked_each_time_also_for_a_client_that_they_let_in_before"],
        "unit/oauth/test_clients.py": ["a_name_cannot_end_before_it_ends", "a_name_holds_nothing_that_is_not_seen"],
    },
    "a program on the person's computer says that it is another one": {
        PAGES: [
            "an_app_on_the_same_computer_is_warned_of",
            "an_app_with_links_of_its_own_is_told_by_what_is_proven_of_them",
        ]
    },
    "a session at the provider of the shop lets a stranger's client in (the confused deputy)": {
        ISSUER_PAGES: [
            "a_person_with_a_session_at_the_provider_is_led_through_to_no_stranger",
            "consent_is_no_form_of_another_site_and_no_link",
        ],
        ISSUER: [
            "nobody_goes_to_the_provider_unasked_and_nobody_comes_back_to_the_client_unasked",
            "an_answer_counts_in_the_browser_that_left_alone",
            "a_state_counts_once_whatever_came_of_it",
            "a_state_is_over_after_ten_minutes",
            "no_step_takes_the_form_of_another",
        ],
        "journeys/test_a_customer_signs_in_elsewhere.py": [
            "a_person_with_a_session_at_the_provider_is_led_through_to_no_client_without_consent_here",
            "who_follows_a_strangers_link_to_the_provider_lets_nobody_in",
        ],
    },
    "authorization servers are mixed up": {
        OAUTH: ["who_says_no_sends_the_client_away_without_being_asked_for_a_password"],
        "unit/identity/test_openid_login.py": ["an_answer_of_another_issuer_is_mixed_up_and_its_code_goes_nowhere"],
        "unit/cards/test_sign_in_documents.py": ["the_authorization_server_states_all_that_clients_look_for"],
    },
    "PKCE is left out or weakened": {
        "unit/oauth/test_authorization.py": ["each_parameter_is_taken_denied_or_shown_as_a_page"],
        ENDPOINTS: ["each_parameter_of_a_code_exchange_is_taken_or_refused_without_using_the_code_up"],
    },
    "a code is injected or comes again": {
        RECORDS: [
            "a_code_gives_tokens_once_and_its_second_use_ends_the_grant",
            "a_code_counts_only_with_all_that_it_was_issued_for_and_is_not_used_up_otherwise",
            "a_code_expires",
        ],
        "unit/database/test_oauth_states.py": ["one_success_per_code_and_one_head_per_family_in_whatever_order"],
    },
    "the server redirects wherever an attacker likes": {
        PAGES: [
            "a_client_that_nobody_knows_gets_a_page_and_no_redirect",
            "nobody_is_sent_on_unasked_for_a_client_that_anybody_could_have_made",
        ],
        "unit/oauth/test_redirects.py": [
            "what_leads_elsewhere_or_hides_where_may_not",
            "the_matcher_says_what_a_slow_one_says",
        ],
        "journeys/test_strange_fields_of_a_sign_in.py": [
            "an_authorization_request_leads_to_a_page_whatever_is_in_its_fields",
            "the_form_with_the_password_is_taken_or_told_of_whatever_is_in_its_fields",
        ],
    },
    "a person is signed in as somebody else, or in a session that somebody else began": {
        PAGES: [
            "a_form_in_another_browser_is_not_taken",
            "a_form_of_another_site_is_not_taken",
            "the_cookie_is_of_this_host_alone_and_no_script_reads_it",
            "a_form_that_no_page_of_ours_can_have_sent_is_not_read",
        ],
        OAUTH: ["a_second_factor_is_asked_for_under_a_new_cookie_and_the_password_again"],
    },
    "a page is shown in a frame of another site": {
        PAGES: ["every_page_is_private_in_no_frame_and_lets_its_form_lead_to_the_client_only"],
        "external/browser/test_sign_in.py": ["no_other_site_frames_the_page_or_sends_its_form"],
    },
    "a password is heard or kept by us": {
        OAUTH: ["no_row_ever_holds_a_password"],
        "unit/settings/test_sign_in.py": ["passwords_are_typed_over_https_or_on_the_machine_itself"],
        "contract/test_customer_login.py": ["however_a_shop_fails_neither_password_nor_token_is_logged_or_told"],
    },
    "passwords are stuffed through us": {
        LIMITS: [
            "ten_thousand_tries_reach_the_shop_eight_times_a_minute_and_a_person_still_signs_in",
            "a_thousand_addresses_guess_sixty_times_an_hour_at_one_customer",
            "one_address_tries_ten_times_whomever",
            "a_holder_of_many_ipv6_networks_is_counted_as_few",
        ],
        PAGES: ["after_the_last_try_the_sign_in_is_over"],
    },
    "one attacker keeps others from signing in": {
        LIMITS: [
            "one_stranger_locks_nobody_out",
            "many_strangers_do_not_lock_out_who_has_signed_in_from_there_before",
            "few_networks_never_use_up_the_tries_of_the_whole_shop",
        ],
        RECORDS: ["one_address_has_so_many_requests_and_none_that_is_pending_ends_for_another"],
        "journeys/test_strangers_keep_nobody_out.py": [
            "who_has_signed_in_from_home_does_so_again_whatever_strangers_try"
        ],
    },
    "a client's document leads into the private network": {
        FETCHER: [
            "what_is_not_public_is_never_connected_to",
            "the_connection_goes_to_the_address_that_was_looked_at",
            "what_is_no_small_json_document_is_refused",
            "an_answer_that_comes_drop_by_drop_ends_at_the_limit_for_the_whole",
            "a_tls_handshake_that_never_goes_on_ends_at_the_limit_for_the_whole_and_is_hung_up",
            "name_servers_that_never_answer_hold_no_thread_that_others_need",
        ],
        DOCUMENTS: [
            "addresses_ports_secrets_and_detours_are_not",
            "one_address_has_few_documents_fetched_in_a_minute",
            "no_more_than_two_are_fetched_at_once_and_the_others_are_told_to_come_again",
            "a_foreign_redirect_and_a_blocked_client_are_refused_before_anything_is_fetched",
            "a_person_waits_four_seconds_at_most_for_a_document",
        ],
        "journeys/test_a_clients_document_never_comes.py": [
            "who_finds_every_fetch_held_up_is_told_so_before_any_of_them_ends",
            "who_waits_for_a_host_that_never_answers_is_told_so_when_the_time_for_it_is_over",
        ],
    },
    "a client's document changes": {
        DOCUMENTS: [
            "a_document_is_read_again_when_it_is_no_longer_fresh",
            "an_authorization_request_and_its_tokens_need_the_document_once",
        ]
    },
    "a client's document is another one's, or holds a secret": {
        DOCUMENTS: ["a_document_of_somebody_else_with_a_secret_or_without_a_way_back_is_refused"]
    },
    "registrations come in a flood": {
        ENDPOINTS: ["one_address_registers_twenty_times_a_minute_and_nothing_of_it_is_stored"],
        "unit/oauth/test_server.py": ["a_registration_that_leads_nowhere_is_refused"],
    },
    "tokens are stolen from the database": {RECORDS: ["nothing_secret_is_readable_in_the_database"]},
    "tokens are stolen from a client": {
        RECORDS: [
            "an_access_token_lives_an_hour",
            "a_refresh_token_gives_the_same_answer_within_the_grace_and_ends_the_grant_after_it",
            "a_refresh_token_counts_only_for_whom_it_was_issued_to",
        ],
        PAGES: ["a_person_sees_who_may_act_for_them_and_ends_it"],
        "unit/oauth/test_server.py": ["a_blocked_client_is_known_no_more"],
    },
    "a token is of another store or another address": {
        "unit/oauth/test_server.py": ["a_token_counts_at_its_own_store_and_as_what_it_is"],
        "unit/web/test_customers.py": [
            "no_operators_key_and_no_foreign_token_gets_an_account",
            "no_customer_gets_an_operators_tool",
        ],
        CUSTOMERS: [
            "every_tool_answers_each_customer_as_documented",
            "no_operators_key_opens_a_tool_of_customers",
            "no_operators_route_lets_a_customer_in",
            "the_console_lets_no_customer_in",
            "a_customers_token_is_none_at_another_store",
        ],
        "journeys/test_nothing_that_signs_in_is_written_down.py": ["no_token_of_ours_ever_reaches_the_shop"],
    },
    "a guest's cart is planted on a customer": {
        "unit/phases/test_account.py": [
            "asking_for_an_order_in_a_customers_name_without_permission_is_no_guests_order",
            "a_cart_ordered_in_a_customers_name_is_theirs_from_then_on",
        ],
        "contract/test_customer_account.py": ["nothing_is_bought_with_what_waits_in_the_customers_own_cart"],
    },
    "the handle of a cart or checkout stands for its customer": {
        "unit/commerce/test_guest_carts.py": ["a_customers_cart_opens_for_nobody_else"],
        "unit/checkout/test_customer_orders.py": ["a_customers_checkout_is_found_by_nobody_else"],
        "unit/phases/test_account.py": ["an_order_of_somebody_else_is_not_found"],
        CUSTOMERS: ["a_customers_order_checkout_and_cart_are_found_by_nobody_else"],
    },
    "an agent acts when its human has left": {
        "unit/oauth/test_server.py": [
            "a_permission_ends_after_its_days_however_often_it_is_renewed",
            "a_shop_session_that_is_over_by_the_clock_ends_the_tokens",
        ],
        RECORDS: ["grants_and_their_ends_are_in_the_audit_without_the_person"],
    },
    "an injected agent reads orders": {
        "unit/phases/test_account.py": [
            "addresses_of_an_order_are_for_who_may_see_the_profile",
            "a_long_order_shows_three_of_its_lines",
        ]
    },
    "a redirect sends the password on": {PAGES: ["a_person_who_signs_in_is_sent_back_with_a_code_and_303"]},
    "secrets get into logs": {
        PAGES: ["no_secret_is_logged"],
        "unit/identity/test_redaction.py": ["what_a_customer_s_agent_holds_keeps_only_the_name_of_its_grant"],
        "journeys/test_nothing_that_signs_in_is_written_down.py": [
            "neither_passwords_nor_tokens_nor_addresses_are_in_logs_audit_traces_and_database"
        ],
    },
    "somebody finds out who is a customer": {
        PAGES: ["a_wrong_password_is_told_in_one_wording_and_never_shown_again"],
        LIMITS: ["what_lets_nobody_in_is_answered_in_whole_seconds_however_long_the_shop_took"],
        "unit/mail/test_code_mails.py": ["nobody_learns_who_is_a_customer_and_nobody_else_is_mailed"],
    },
}


@pytest.mark.parametrize("threat", THREATS)
def test_a_threat_to_the_sign_in_has_its_tests(threat: str) -> None:
    for module, names in THREATS[threat].items():
        tree = ast.parse((ROOT / "tests" / module).read_text(encoding="utf-8"))
        there = {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
        assert {f"test_{name}" for name in names} <= there, module
