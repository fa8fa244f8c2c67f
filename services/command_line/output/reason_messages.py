"""Every reason code of the vocabulary as a sentence that a person understands."""

from typing import Final

OF_ANY: Final[dict[str, str]] = {
    "already_acknowledged": "somebody has acknowledged this alarm already",
    "already_executed": "the pump has given this very dose already, and gives no dose twice",
    "already_suspended": "delivery is suspended already",
    "already_used": "this advice was accepted before; ask for a new one",
    "ancient": "it was measured more than 24 h before therapy time",
    "advice_changed": "glucose has moved the advice by more than 0.1 U since; look at the new one",
    "advice_withdrawn": "with what is known now there would be no advice",
    "bolus_running": "a bolus is being given; wait for its end or cancel it",
    "carbs_out_of_range": "carbohydrate must be 0 to 300 g",
    "carbs_since": "carbohydrate was recorded after the advice; ask for a new one",
    "above_basal_limit": (
        "that is the largest basal rate of 'basalt limits'; basal goes on as before"
    ),
    "above_pump_maximum": "that is all that the pump model gives; basal goes on as before",
    "below_pump_minimum": "the pump model gives nothing below it; basal goes on as before",
    "above_daily_limit": "that is the limit for all insulin in any 24 h; basal goes on as before",
    "above_calendar_day_limit": (
        "that is the limit for all insulin of such a day; basal goes on as before"
    ),
    "above_four_hour_limit": (
        "that is the limit for all insulin in any 4 h; basal goes on as before"
    ),
    "four_hour_limit": "it would exceed the limit for all insulin in any 4 h",
    "daily_limit": "it would exceed the limit for all insulin in any 24 h",
    "calendar_day_limit": "it would exceed the limit for all insulin from midnight to midnight",
    "on_board_limit": "it would exceed the limit for bolus insulin on board",
    "clock_doubtful": "the clock was set back: look at it, then acknowledge the alarm about it",
    "combined_limit": "with the basal rate it would be faster than the pump's motor",
    "lockout": "a bolus ordered so must wait longer for the one before it; see 'basalt limits'",
    "dose_since": "a dose was ordered after the advice; ask for a new one",
    "doubled": "another path brought a sensor reading of the same 20 s before",
    "duplicate": "the same reading was taken before",
    "voided": "it was voided before: somebody said that it was wrong",
    "reading_voided": "a reading was voided after the advice; ask for a new one",
    "no_such_reading": "no reading of that id counts; 'basalt history events' lists them",
    "already_voided": "it was voided before",
    "no_such_dose": "no insulin by pen of that id was recorded in the last 24 h",
    "counted_by_pump": "what the pump counted stands; record what came beyond it by 'basalt pen'",
    "no_such_carbs": "no carbohydrate of that id was recorded in the last 10 h",
    "nothing_changed": "it counts so already",
    "days_wrong": "a week has seven names of profiles, Monday first",
    "expired": "it came too late and is not obeyed any more; ask again",
    "future": "it claims a time more than 5 min ahead of therapy time",
    "glucose_below_safe_minimum": "glucose is below the safe minimum; eat, no insulin is advised",
    "glucose_high_mark": "the device shows HIGH, which is not a number; measure with a meter",
    "glucose_implausible": "the newest reading is implausible; measure again",
    "glucose_low_mark": "the device shows LOW; eat first, no insulin is advised",
    "history_missing": "a part of the record is missing; no bolus until it is settled",
    "hourly_limit": "it would exceed the limit for boluses in any 60 min",
    "implausible": "it is outside 10 to 600 mg/dL; check the number and its unit (--mmol?)",
    "limits_disagree": "two computations of a limit differ; nothing is given until it is mended",
    "no_bolus_runs": "no bolus is being given",
    "no_limits": "no delivery limits are set; set them with 'basalt limits'",
    "no_profile": "no basal profile is set; set one with 'basalt profile FILE'",
    "no_settings": "no bolus settings are set; set them with 'basalt settings FILE'",
    "no_such_profile": "no profile of that name was set or kept; 'basalt profile FILE --keep'",
    "no_such_advice": "there is no such advice, or it is long past",
    "none_runs": "no temporary rate runs",
    "not_a_number": "it is neither a number nor LOW nor HIGH",
    "not_active": "no such alarm is active",
    "not_for_me": "the service asked does not obey this command",
    "not_suspended": "delivery is not suspended",
    "not_supported": "the service asked cannot do this now",
    "not_whole_pulses": "the pump gives whole pulses of 0.05 U only",
    "nothing_to_give": "the advice was to give nothing",
    "one_of_percent_and_rate": "give either a percentage or a rate, not both",
    "no_answer": "the pump did not answer; look at it before you ask again",
    "pump_refused": "the pump itself refused",
    "pump_not_heard": "the pump has not been heard since the start; nothing can be ordered yet",
    "not_authentic": "nobody with a key of the pump answers for this order",
    "withdrawn": "nobody signed the order; nothing was given, order anew if it is still wanted",
    "no_key": "the advisor runs without a key to sign orders with",
    "advisor_restarted": "the advisor ended before it had signed",
    "no_such_order": "no order of that name waits for a signature",
    "unknown_key": "it was signed with a key that the pump does not know",
    "bad_signature": "the signature does not fit the order",
    "wrong_pump": "the order is for another pump",
    "unproven": "a frame on the pump's line did not prove who sent it",
    "wrong_proof": "a frame on the pump's line was proven with a key that is not the pump's",
    "repeated_frame": "a frame on the pump's line was sent a second time",
    "stale_challenge": "the order is for an earlier session of the pump",
    "out_of_order": "the pump has executed a later order",
    "pump_model_kind": "the pump model takes no temporary rate of this kind",
    "pump_model_setting": "the pump model takes no temporary rate of this size",
    "pump_model_duration": "the pump model takes no temporary rate for so long",
    "order_expired": "by the pump's own time the order comes too late",
    "pump_unreachable": "the pump does not answer",
    "rate_out_of_range": "a rate is outside 0 to 35 U/h",
    "reservoir": "the reservoir holds less than that",
    "segments_wrong": "a profile has 1 to 48 segments, sorted by start, the first at 00:00",
    "settings_since": "settings or limits were changed after the advice; ask for a new one",
    "single_limit": "it is more than the limit for one bolus",
    "superseded": "another controller drives the pump; 'basalt pump take' takes it back",
    "time_is_proven": "all time is proven; there is nothing to say about it",
    "not_superseded": "no other controller drives the pump",
    "suspended": "delivery is suspended; resume it first",
    "time_out_of_range": "carbohydrate counts from 12 h before to 1 h after therapy time",
    "too_many_profiles": "32 profiles are kept already; set one of a name that is kept",
    "trend_not_counted": "where glucose leads is not counted",
    "carbs_not_counted": "carbohydrate eaten before is not known here, and not counted",
    "record_younger_than_insulin": (
        "the record is younger than insulin acts: what was given before it is not known"
    ),
    "basal_not_counted": "insulin on board is of boluses alone; AndroidAPS would count basal too",
    "below_55": "below 55 mg/dL Loop gives no bolus",
    "below_70": "below 70 mg/dL the carbohydrate alone is covered, less the correction",
    "below_minimum_for_calculations": "glucose is below the vendor's minimum for calculations",
    "between_70_and_target": "glucose is between 70 mg/dL and the target; insulin on board counts",
    "carbs_needed": "insulin on board is more than is needed; carbohydrate may be needed",
    "clamped_to_pump_maximum": "cut to the largest bolus of the pump",
    "eat_later_offered": "glucose is above 180 mg/dL; insulin now and eating later may be better",
    "glucose_low": "glucose is below 70 mg/dL; take care",
    "negative_insulin_on_board_added": "less basal than scheduled has flowed, which adds insulin",
    "negative_insulin_on_board_left_out": "insulin on board is negative and adds nothing",
    "terms_switched_off": "terms that are switched off do not count",
    "never_rounded_up": "the vendor rounds to the nearest step; here nothing is rounded up",
    "no_local_time": "the settings differ by the hour and their time zone is not known",
    "not_above_correct_above": "glucose is not above the threshold of a correction",
    "percent_applied": "a percentage was applied",
    "preset": "a preset amount; nothing was computed",
    "pump_maximum": "it is more than the largest bolus of the pump model",
    "pump_step": "the pump model does not give this amount; its steps are coarser",
    "time_unproven": "insulin counts as if time that only the clock says passed had not",
    "reverse_correction": "glucose below the target takes from the meal",
    "rules_unverified": "the vendor's own text does not confirm every case of this rule set",
    "running_dose_counted": "what a running bolus still has to give is counted in full",
    "concentration_not_supported": "U-100 is the only insulin that this pump may be filled with",
    "duration_out_of_range": (
        "the pump does not spread a bolus so: over this time, or with more than 99 % of it at once"
    ),
    "extended_running": "an extended bolus is being given; wait for its end or cancel it",
    "no_such_preset": "no amount is kept by that name; 'basalt preset' lists them",
    "too_many_presets": "16 presets are kept already; forget one with 'basalt preset NAME off'",
    "unknown_rules": "there is no such rule set; 'basalt calc bolus' knows them",
    "vendor_gives_no_advice": "the vendor's rules give no advice here",
    "lookup_running": "another change waits for its time zone; ask again in a moment",
    "unknown_zone": "there is no such time zone; names look like Europe/Berlin",
    "confirmation_needed": "it must be said a second time, with --confirm",
    "glucose_below_70": "glucose is below 70 mg/dL",
    "below_safe_minimum": "glucose is below the safe minimum that is set",
    "above_soft_limit": "it is more than the soft limit for one bolus",
    "changed_fivefold": "it is at least five times what was advised",
    "much_larger_than_recent": "it is more than twice the largest of the last boluses",
    "run_of_large_doses": "it is one more in a run of boluses well above what was usual",
    "pump_doubted": (
        "pump and record contradict each other; look at the pump, then 'basalt count accept'"
    ),
    "not_doubted": "pump and record agree; there is nothing to accept",
    "count_went_back": "the pump's count lies before what was accounted of it",
    "record_behind": "the record lies behind what the pump has given",
    "history_hole": "a number is missing in the pump's own history",
    "controller_too_long": "a controller's rate lasts 30 min at most, so that none outlives it",
    "no_fault": "the pump has no fault that could be cleared",
    "repeated_fault": "it came back three times in 10 min; change the set, and wait",
    "off": "the pump was off",
    "fault": "the pump had stopped its motor",
    "not_unknown": "no dose of that name is unknown",
    # Why something ended.
    "cancelled": "somebody cancelled it",
    "power_lost": "the pump lost its power",
    "reservoir_empty": "the reservoir is empty",
    "stopped_by_pump": "the pump stopped it",
    "occlusion": "the line to the body is blocked",
    "pump_fault": "the pump has a fault; its motor is off until somebody clears it",
    # What shaped an advice.
    "no_glucose": "there is no glucose reading",
    "glucose_stale": "the newest glucose is older than 10 min and was not used",
    "carbs_only": "without glucose the advice covers the carbohydrate only, no correction",
    "glucose_noisy": "the sensor's numbers jump about; measure with a meter",
    "glucose_flat": "the sensor's numbers have stood still; measure with a meter",
    "below_target": "glucose is below target",
    "negative_correction": "the correction lowers the advice",
    "insulin_on_board_subtracted": "bolus insulin on board was subtracted from the correction",
    "unknown_dose_counted": "a dose of unknown outcome was counted as given in full",
    "rounded_down": "rounded down to whole pulses of 0.05 U",
    "clamped_to_single_limit": "cut to the limit for one bolus",
    "clamped_to_hourly_limit": "cut to what the hourly limit leaves",
    "clamped_to_four_hour_limit": "cut to what the limit for 4 h leaves",
    "clamped_to_daily_limit": "cut to what the daily limit leaves",
    "clamped_to_calendar_day_limit": "cut to what the limit from midnight to midnight leaves",
    "clamped_to_on_board_limit": "cut to what the limit for insulin on board leaves",
    "clamped_to_combined_limit": "cut to what the pump's motor can give beside basal",
    "nothing_needed": "no insulin is needed",
    # What an unknown dose came to.
    "running": "the pump is giving it",
    "matched": "the pump gave it in full",
    "partial": "the pump gave a part of it",
    "failed": "the pump gave none of it",
    "blocked": "the line to the body was blocked",
    "spontaneous": "the pump gave it though nobody here had ordered it",
    # What went wrong around a process.
    "checkpoint_unwritable": "a checkpoint of the record could not be written; the record goes on",
    "heard_by_others": "events that others had heard are nowhere now; the record goes on without",
    "record_altered": "the record is not what was signed or published; see 'basalt verify record'",
    "checkpoints_missing": "signed checkpoints of the record are gone; it goes on, signed anew",
    "journal_altered": "a line of a journal is not what was written; nothing is handed on from it",
    "stream_replaced": "the broker's stream was made anew",
    "stream_behind": "the broker's stream ends before what was heard of it",
    "bus_error": "the broker reported an error",
    "clock_went_back": "the clock went back",
}
"""[-] code to sentence, where one sentence fits every message that has the code."""

OF_ONE: Final[dict[tuple[str, str], str]] = {
    ("acceptance_refused.v1", "expired"): "the advice has expired; ask for a new one",
    ("bolus_preset_refused.v1", "out_of_range"): (
        "a preset has a name of 1 to 64 characters and 0.05 to 25 U"
    ),
    ("bolus_refused.v1", "expired"): "it could not be started in time, and is never started late",
    ("delivery_limits_refused.v1", "pump_cannot_give_profile"): (
        "the pump model cannot give a rate of the profile in force"
    ),
    ("delivery_limits_refused.v1", "profile_above_limit"): (
        "the limits stay as they were and basal flows on; set a lower profile first"
    ),
    ("bolus_settings_refused.v1", "out_of_range"): "a setting is out of range",
    ("bolus_settings_refused.v1", "segments_wrong"): (
        "a schedule has 1 to 48 segments, sorted by start, the first at 00:00"
    ),
    ("delivery_command_refused.v1", "duration_out_of_range"): (
        "a suspension that ends by itself lasts 1 min to 24 h"
    ),
    ("voiding_refused.v1", "too_old"): (
        "a reading can be voided for 24 h, of the newest 300 at least"
    ),
    ("dose_correction_refused.v1", "too_old"): "it can be corrected for 24 h after it was given",
    ("dose_correction_refused.v1", "out_of_range"): "insulin by pen is 0 to 100 U",
    ("dose_correction_refused.v1", "time_out_of_range"): (
        "it counts from 24 h before therapy time, and not ahead of it"
    ),
    ("carbs_correction_refused.v1", "too_old"): (
        "it can be corrected for 10 h after it was eaten; then it is absorbed"
    ),
    ("carbs_correction_refused.v1", "out_of_range"): "carbohydrate is 0 to 300 g",
    ("carbs_correction_refused.v1", "time_out_of_range"): (
        "carbohydrate counts from 12 h before therapy time to 1 h ahead of it"
    ),
    ("injection_refused.v1", "out_of_range"): "an injection is more than 0, up to 100 U",
    ("injection_refused.v1", "time_out_of_range"): (
        "an injection counts from 24 h before therapy time, and not ahead of it"
    ),
    ("carbs_refused.v1", "out_of_range"): "carbohydrate must be 1 to 300 g",
    (
        "delivery_command_refused.v1",
        "out_of_range",
    ): ("a reservoir holds more than 0, up to what the pump model in force holds, 300 U at most"),
    ("delivery_limits_refused.v1", "out_of_range"): "a limit is out of range",
    ("glucose_alerts_refused.v1", "out_of_range"): (
        "outside what 'basalt alerts --help' states, or not on its side of the other threshold"
    ),
    ("mechanism_refused.v1", "not_suspended"): (
        "tube and cannula are filled while the pump stands; suspend it first"
    ),
    ("mechanism_refused.v1", "out_of_range"): "a prime is 0.05 to 30 U",
    ("mechanism_refused.v1", "hourly_prime_limit"): (
        "while the pump may be on the body, and for a cannula always, primes of any 60 min are 5 U "
        "at most and no more than the hourly limit; take the pump off and say 'basalt disconnect' "
        "to fill a tube"
    ),
    ("settlement_refused.v1", "out_of_range"): (
        "a dose comes to what was counted of it at least, and to what was ordered at most"
    ),
    ("order_refused.v1", "out_of_range"): "a bolus must be more than 0 U",
    ("temporary_rate_refused.v1", "out_of_range"): (
        "a temporary rate is 0 to 250 % or 0 to 35 U/h, for 15 min to 24 h in whole minutes"
    ),
}
"""[-] (tag, code) to sentence, where the message makes a difference."""


def in_words(reason: str, *, tag: str = "") -> str:
    """Give the sentence of a reason code; a text that is no code is given back as it stands.

    Args:
        reason: code, or words that a device or the runtime gave.
        tag: of the message that has it, for codes that mean several things.
    """
    return OF_ONE.get((tag, reason)) or OF_ANY.get(reason) or reason.replace("_", " ")
