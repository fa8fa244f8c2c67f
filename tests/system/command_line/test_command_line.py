"""The `basalt` command against the real system: each command as a new user would type it."""

import json
import pathlib
import re
from collections.abc import Iterator

import pytest

from schemas.units import UtcMillis
from services.command_line.grammar.value_types import instant
from services.command_line.journals import journal, kept_journal
from services.command_line.output.event_messages import moment
from services.runtime.platform.data_folder import DataFolder
from support.real.patience import until
from support.real.typed_system import Said, TypedSystem, typed_system

pytestmark = pytest.mark.system

LOOKS_MAX = 200
"""[-] commands until a bolus is over; a bolus takes three seconds and each look a third of one."""

LIMITS = ("--single", "10", "--hourly", "15", "--daily", "60", "--basal", "3")


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TypedSystem]:
    folder = tmp_path_factory.mktemp("system")
    with typed_system(folder / "data") as running:
        _set_up(running, folder)
        yield running


def _set_up(system: TypedSystem, folder: pathlib.Path) -> None:
    profile = {"name": "test", "zone": "Europe/Berlin", "segments": [{"start": "00:00", "rate": 1}]}
    settings = {
        "carb_ratio": 10,
        "unit": "mg/dL",
        "sensitivity": 40,
        "target_low": 90,
        "target_high": 120,
        "insulin": {"duration": "6h", "peak": "75m", "delay": "10m"},
    }
    for name, content in (("profile", profile), ("settings", settings)):
        path = folder / f"{name}.json"
        path.write_text(json.dumps(content))
        said = system.basalt(name, str(path))
        assert (0, "") == (said.code, said.err)
    said = system.basalt("limits", *LIMITS)
    assert (0, "") == (said.code, said.err)


def _therapy(system: TypedSystem) -> str:
    return str(system.json("status")["therapy"])


def _given(system: TypedSystem) -> int:
    """Count the insulin given by boluses [mU] once the last one is over."""
    for _ in range(LOOKS_MAX):
        seen = system.json("replay")["actuator"]
        if seen["last_dose"] is None or seen["last_dose"]["state"] not in ("started", "running"):
            return int(seen["bolus_total"])
    raise AssertionError("the bolus does not end")


def test_a_pump_that_nobody_wears_takes_nothing(system: TypedSystem) -> None:
    """A slip of the pen would open a record that nobody ever looks into again."""
    said = system.basalt("--pump", "nobody", "glucose", "100")

    assert 2 == said.code
    assert "" == said.out
    assert "no pump 'nobody' runs here, only demo" in said.err
    assert 1 == said.err.count("\n")


def test_status_shows_every_service_and_its_lag(system: TypedSystem) -> None:
    """Who runs a pump must see at a glance what does not run."""
    found = system.json("status")

    assert ["ready"] * 5 == [one["state"] for one in found["services"]]
    assert all(isinstance(one["lag"], int) for one in found["services"])
    assert found["stream"]["state"]["messages"] > 0
    assert 0 == system.basalt("status").code


def test_a_reading_is_taken_in_either_unit_and_refused_with_its_reason(system: TypedSystem) -> None:
    """5.6 taken for mg/dL is a coma, and 100 taken for mmol/L is a bolus for nobody."""
    taken = system.basalt("glucose", "150")
    in_mmol = system.basalt("glucose", "5.6", "--mmol", "--sensor")
    wrong = system.basalt("glucose", "5.6")
    early = system.basalt("glucose", "150", "--at", "2000-01-02T00:00:00Z")

    assert (0, True) == (taken.code, taken.out.startswith("glucose 150 mg/dL"))
    assert "glucose 101 mg/dL (5.6 mmol/L)" in in_mmol.out
    assert (1, True) == (wrong.code, "outside 10 to 600 mg/dL" in wrong.err)
    assert (1, True) == (early.code, "more than 24 h before" in early.err)


def test_an_alarm_is_listed_acknowledged_once_and_ends_with_its_cause(system: TypedSystem) -> None:
    """An alarm that cannot be silenced is switched off for good."""
    system.basalt("glucose", "60")

    listed = system.basalt("alarms")
    seen = system.basalt("alarms", "ack", "glucose_low")
    again = system.basalt("alarms", "ack", "glucose_low")
    over = system.basalt("glucose", "120", "--sensor")
    gone = system.basalt("alarms", "ack", "glucose_low")

    assert "glucose_low  (medium, person, glucose_ingest" in listed.out
    assert (0, 1) == (seen.code, again.code)
    assert "somebody has acknowledged" in again.err
    assert "alarm over: glucose low" in over.out
    assert (1, True) == (gone.code, "no alarm 'glucose_low' is active" in gone.err)


def _accepted(system: TypedSystem) -> tuple[Said, str, Said]:
    """Accept an advice; where its order came too late on a busy machine, ask for another."""
    for _ in range(LOOKS_MAX):
        advice = system.basalt("advise", "--carbs", "10")
        found = re.search(r"basalt accept (\S+)", advice.out)
        assert found, advice
        accepted = system.basalt("accept", found[1])
        is_late = "too late" in accepted.err or "in time" in accepted.err
        if accepted.code == 0 or not is_late:
            return advice, found[1], accepted
    raise AssertionError("every order came too late")


def test_advice_is_shown_term_by_term_accepted_once_and_given(system: TypedSystem) -> None:
    """The way of every meal."""
    system.basalt("glucose", "180")
    nobody = system.basalt("accept")
    advice, named, accepted = _accepted(system)
    again = system.basalt("accept", named)
    none = system.basalt("accept", "bolus_advisor:demo:99999")

    assert "food" in advice.out and "glucose 180 mg/dL" in advice.out
    assert (2, True) == (nobody.code, "nobody is there to ask" in nobody.err)
    assert (0, True) == (
        accepted.code,
        re.search(r"the pump (is giving|has given) it", accepted.out) is not None,
    )
    assert (1, True) == (again.code, "accepted before" in again.err)
    assert (1, True) == (none.code, "no such advice" in none.err)


def test_an_own_amount_is_given_within_the_limits_and_can_be_cancelled(system: TypedSystem) -> None:
    """What was given when it was stopped is what counts."""
    before = _given(system)

    ordered = system.basalt("bolus", "10", "--over", "2h")
    assert until(lambda: before < _given(system)), "the first pulse is counted"
    cancelled = system.basalt("cancel")
    nothing = system.basalt("cancel")
    too_much = system.basalt("bolus", "10.05")
    no_pulse = system.basalt("bolus", "1.03")

    assert (0, 0) == (ordered.code, cancelled.code)
    assert re.search(r"the bolus is stopped, [0-9.]+ U of 10 U counted", cancelled.out)
    assert (1, True) == (nothing.code, "no bolus is being given" in nothing.err)
    assert (1, True) == (too_much.code, "limit for one bolus" in too_much.err)
    assert (1, True) == (no_pulse.code, "whole pulses" in no_pulse.err)
    assert before < system.json("replay")["actuator"]["bolus_total"] <= before + 10_000


def test_a_temporary_rate_runs_and_ends(system: TypedSystem) -> None:
    """Sport and fever are met with the basal rate."""
    started = system.basalt("temp", "50%", "4h")
    instead = system.basalt("temp", "0.5U/h", "2h")
    ended = system.basalt("temp", "off")
    none = system.basalt("temp", "off")
    too_short = system.basalt("temp", "50%", "10m")

    assert (0, True) == (started.code, "temporary rate 50 % of the profile" in started.out)
    assert "another temporary rate took its place" in instead.out
    assert (0, 1, 1) == (ended.code, none.code, too_short.code)
    assert "15 min to 24 h" in too_short.err


def test_suspension_is_waited_for_and_refuses_boluses(system: TypedSystem) -> None:
    """'Suspended' said too early is insulin that still flows."""
    stood = system.basalt("suspend")
    refused = system.basalt("bolus", "1")
    again = system.basalt("suspend")
    resumed = system.basalt("resume")

    assert (0, True) == (stood.code, "the pump stands" in stood.out)
    assert (1, True) == (refused.code, "delivery is suspended" in refused.err)
    assert 1 == again.code
    assert (0, True) == (resumed.code, "the pump delivers again" in resumed.out)


def test_a_reservoir_is_filled_and_too_large_a_one_refused(system: TypedSystem) -> None:
    """The count of what is left begins with what a person types."""
    filled = system.basalt("fill", "250")
    refused = system.basalt("fill", "301")

    assert (0, True) == (filled.code, "the pump counts down from 250 U" in filled.out)
    assert 1 == refused.code
    assert "300 U" in refused.err


def test_settings_are_shown_as_files_that_can_be_set_again(
    system: TypedSystem, tmp_path: pathlib.Path
) -> None:
    """What is in force must be seen without asking a developer."""
    for name in ("profile", "settings", "limits"):
        shown = system.basalt(name, "show")
        path = tmp_path / f"{name}.json"
        path.write_text(shown.out)

        assert 0 == shown.code, shown.err
        assert 0 == system.basalt(name, str(path)).code


def test_a_file_of_readings_is_sent_once_and_each_fault_reported(
    system: TypedSystem, tmp_path: pathlib.Path
) -> None:
    """A reading doubled is a rise that never was."""
    now_ms = instant(_therapy(system))
    # All of them before this system ran, where no sensor reading of another test is beside them.
    lines = [f"{moment(UtcMillis(now_ms - i * 300_000))},{100 + i}" for i in range(130, 91, -1)]
    faulty = ["no reading", f"{moment(UtcMillis(now_ms - 60_000))},1e2"]
    future = f"{moment(UtcMillis(now_ms + 200 * 86_400_000))},100"
    path = tmp_path / "readings.csv"
    path.write_text("\n".join(["time,mg/dL", *lines, *faulty, future]))
    before = system.json("replay")["glucose_ingest"]["readings"]

    tried = system.json("ingest", str(path), "--dry-run")
    first = system.basalt("ingest", str(path))
    second = system.json("ingest", str(path))

    assert (40, 2, 0) == (tried["readings"], tried["bad_lines"], tried["taken"])
    assert (1, 2) == (first.code, first.err.count("readings.csv:"))
    assert "39 taken, 1 refused, 2 bad lines" in first.out
    assert "1 refused: it claims a time more than 5 min ahead" in first.out
    assert (39, {"future": 1}) == (second["taken"], second["refused"])
    assert before + 39 == system.json("replay")["glucose_ingest"]["readings"]


def test_replay_equals_the_state_of_each_service(system: TypedSystem) -> None:
    """The record is the pump's history, or it is nothing."""
    system.basalt("suspend")
    live = system.json("status")["delivery"]

    replayed = system.json("replay")
    earlier = system.json("replay", "--at", "2000-01-02T00:00:00Z")
    system.basalt("resume")

    assert live == replayed["actuator"]
    assert live["suspended"] is True
    assert 0 == earlier["actuator"]["odometer"]


def test_every_decision_can_be_made_again(system: TypedSystem) -> None:
    """A decision that cannot be repeated cannot be explained."""
    orders = system.basalt("verify", "orders")
    wrong = system.basalt("verify", "orders", "--service", "actuator")
    assert (0, "", 2) == (orders.code, orders.err, wrong.code)
    assert "delivered" in orders.out
    verified = system.basalt("verify", "decisions")
    one = system.json("verify", "decisions", "--service", "actuator")

    assert (0, "") == (verified.code, verified.err)
    assert ["actuator"] == list(one)
    assert one["actuator"]["decisions"] > 0 and [] == one["actuator"]["differences"]


def _id_of_newest(system: TypedSystem, kind: str) -> str:
    events = system.basalt("history", "events", "--kind", kind, "--format", "jsonl").out
    return str(json.loads(events.splitlines()[-1])["event"])


def test_what_was_recorded_wrong_is_corrected_once_and_stays_on_record(system: TypedSystem) -> None:
    """A sugary finger, a slip of the pen, a meal that was not eaten."""
    system.basalt("glucose", "400")
    system.basalt("pen", "9")
    system.basalt("carbs", "200")
    reading, pen, meal = (
        _id_of_newest(system, kind)
        for kind in ("glucose_measured", "injection_recorded", "carbs_recorded")
    )
    voided = system.basalt("correct", "glucose", reading, "--because", "sugar on the finger")
    again = system.basalt("correct", "glucose", reading)
    less = system.basalt("correct", "pen", pen, "0.9")
    none = system.basalt("correct", "carbs", meal, "0")
    useless = system.basalt("correct", "glucose", reading, "120")
    missing = system.basalt("correct", "pen", pen)
    no_dose = system.basalt("correct", "pen", reading, "1")
    no_amount = system.basalt("correct", "pen", pen, "much")
    numbers = system.basalt("history", "glucose", "--format", "csv").out
    changes = system.basalt("history", "changes").out

    assert (0, True) == (
        voided.code,
        "was wrong" in voided.out and "it stays on record" in voided.out,
    )
    assert (1, True) == (again.code, "voided before" in again.err)
    assert (0, True) == (less.code, "counts as 0.90 U by pen, not 9.00 U" in less.out)
    assert (0, True) == (none.code, "counts as 0 g of carbohydrate, not 200 g" in none.out)
    assert (2, True) == (useless.code, "taken out whole" in useless.err)
    assert (2, True) == (missing.code, "AMOUNT is missing" in missing.err)
    assert (1, True) == (no_dose.code, "no insulin by pen of that id" in no_dose.err)
    assert 2 == no_amount.code
    assert "400" not in numbers
    assert "sugar on the finger" in changes or reading in changes
    assert reading in system.basalt("history", "events", "--format", "jsonl").out
    told = system.basalt("explain", _id_of_newest(system, "reading_voided")).out
    assert "void reading (" in told and "glucose 400 mg/dL" in told and reading in told


def test_an_order_is_explained_to_who_asked_for_it(system: TypedSystem) -> None:
    """Newest of a kind or by its id, as a tree or whole; what is not there is refused."""
    newest = system.basalt("explain", "bolus_ordered")
    whole = system.json("explain", "bolus_ordered")
    by_name = system.basalt("explain", whole["name"])
    wrong = [system.basalt("explain", name) for name in ("bolus_ordred", "actuator:demo:999999")]

    assert newest.out == by_name.out
    assert "cause: order bolus (amount=" in newest.out
    assert "person:" in newest.out
    assert ("bolus_ordered.v1", "cause") == (whole["body"]["type"], whole["origins"][0]["role"])
    assert [1, 1] == [said.code for said in wrong]
    assert "no event of the kind 'bolus_ordred'" in wrong[0].err
    assert "no event 'actuator:demo:999999'" in wrong[1].err


@pytest.mark.requirement("R17")
@pytest.mark.parametrize("amount", [".5", "0,5", "1e1", " 5", "-1"])
def test_a_wrong_amount_leaves_no_trace(system: TypedSystem, amount: str) -> None:
    """Nothing was sent means that nobody heard it."""
    before = _orders_heard(system)

    said = system.basalt("bolus", amount)

    assert (2, True) == (said.code, repr(amount) in said.err)
    assert before == _orders_heard(system)


def test_an_order_leaves_a_trace(system: TypedSystem) -> None:
    """A check that never fails checks nothing."""
    before = _orders_heard(system)

    system.basalt("bolus", "0.01")

    assert before + 1 == _orders_heard(system)


def _orders_heard(system: TypedSystem) -> int:
    with journal(kept_journal(DataFolder(system.data), "bolus_advisor")) as store:
        return sum("order_bolus.v1" in row.topic for _, row in store.rows())
