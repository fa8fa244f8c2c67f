"""What the requirements R115 to R136 rest on, which attacks on the running system brought up."""

from typing import Final

from support.pages.requirement_rows import Row

ROWS_OF_ATTACKS: Final[dict[str, Row]] = {
    "R115": Row(
        "every frame that changes the pump is authenticated and fresh; refusals are remembered",
        "services/runtime/pump_link/line_proof.py:LineProof",
        "test_the_mutant_that_asks_no_proof_is_caught",
    ),
    "R116": Row(
        "a controller that lost the pump reads and accounts on; a person takes it back",
        "core/deciders/delivery/poll_rules.py:is_foreign",
        "test_the_mutant_that_claims_over_any_epoch_is_caught",
    ),
    "R117": Row(
        "what nobody asked of the pump is alarmed; the pump holds a maximum basal rate",
        "core/deciders/delivery/pump_sync/unasked_acts.py:add_unasked",
        "test_the_mutant_that_looks_at_boluses_alone_is_caught",
    ),
    "R118": Row(
        "basal above a limit is refused as it is set, and alarmed where it flows",
        "core/dosing/basal_programme/fit.py:misfits_of",
        "test_the_mutant_that_holds_nothing_against_a_limit_is_caught",
    ),
    "R119": Row(
        "any message may be undecodable, and prevents no start",
        "services/runtime/journal/event_ids.py:is_own_event",
        "test_the_mutant_that_takes_them_for_its_own_word_does_not_start",
    ),
    "R120": Row(
        "therapy time starts no earlier than anybody has seen; one lost clock file changes nothing",
        "services/supervisor/processes/clock_keeper.py:resumed",
        "test_the_mutant_that_asks_no_journal_is_caught",
    ),
    "R121": Row(
        "what stands under no checkpoint is said",
        "services/runtime/audit/whole_check.py:check_record",
        "test_the_mutant_that_signs_no_lines_is_caught",
    ),
    "R129": Row(
        "a clock that was wrong at a restart opens no cap and takes no insulin off board",
        "core/dosing/insulin_account/unproven_time.py:counted",
        "test_the_mutant_that_believes_any_clock_is_caught",
    ),
    "R130": Row(
        "archives are signed to their end",
        "services/runtime/audit/archive.py:verify_archive",
        "test_the_mutant_that_believes_any_text_is_caught",
    ),
    "R131": Row(
        "a start folds what came after a snapshot; a long record is read for as long as it takes",
        "services/runtime/decider_host/state_snapshot.py:unpacked",
        "test_the_mutant_that_asks_no_line_is_caught",
    ),
    "R133": Row(
        "each store bears a format number; newer ones are refused by name, older ones upgraded",
        "services/runtime/store_formats/stamp.py:known_number",
        "test_the_mutant_that_takes_any_number_is_caught",
    ),
    "R134": Row(
        "priming is bounded unless the pump is off the body",
        "core/deciders/delivery/pump_sync/mechanism.py:prime_room",
        "test_the_mutant_that_primes_without_a_bound_is_caught",
    ),
    "R136": Row(
        "nobody makes the broker speak in another's name",
        "services/supervisor/broker/config.py:broker_config",
        "test_the_mutant_with_one_account_for_all_is_caught",
    ),
}
"""[-] by requirement."""
