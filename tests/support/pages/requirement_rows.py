"""What each safety requirement rests on: where it is kept, and the mutant that its test catches.

The tests of a requirement are found by their markers; here stands what no marker can say. Write the
table anew with `make pages`.
"""

from typing import Final, NamedTuple


class Row(NamedTuple):
    """One requirement."""

    text: str
    """[-] what is required, in short."""
    code: str
    """[-] 'file.py:symbol' that keeps it."""
    mutant: str
    """[-] the test that shows a breach is caught, or the mechanism weakened that a test notices."""


ROWS: Final[dict[str, Row]] = {
    "R1": Row(
        "no dose above the largest single dose, by any path",
        "core/dosing/limits/limits.py:headrooms",
        "trusts_the_advisor",
    ),
    "R2": Row(
        "no rolling 24 h above the largest daily dose",
        "core/dosing/limits/limits.py:headrooms",
        "test_the_mutant_that_forgets_the_basal_to_come_is_caught",
    ),
    "R3": Row(
        "above a soft limit a second word, which is recorded",
        "core/dosing/advice/confirmation.py:confirm_reasons",
        "test_the_mutant_that_never_asks_again_is_caught",
    ),
    "R4": Row(
        "limits hold over every window, at delivery",
        "core/dosing/limits/caps_twice.py:rooms_twice",
        "trusts_the_advisor",
    ),
    "R5": Row(
        "caps and unknown doses stop boluses and rates above the profile, never programmed basal",
        "core/deciders/delivery/plan_capping.py:cap_plan",
        "test_the_mutant_that_cuts_programmed_basal_is_caught",
    ),
    "R6": Row(
        "a lockout after a bolus, by its origin",
        "core/dosing/insulin_account/bolus_lockout.py:lockout_problem",
        "test_the_mutant_without_a_limit_is_caught",
    ),
    "R7": Row(
        "boluses and basal together within the pump's rate",
        "core/pump/pulse_instants.py:bolus_instants",
        "test_the_mutant_whose_bolus_waits_for_nobody_is_caught",
    ),
    "R8": Row(
        "one extended bolus at a time", "core/pump/checks.py:bolus_fault", "spreads_two_at_once"
    ),
    "R9": Row(
        "largest basal rate and bolus",
        "core/dosing/limits/limits.py:limits_problem",
        "takes_any_limits",
    ),
    "R10": Row(
        "advisor and actuator agree, the lower holds, a mismatch alarms",
        "core/deciders/delivery/pending_orders.py:is_heard_equal",
        "alarms_never",
    ),
    "R11": Row(
        "below the safe minimum no insulin is advised",
        "core/dosing/advice/advise.py:advise",
        "advises_at_any_glucose",
    ),
    "R12": Row(
        "LOW, HIGH, stale are no numbers",
        "core/dosing/advice/advise.py:advise",
        "believes_old_glucose",
    ),
    "R13": Row(
        "a correction never ignores insulin on board",
        "core/dosing/insulin_account/dose_account.py:DoseBook",
        "forgets_what_is_on_board",
    ),
    "R15": Row(
        "a dose much larger than usual is said twice",
        "core/dosing/advice/confirmation.py:confirm_reasons",
        "test_the_mutant_that_never_asks_again_is_caught",
    ),
    "R16": Row(
        "an arithmetic fault gives no number",
        "core/calc/compute.py:compute",
        "writes_nan_as_nothing",
    ),
    "R17": Row(
        "dose text parses one way", "core/formats/amounts.py:parse_units", "reads_a_dose_as_it_can"
    ),
    "R19": Row(
        "each algorithm is stated a second time",
        "core/dosing/advice/rules/registry.py:RULE_SETS",
        "sums_a_curve_wrongly",
    ),
    "R20": Row(
        "limits are computed twice",
        "core/dosing/limits/caps_twice.py:rooms_twice",
        "asks_one_sum_twice",
    ),
    "R34": Row(
        "a command is executed once, however often it comes",
        "services/runtime/decider_host/inbox.py:accept",
        "forgets_outcomes",
    ),
    "R35": Row(
        "the intent is durable before the motor moves",
        "services/virtual_pump/controller.py:PumpHost",
        "moves_before_it_writes",
    ),
    "R36": Row(
        "an unknown outcome is read from the pump's count",
        "core/deciders/delivery/pump_sync/history.py:decide_reading",
        "never_doubts",
    ),
    "R37": Row(
        "an unknown dose counts in full until settled",
        "core/dosing/insulin_account/dose_account.py:DoseBook",
        "test_the_mutant_that_adds_the_pumps_count_to_the_word_is_caught",
    ),
    "R38": Row(
        "a part delivered is counted once",
        "core/dosing/insulin_account/dose_account_events.py:fold_doses",
        "hears_everything_again",
    ),
    "R39": Row(
        "orders and advice expire",
        "core/deciders/delivery/orders.py:take_order",
        "orders_never_expire",
    ),
    "R40": Row(
        "orders out of order or of an earlier session are refused",
        "core/dosing/order_protocol/authentication.py:order_problem",
        "test_the_mutant_pump_that_believes_everybody_is_caught",
    ),
    "R41": Row(
        "data outside its bounds does no harm",
        "services/runtime/pump_link/protocol.py:FrameReader",
        "checks_no_frame",
    ),
    "R42": Row(
        "a cancel that races ends in one state",
        "core/pump/machine.py:stop_bolus",
        "never_stops_a_bolus",
    ),
    "R43": Row(
        "two controllers never both drive",
        "services/virtual_pump/controller.py:PumpHost",
        "takes_any_epoch",
    ),
    "R44": Row(
        "killed at any instruction: accounted >= given, nothing twice",
        "services/runtime/decider_host/processor.py:DeciderProcessor",
        "never_doubts",
    ),
    "R45": Row(
        "after a loss of power the truth comes before any dose",
        "core/pump/machine.py:power_on",
        "test_the_mutant_that_trusts_any_count_is_caught",
    ),
    "R46": Row(
        "a failed write is detected, registers are checked before use",
        "services/virtual_pump/controller.py:PumpHost",
        "looks_at_no_checksum",
    ),
    "R47": Row(
        "a restart goes back to what was",
        "core/pump/machine.py:power_on",
        "begins_anew_with_the_power",
    ),
    "R48": Row(
        "after a fault delivery waits for a person",
        "core/pump/physics.py:trip",
        "test_the_mutant_that_clears_for_ever_is_caught",
    ),
    "R49": Row(
        "settings survive power-off",
        "services/runtime/decider_host/unit_of_work.py:UnitOfWork",
        "reads_no_journal",
    ),
    "R51": Row(
        "a low battery is told early",
        "services/virtual_pump/fault_script.py:PumpScript",
        "knows_no_weak_battery",
    ),
    "R52": Row(
        "therapy continues when communication is lost",
        "core/models/pulses.py:stretches",
        "test_the_mutant_pump_that_stops_with_its_plan_is_caught",
    ),
    "R53": Row(
        "what happens meanwhile is told after",
        "core/deciders/delivery/pump_sync/history.py:decide_reading",
        "record_drops_basal",
    ),
    "R50": Row(
        "a disk that fills is told before it is full",
        "services/supervisor/storage_watch.py:StorageWatch",
        "test_the_mutant_that_waits_until_there_is_no_room_is_caught",
    ),
    "R54": Row(
        "a controller's rate ends by itself, a person's runs to its end",
        "core/deciders/basal/temporary_rates.py:CONTROLLER_MS_MAX",
        "trusts_controllers_for_a_day",
    ),
    "R56": Row(
        "status is shared: battery, reservoir, faults",
        "schemas/delivery/device.py:PumpStatus",
        "tells_an_old_status",
    ),
    "R57": Row(
        "glucose older than 10 min enters no bolus",
        "core/dosing/advice/advise.py:advise",
        "believes_old_glucose",
    ),
    "R58": Row(
        "gaps in sensor data are told",
        "core/deciders/glucose/alert_conditions.py:active_conditions",
        "misses_no_reading",
    ),
    "R62": Row(
        "persistent lows are alarmed",
        "core/deciders/glucose/alert_annunciation.py:advance",
        "sounds_once",
    ),
    "R64": Row(
        "the conditions to alarm about",
        "core/kernel/alarm_catalogue.py:PUMP_ALARMS",
        "knows_no_fault_by_name",
    ),
    "R65": Row("priority is looked up", "core/kernel/alarms.py:PRIORITY", "plays_a_danger_down"),
    "R66": Row(
        "each alarm states what the pump does",
        "core/kernel/alarms.py:Condition",
        "goes_on_after_a_fault",
    ),
    "R67": Row(
        "alarms stand in the order in which they came",
        "core/kernel/alarms.py:fold_alarm",
        "test_the_mutant_that_never_calls_again_is_caught",
    ),
    "R68": Row(
        "a paused alarm returns after 10 min",
        "core/kernel/alarms.py:reannounce",
        "test_the_mutant_that_never_calls_again_is_caught",
    ),
    "R69": Row(
        "the third time in 10 min delivery stays off",
        "core/deciders/delivery/pump_sync/mechanism.py:clear_fault",
        "test_the_mutant_that_clears_for_ever_is_caught",
    ),
    "R70": Row(
        "each anomaly is shown",
        "services/supervisor/screen/event_lines.py:describe",
        "shows_no_alarm",
    ),
    "R71": Row(
        "false and missed alerts are measured",
        "core/deciders/glucose/alert_conditions.py:active_conditions",
        "hears_no_end_of_a_low",
    ),
    "R72": Row(
        "an occlusion is noticed within 3 U", "core/pump/physics.py:reach", "feels_no_pressure"
    ),
    "R73": Row(
        "what a blocked line releases is bounded and counted",
        "core/pump/physics.py:clear",
        "releases_in_silence",
    ),
    "R74": Row(
        "a bolus starts only if the reservoir holds it",
        "core/pump/checks.py:bolus_fault",
        "starts_whatever_the_reservoir_holds",
    ),
    "R76": Row(
        "a forgotten suspension is reminded of",
        "core/deciders/delivery/pump_sync/mechanism.py:remind",
        "never_reminds",
    ),
    "R78": Row(
        "a self-test before any stroke",
        "services/virtual_pump/controller.py:PumpHost",
        "skips_the_self_test",
    ),
    "R79": Row(
        "a self-test every 30 s",
        "services/virtual_pump/server.py:SELF_TEST_MS",
        "skips_the_self_test",
    ),
    "R80": Row(
        "memory is tested again and again",
        "services/virtual_pump/controller.py:PumpHost",
        "looks_at_no_checksum",
    ),
    "R81": Row(
        "a second pair of eyes can cut the motor",
        "core/pump/supervision.py:is_too_much",
        "test_the_second_look_stops_a_machine_that_moves_twice",
    ),
    "R82": Row(
        "a watchdog that is not fed ends the pump",
        "services/virtual_pump/watchdog.py:Watchdog",
        "never_bites",
    ),
    "R83": Row(
        "motion without command, command without motion",
        "core/pump/supervision.py:most_at_once",
        "test_the_mutant_that_looks_at_no_order_is_caught",
    ),
    "R91": Row(
        "commands and what came of them stand in one record",
        "services/runtime/decider_host/inbox_results.py:Observed",
        "test_the_mutant_that_keeps_them_by_their_bare_name_is_caught",
    ),
    "R93": Row(
        "a change obscures nothing earlier",
        "core/deciders/bolus/corrections.py:correct_dose",
        "test_a_mutant_of_the_corrections_is_caught",
    ),
    "R94": Row(
        "altered records are discernible",
        "services/runtime/audit/record_check.py:RecordCheck",
        "test_the_mutant_that_takes_every_root_for_right_is_caught",
    ),
    "R95": Row(
        "steps come in the order that there is",
        "core/record/dose_lifecycle.py:lives_of",
        "test_the_mutant_that_hears_everything_again_is_caught",
    ),
    "R96": Row(
        "records can be handed over whole",
        "services/runtime/audit/archive.py:archive_of",
        "test_the_mutant_that_compares_no_root_is_caught",
    ),
    "R97": Row(
        "a replay gives the same, to the bit",
        "services/runtime/audit/redecide.py:verify_decisions",
        "test_a_rule_that_changes_is_caught",
    ),
    "R98": Row(
        "packets may be altered, dropped, replayed",
        "core/dosing/order_protocol/authentication.py:order_problem",
        "test_the_mutant_pump_that_believes_everybody_is_caught",
    ),
    "R99": Row(
        "orders are authentic on the device",
        "core/pump/order_intake.py:start_signed",
        "test_the_mutant_pump_that_believes_everybody_is_caught",
    ),
    "R100": Row(
        "replays give nothing",
        "core/pump/order_intake.py:start_signed",
        "test_the_mutant_pump_that_believes_everybody_is_caught",
    ),
    "R102": Row(
        "a checksum is no security",
        "services/runtime/pump_link/protocol.py:FrameReader",
        "test_the_mutant_pump_that_believes_everybody_is_caught",
    ),
    "R103": Row(
        "no default or shared secrets",
        "services/runtime/platform/signing_keys.py:make_key",
        "makes_the_makers_key",
    ),
    "R104": Row(
        "least privilege",
        "services/supervisor/broker/permissions.py:permissions",
        "lets_everybody_speak",
    ),
    "R107": Row(
        "keys come by no network",
        "services/virtual_pump/__main__.py:main",
        "takes_the_key_that_comes_along",
    ),
    "R108": Row(
        "refused orders are recorded and timed",
        "schemas/delivery/unresolved_doses.py:OrderAuthenticationFailed",
        "test_the_mutant_that_believes_everybody_is_caught",
    ),
    "R110": Row(
        "refuse, keep basal, alarm after three",
        "core/deciders/delivery/events/doses.py:NOT_BELIEVED_MAX",
        "test_the_mutant_that_hears_no_refusal_is_caught",
    ),
}
"""[-] by requirement."""
