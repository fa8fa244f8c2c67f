"""The actuator's effect handler: asks the pump once for each effect and reports the outcome."""

from collections.abc import Awaitable, Mapping

from core.kernel.decider import Effect, is_past
from core.kernel.effects import (
    ClaimPump,
    ClearFault,
    FillPump,
    LimitPumpBasal,
    LoadPumpPlan,
    PrimePumpLine,
    ResumePump,
    StartPumpBolus,
    StopPumpBolus,
    SuspendPump,
)
from schemas.delivery.device import PumpAct, PumpAnswered, PumpStatus
from schemas.message import Report
from schemas.units import PumpId
from services.runtime.platform.clock import Clock
from services.runtime.platform.errors import PumpRefusedError, PumpSupersededError, PumpTimeout
from services.runtime.platform.failpoints import failpoint
from services.runtime.pump_link.port import PumpDevice


class PumpEffectHandler:
    """Performs what the actuator decided; nothing is ever sent a second time to find out."""

    def __init__(self, *, devices: Mapping[PumpId, PumpDevice], clock: Clock) -> None:
        """Drive these pumps."""
        self._devices = devices
        self._clock = clock

    async def handle(self, pump: PumpId, effect: Effect) -> Report | None:
        """Send one command to the pump; no answer in time is `unknown`."""
        device = self._devices.get(pump)
        if device is None:
            act, about = _act_of(effect)
            return PumpAnswered(act=act, about=about, result="refused", reason="no such pump here")
        if isinstance(effect, StartPumpBolus) and is_past(effect.start_by, now=self._clock.now()):
            return PumpAnswered(
                act="start_bolus",
                about=effect.signed.order.dose,
                result="refused",
                reason="expired",
            )
        act, about = _act_of(effect)
        is_dose = isinstance(effect, StartPumpBolus)
        is_claim = isinstance(effect, ClaimPump)
        failpoint("dose_before" if is_dose else "claim_before" if is_claim else "order_before")
        try:
            status = await _send(device, effect)
            failpoint(
                "dose_answered" if is_dose else "claim_after" if is_claim else "order_answered"
            )
        except PumpTimeout:
            return PumpAnswered(act=act, about=about, result="unknown", reason="no answer")
        except PumpRefusedError as error:
            return PumpAnswered(act=act, about=about, result="refused", reason=error.reason)
        except PumpSupersededError as error:
            reason = f"superseded by epoch {error.epoch}"
            return PumpAnswered(act=act, about=about, result="refused", reason=reason)
        return PumpAnswered(act=act, about=about, result="done", status=status)


def _send(device: PumpDevice, effect: Effect) -> Awaitable[PumpStatus]:
    match effect:
        case StartPumpBolus(signed=signed):
            return device.start_bolus(signed=signed)
        case StopPumpBolus(dose=dose):
            return device.stop_bolus(dose=dose)
        case LoadPumpPlan(plan=plan):
            return device.load_plan(plan=plan)
        case LimitPumpBasal(rate=rate):
            return device.limit_basal(rate=rate)
        case SuspendPump(until=until):
            return device.suspend(until=until)
        case ResumePump():
            return device.resume()
        case FillPump(amount=amount):
            return device.fill(amount=amount)
        case PrimePumpLine(amount=amount, what=what):
            return device.prime(amount=amount, what=what)
        case ClearFault():
            return device.clear_fault()
        case ClaimPump():
            return device.claim()
        case _:
            raise TypeError(f"no effect handler for {type(effect).__name__}")


def _act_of(effect: Effect) -> tuple[PumpAct, str]:
    match effect:
        case StartPumpBolus(signed=signed):
            return "start_bolus", signed.order.dose
        case StopPumpBolus(dose=dose):
            return "stop_bolus", dose
        case LoadPumpPlan(plan=plan):
            return "load_plan", plan.plan
        case LimitPumpBasal():
            return "limit_basal", ""
        case SuspendPump():
            return "suspend", ""
        case ResumePump():
            return "resume", ""
        case FillPump():
            return "fill", ""
        case PrimePumpLine():
            return "prime", ""
        case ClearFault():
            return "clear_fault", ""
        case ClaimPump(by=by):
            return "claim", by
        case _:
            raise TypeError(f"no effect handler for {type(effect).__name__}")
