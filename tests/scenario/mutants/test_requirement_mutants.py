"""Requirements whose tests had no mutant of their own: each mechanism weakened, and seen."""

import dataclasses
import math
import re
import tempfile
from pathlib import Path
from typing import Any

import msgspec
import pytest
from nacl.signing import SigningKey

import core.calc.compute
import core.deciders.delivery.decider
import core.dosing.limits.caps_sliding
import core.dosing.limits.caps_twice
import core.formats.amounts
import core.models.insulin.curves
import core.pump.machine
import core.pump.order_intake
import services.runtime.platform.signing_keys
import services.runtime.pump_link.protocol
import services.supervisor.broker.permissions
import services.virtual_pump.controller
import services.virtual_pump.watchdog
from core.calc.calculation import Kind, Result, Scenario
from core.formats.amounts import parse_units
from core.kernel.errors import AmountError, ScenarioError
from core.models.insulin.curves import piecewise
from core.pump.checks import bolus_fault
from core.pump.memory import PumpMemory, PumpRefusal, PumpStep
from schemas.delivery.delivery import SetDeliveryLimits
from schemas.delivery.pump import SuspendDelivery
from schemas.units import HOUR_MS, MINUTE_MS, Milliseconds, MilliUnits, Speaker
from schemas.wire.subjects import event_subject
from services.runtime.nats.memory_bus import matches
from services.runtime.platform.errors import PumpRefusedError
from services.runtime.platform.signing_keys import make_key
from services.runtime.process.stepper import finish
from services.runtime.pump_link.protocol import FrameReader, Read, encode_request
from services.virtual_pump.controller import PumpHost
from services.virtual_pump.fault_script import ScriptedFault
from services.virtual_pump.watchdog import HUNGER_MS_MAX, LOOK_MS, Watchdog
from support.simulated.fake_system import IDENTITY, LIMITS, PUMP, FakeSystem
from support.simulated.mutant_pairs import Check, Patch, Weaken, is_caught
from support.simulated.signed_orders import STRANGER, pump_order, sign

DOSE = "bolus_advisor:p1:900"


def ready(*faults: ScriptedFault) -> FakeSystem:
    system = FakeSystem(faults=faults)
    system.set_up()
    return system


def only_one_bolus_is_spread_at_a_time() -> bool:
    system = ready()
    for number in (900, 901):
        status = finish(system.pump.read(after=10**9)).status
        dose = f"bolus_advisor:p1:{number}"
        order = pump_order(status, dose=dose, amount=1_000, duration=HOUR_MS)
        try:
            finish(system.pump.start_bolus(signed=sign(order)))
        except PumpRefusedError as error:
            return error.reason == "extended_running"
    return False


def spreads_two_at_once(patch: Patch) -> None:
    fault = bolus_fault

    def careless(*given: Any, **more: Any) -> PumpRefusal | None:
        found = fault(*given, **more)
        return None if found is not None and found.reason == "extended_running" else found

    patch.setattr(core.pump.machine, "bolus_fault", careless)


def a_limit_that_limits_nothing_is_refused() -> bool:
    system = FakeSystem()
    wide = msgspec.structs.replace(LIMITS, single=MilliUnits(10**6))
    assert isinstance(wide, SetDeliveryLimits)
    return not system.ask(wide, to="actuator").accepted


def takes_any_limits(patch: Patch) -> None:
    patch.setattr(core.deciders.delivery.decider, "limits_problem", lambda _: None)


class _Asked(Scenario, frozen=True, kw_only=True):
    pass


class _Told(Result, frozen=True, kw_only=True):
    value: float


def what_is_no_number_is_no_answer() -> bool:
    kind = Kind(
        name="x",
        text="x",
        scenario=_Asked,
        result=_Told,
        example="{}",
        run=lambda _: _Told(value=math.nan),
    )
    try:
        core.calc.compute.compute(kind, _Asked(), zones=lambda *_: ())
    except ScenarioError:
        return True
    return False


def writes_nan_as_nothing(patch: Patch) -> None:
    patch.setattr(core.calc.compute, "_is_finite", lambda _: True)


def a_dose_is_read_one_way() -> bool:
    for text in (".5", "5.", "0,5", " 5", "05", "1e1"):
        try:
            parse_units(text)
        except AmountError:
            continue
        return False
    return parse_units("0.5") == 500


def reads_a_dose_as_it_can(patch: Patch) -> None:
    patch.setattr(core.formats.amounts, "_DECIMAL", re.compile(r"0*([0-9]*)\.?([0-9]{1,3})?"))


def a_curve_is_what_a_second_sum_says() -> bool:
    """1.1 - t/100 cut to 0..1: the area is a trapezoid, 60 min, and so is a sum over minutes."""
    cut = piecewise([(0.0, (1.1, -0.01))], duration=120.0)
    plain = sum(min(1.0, max(0.0, 1.1 - (step + 0.5) / 1_000)) for step in range(1_200 * 10)) / 10
    return math.isclose(cut.integral(120.0), plain, abs_tol=1e-3)


def sums_a_curve_wrongly(patch: Patch) -> None:
    patch.setattr(core.models.insulin.curves, "_area", lambda polynomial: (0.0, *polynomial))


def defaults_of_rooms() -> dict[str, Any]:
    """The two implementations that are asked when nobody names others."""
    return core.dosing.limits.caps_twice.rooms_twice.__kwdefaults__ or {}


def where_two_sums_differ_nothing_is_given() -> bool:
    system = ready()
    with pytest.MonkeyPatch.context() as broken:
        rooms = core.dosing.limits.caps_sliding.rooms

        def wider(asked: Any) -> Any:
            return tuple(
                msgspec.structs.replace(room, left=room.left + 10**6) for room in rooms(asked)
            )

        broken.setattr(core.dosing.limits.caps_sliding, "rooms", wider)
        broken.setitem(defaults_of_rooms(), "first", wider)
        system.order(500)
        system.run(ms=5 * MINUTE_MS)
    return bool(system.view("actuator").bolus_total == 0)


def asks_one_sum_twice(patch: Patch) -> None:
    defaults = defaults_of_rooms()
    patch.setitem(defaults, "second", lambda asked: defaults["first"](asked))


def a_dose_that_moved_is_in_the_memory() -> bool:
    system = ready()
    status = finish(system.pump.read(after=10**9)).status
    finish(system.pump.start_bolus(signed=sign(pump_order(status, dose=DOSE, amount=500))))
    again = PumpHost(system.pump_store, identity=IDENTITY, now=system.clock.now())
    kinds = [one.kind for one in system.pump_store.history(after=0)]
    return "bolus_started" in kinds and again.memory.odometer >= 50


def moves_before_it_writes(patch: Patch) -> None:
    patch.setattr(PumpHost, "_keep", lambda self, step: self._hold(step.memory))


def a_frame_with_a_flipped_bit_is_no_frame() -> bool:
    good = encode_request(Read(after=0), number=7)
    for at in range(len(good) * 8):
        data = bytearray(good)
        data[at // 8] ^= 1 << at % 8
        if list(FrameReader().feed(bytes(data))):
            return False
    return bool(list(FrameReader().feed(good)))


def checks_no_frame(patch: Patch) -> None:
    class Blind:
        @staticmethod
        def crc32(_: object) -> int:
            return 0

    patch.setattr(services.runtime.pump_link.protocol, "zlib", Blind)


def a_suspended_pump_stays_so_after_a_loss_of_power() -> bool:
    system = ready()
    system.ask(SuspendDelivery(), to="actuator")
    system.run(ms=MINUTE_MS)
    system.pump.host.power_on(now=system.clock.now())
    before = system.odometer
    system.run(ms=2 * HOUR_MS)
    return system.odometer == before


def begins_anew_with_the_power(patch: Patch) -> None:
    power_on = core.pump.machine.power_on

    def fresh(memory: PumpMemory | None, **given: Any) -> PumpStep:
        awake = msgspec.structs.replace(memory, suspended=False) if memory else None
        return power_on(awake, **given)

    patch.setattr(core.pump.machine, "power_on", fresh)


def settings_are_there_after_a_restart() -> bool:
    system = ready()
    for name in ("actuator", "bolus_advisor", "basal_scheduler"):
        system.restart(name)
    limits, settings = system.state("actuator").limits, system.state("bolus_advisor").settings
    return bool(limits and limits.single == LIMITS.single and settings)


def reads_no_journal(patch: Patch) -> None:
    patch.setattr("services.runtime.journal.memory_store.FakeStore.rows", lambda *_, **__: iter(()))
    patch.setattr(
        "services.runtime.decider_host.unit_of_work.UnitOfWork._compare_ends", lambda _: None
    )


def a_watchdog_that_is_not_fed_bites() -> bool:
    dog = Watchdog()
    return not all(dog.look() for _ in range(HUNGER_MS_MAX // LOOK_MS + 1))


def never_bites(patch: Patch) -> None:
    patch.setattr(services.virtual_pump.watchdog, "HUNGER_MS_MAX", Milliseconds(10**9))


def each_system_has_a_key_of_its_own() -> bool:
    seeds = set()
    with tempfile.TemporaryDirectory() as name:
        for number in range(2):
            path = Path(name) / f"{number}.key"
            make_key(path)
            seeds.add(path.read_text())
    return len(seeds) == 2


def makes_the_makers_key(patch: Patch) -> None:
    class Maker:
        @staticmethod
        def generate() -> SigningKey:
            return SigningKey(bytes(32))

        def __new__(cls, seed: bytes) -> SigningKey:  # type: ignore[misc]  # stands in for a class
            return SigningKey(seed)

    patch.setattr(services.runtime.platform.signing_keys, "SigningKey", Maker)


def nobody_speaks_for_another() -> bool:
    subject = event_subject(pump=PUMP, speaker=Speaker("bolus_advisor"), name="bolus_ordered")
    return all(
        name == "bolus_advisor" or not any(matches(subject, one) for one in allowed.publish)
        for name, allowed in services.supervisor.broker.permissions.permissions().items()
    )


def lets_everybody_speak(patch: Patch) -> None:
    of_decider = services.supervisor.broker.permissions._of_decider
    patch.setattr(
        services.supervisor.broker.permissions,
        "_of_decider",
        lambda one: dataclasses.replace(of_decider(one), publish=("basalt.>",)),
    )


def a_key_that_comes_with_an_order_is_worth_nothing() -> bool:
    system = ready()
    status = finish(system.pump.read(after=10**9)).status
    signed = sign(pump_order(status, dose=DOSE, amount=500), signer=STRANGER)
    try:
        finish(system.pump.start_bolus(signed=signed))
    except PumpRefusedError as error:
        return error.reason == "unknown_key"
    return False


def takes_the_key_that_comes_along(patch: Patch) -> None:
    start = core.pump.order_intake.start_signed

    def credulous(memory: PumpMemory, *, signed: Any, **given: Any) -> Any:
        trusting = msgspec.structs.replace(memory, trusted=(*memory.trusted, signed.key))
        return start(trusting, signed=signed, **given)

    patch.setattr(core.pump.order_intake, "start_signed", credulous)


BREAKS_BY = (AssertionError, ArithmeticError, RuntimeError, ValueError)
"""[-] errors by which a check may break."""

PAIRS: list[tuple[Check, Weaken]] = [
    (only_one_bolus_is_spread_at_a_time, spreads_two_at_once),
    (a_limit_that_limits_nothing_is_refused, takes_any_limits),
    (what_is_no_number_is_no_answer, writes_nan_as_nothing),
    (a_dose_is_read_one_way, reads_a_dose_as_it_can),
    (a_curve_is_what_a_second_sum_says, sums_a_curve_wrongly),
    (where_two_sums_differ_nothing_is_given, asks_one_sum_twice),
    (a_dose_that_moved_is_in_the_memory, moves_before_it_writes),
    (a_frame_with_a_flipped_bit_is_no_frame, checks_no_frame),
    (a_suspended_pump_stays_so_after_a_loss_of_power, begins_anew_with_the_power),
    (settings_are_there_after_a_restart, reads_no_journal),
    (a_watchdog_that_is_not_fed_bites, never_bites),
    (each_system_has_a_key_of_its_own, makes_the_makers_key),
    (nobody_speaks_for_another, lets_everybody_speak),
    (a_key_that_comes_with_an_order_is_worth_nothing, takes_the_key_that_comes_along),
]


@pytest.mark.parametrize("check", [check for check, _ in PAIRS], ids=lambda one: one.__name__)
def test_the_mechanism_holds(check: Check) -> None:
    """As built, the property holds."""
    assert check()


@pytest.mark.parametrize(("check", "weaken"), PAIRS, ids=[weaken.__name__ for _, weaken in PAIRS])
def test_the_mutant_is_caught(check: Check, weaken: Weaken, monkeypatch: Patch) -> None:
    """With the mechanism weakened the property must break, or the check proves nothing."""
    assert is_caught(check, weaken, monkeypatch, breaks_by=BREAKS_BY)
