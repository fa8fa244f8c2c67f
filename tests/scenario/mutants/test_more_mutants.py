"""More mechanisms, each weakened by a patch: the check holds as built and breaks with the patch."""

import pytest

import core.deciders.basal.temporary_rates
import core.deciders.bolus.orders
import core.deciders.delivery.pump_sync.mechanism
import core.dosing.advice.advise
import core.dosing.insulin_account.dose_account
import core.pump.checks
import core.pump.machine
import core.pump.physics
import core.pump.supervision
import services.virtual_pump.controller
from core.pump.memory import PumpStep
from schemas.basal.profiles import SetTemporaryRate
from schemas.bolus.advice import RequestAdvice
from schemas.delivery.delivery import CancelBolus
from schemas.units import (
    DAY_MS,
    HOUR_MS,
    MINUTE_MS,
    Grams,
    MgDl,
    Milliseconds,
    MilliUnits,
    MilliUnitsPerHour,
)
from services.runtime.process.stepper import finish
from services.virtual_pump.controller import PumpHost
from services.virtual_pump.fault_script import ScriptedFault
from services.virtual_pump.in_process_pump import FakePumpDevice
from support.simulated.fake_system import FakeSystem
from support.simulated.mutant_pairs import Check, Patch, Weaken, is_caught
from support.simulated.signed_orders import pump_order, sign


def system_with(*faults: ScriptedFault, fill_mu: int = 200_000) -> FakeSystem:
    system = FakeSystem(faults=faults, fill_mu=fill_mu)
    system.set_up()
    return system


def below_the_safe_minimum_nothing_is_advised() -> bool:
    system = system_with()
    system.glucose("60")
    return not system.ask(RequestAdvice(carbs=Grams(40)), to="bolus_advisor").accepted


def insulin_on_board_takes_from_a_correction() -> bool:
    system = system_with()
    system.order(3_000)
    system.run(ms=10 * MINUTE_MS)
    system.glucose("200")
    system.ask(RequestAdvice(carbs=Grams(0)), to="bolus_advisor")
    return bool(system.view("bolus_advisor").advised == 0)


def a_controllers_rate_cannot_outlive_it() -> bool:
    system = system_with()
    asked = SetTemporaryRate(rate=MilliUnitsPerHour(2_000), duration=Milliseconds(HOUR_MS))
    return not system.ask(asked, to="basal_scheduler", actor="controller:loop").accepted


def only_the_last_to_claim_drives() -> bool:
    system = system_with()
    rival = FakePumpDevice(system.clock, host=system.pump.host)
    finish(rival.claim())
    status = finish(rival.read(after=10**9)).status
    order = pump_order(status, dose="bolus_advisor:p1:900", amount=500)
    try:
        finish(system.pump.start_bolus(signed=sign(order)))
    except Exception:  # noqa: BLE001  # whatever it is called, the old controller was refused
        return True
    return False


def a_cancelled_bolus_stops() -> bool:
    system = system_with()
    system.order(5_000)
    system.run(ms=20_000)
    system.ask(CancelBolus(), to="actuator")
    system.run(ms=10 * MINUTE_MS)
    return bool(system.view("actuator").bolus_total < 5_000)


def a_bolus_needs_all_of_its_insulin() -> bool:
    system = system_with(fill_mu=2_000)
    status = finish(system.pump.read(after=10**9)).status
    order = pump_order(status, dose="bolus_advisor:p1:900", amount=5_000)
    try:
        finish(system.pump.start_bolus(signed=sign(order)))
    except Exception:  # noqa: BLE001  # whatever it is called, the pump refused
        return True
    return False


def a_blocked_line_is_noticed() -> bool:
    system = system_with(ScriptedFault(fault="occlusion"))
    system.order(10_000)
    system.run(ms=HOUR_MS)
    return bool(system.view("actuator").fault == "occlusion")


def a_fault_stops_the_motor() -> bool:
    system = system_with(ScriptedFault(fault="air_in_line", from_odometer=MilliUnits(500)))
    system.run(ms=5 * HOUR_MS)
    return system.odometer == 500


def changed_registers_are_noticed() -> bool:
    system = system_with(ScriptedFault(fault="memory_flipped", from_odometer=MilliUnits(500)))
    system.run(ms=5 * HOUR_MS)
    return bool(system.view("actuator").fault == "memory_broken")


def a_suspension_is_reminded_of() -> bool:
    system = system_with()
    finish(system.pump.suspend())
    system.run(ms=HOUR_MS)
    return "suspended_long" in [one.alarm for one in system.view("actuator").alarms]


def a_failed_self_test_comes_first() -> bool:
    system = system_with(ScriptedFault(fault="self_test_failed"))
    system.run(ms=5 * HOUR_MS)
    return system.odometer == 0


def advises_at_any_glucose(patch: Patch) -> None:
    patch.setattr(core.dosing.advice.advise, "safe_minimum", lambda _: MgDl(0))


def forgets_what_is_on_board(patch: Patch) -> None:
    nothing = (MilliUnits(0), MilliUnits(0))
    patch.setattr(
        core.dosing.insulin_account.dose_account.DoseBook, "on_board", lambda *_, **__: nothing
    )


def trusts_controllers_for_a_day(patch: Patch) -> None:
    patch.setattr(core.deciders.basal.temporary_rates, "CONTROLLER_MS_MAX", DAY_MS)


def takes_any_epoch(patch: Patch) -> None:
    answer = PumpHost.answer

    def careless(self: PumpHost, request: object, **asked: object) -> object:
        if hasattr(request, "epoch"):
            request = type(request)(
                **{
                    **{field: getattr(request, field) for field in request.__struct_fields__},  # type: ignore[attr-defined]  # any message
                    "epoch": self._memory.epoch,
                }
            )
        return answer(self, request, **asked)  # type: ignore[arg-type]  # any message

    patch.setattr(PumpHost, "answer", careless)


def never_stops_a_bolus(patch: Patch) -> None:
    patch.setattr(
        core.pump.machine,
        "stop_bolus",
        lambda memory, **_: PumpStep(memory=memory),
    )


def starts_whatever_the_reservoir_holds(patch: Patch) -> None:
    patch.setattr(core.pump.machine, "bolus_fault", lambda *_, **__: None)


def feels_no_pressure(patch: Patch) -> None:
    patch.setattr(core.pump.physics, "OCCLUSION_MU_MAX", 10**6)


def goes_on_after_a_fault(patch: Patch) -> None:
    # The second look at the motor would stop the machine that does; it must be blind, too.
    patch.setattr(core.pump.machine, "_flowing", lambda memory: memory.plan)
    patch.setattr(services.virtual_pump.controller, "is_too_much", lambda *_, **__: False)


def looks_at_no_checksum(patch: Patch) -> None:
    patch.setattr(PumpHost, "_checked", lambda self, _: self._memory)


def never_reminds(patch: Patch) -> None:
    patch.setattr(core.deciders.delivery.pump_sync.mechanism, "FORGOTTEN_MS", 100 * DAY_MS)


def skips_the_self_test(patch: Patch) -> None:
    patch.setattr(PumpHost, "self_test", lambda *_, **__: None)


BREAKS_BY = (AssertionError, ArithmeticError, RuntimeError, ValueError)
"""[-] errors by which a check may break."""

PAIRS: list[tuple[Check, Weaken]] = [
    (below_the_safe_minimum_nothing_is_advised, advises_at_any_glucose),
    (insulin_on_board_takes_from_a_correction, forgets_what_is_on_board),
    (a_controllers_rate_cannot_outlive_it, trusts_controllers_for_a_day),
    (only_the_last_to_claim_drives, takes_any_epoch),
    (a_cancelled_bolus_stops, never_stops_a_bolus),
    (a_bolus_needs_all_of_its_insulin, starts_whatever_the_reservoir_holds),
    (a_blocked_line_is_noticed, feels_no_pressure),
    (a_fault_stops_the_motor, goes_on_after_a_fault),
    (changed_registers_are_noticed, looks_at_no_checksum),
    (a_suspension_is_reminded_of, never_reminds),
    (a_failed_self_test_comes_first, skips_the_self_test),
]


@pytest.mark.parametrize("check", [check for check, _ in PAIRS], ids=lambda one: one.__name__)
def test_the_mechanism_holds(check: Check) -> None:
    """As built, the property holds."""
    assert check()


@pytest.mark.parametrize(("check", "weaken"), PAIRS, ids=[weaken.__name__ for _, weaken in PAIRS])
def test_the_mutant_is_caught(check: Check, weaken: Weaken, monkeypatch: Patch) -> None:
    """With the mechanism weakened the property must break, or the check proves nothing."""
    assert is_caught(check, weaken, monkeypatch, breaks_by=BREAKS_BY)
