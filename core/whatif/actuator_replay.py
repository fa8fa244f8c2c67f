"""The actuator's part of a fork: its word as recorded, said of the fork's orders and plans."""

import msgspec

from core.deciders.delivery.decider import DELIVERY_DECIDER
from core.deciders.delivery.orders import LIMIT_REASONS, take_order
from core.deciders.delivery.plan_capping import accept_plan
from core.deciders.delivery.state import ACTUATOR, DeliveryState
from core.dosing.basal_programme.programme import programme_of
from core.dosing.order_protocol.authentication import signable
from core.dosing.order_protocol.plan_revisions import pump_plan
from core.kernel.decider import Entry
from core.whatif.basal_replay import COUNTED_MS, Flowing
from core.whatif.dose_replay import Doses, OfDose
from core.whatif.shapes import WHAT_IF, ForkRefused
from schemas.basal.plans import BasalPlanAccepted
from schemas.basal.profiles import SetBasalProfile
from schemas.delivery.delivery import (
    BasalDelivered,
    BolusRefused,
    BolusStartRequested,
    DeliveryLimitsRefused,
    DeliveryLimitsSet,
    SetDeliveryLimits,
)
from schemas.delivery.device import SignedOrder
from schemas.message import Event, Now, event_id, version_of
from schemas.units import DoseId, PumpId, UtcMillis

_CHECKED = (*LIMIT_REASONS, "reservoir")
"""[-] refusals that follow from an account; the others from the world of the record."""


class ForkedDelivery:
    """The actuator as the advisor hears it in the fork.

    Its account is folded from what the advisor hears of it, so that plans are cut by it anew. What
    it said of an order it says of the order that stands for it.
    """

    def __init__(self, pump: PumpId) -> None:
        """Know nothing yet."""
        self.state: DeliveryState = DELIVERY_DECIDER.initial(pump)
        self.doses = Doses()
        self.limits: DeliveryLimitsSet | None = None
        self.plans_differ = False
        self.flowing: Flowing | None = None
        self.flows_since: UtcMillis | None = None
        self._pump = pump
        self._version = 1

    def take(self, entry: Entry) -> None:
        """Fold an event that the actuator hears or says."""
        if entry.speaker == ACTUATOR and not entry.id.startswith(WHAT_IF):
            self._version = version_of(entry.id)
        self.state = DELIVERY_DECIDER.evolve(self.state, entry)

    def set_limits(
        self, asked: SetDeliveryLimits, now: Now, *, profile: SetBasalProfile | None = None
    ) -> list[Entry]:
        """Let the actuator decide on other limits, and on its plan by them.

        Args:
            asked: of the fork.
            now: where it begins.
            profile: of the fork, which the limits must fit instead of the recorded one.

        Raises:
            ForkRefused: they are refused.
        """
        command = Entry(id=f"{WHAT_IF}:limits", at=now.therapy, actor=WHAT_IF, body=asked)
        state = self.state
        if profile is not None:
            state = msgspec.structs.replace(state, programme=programme_of(profile))
        said = DELIVERY_DECIDER.decide(state, command, now)
        for event in said:
            if isinstance(event, DeliveryLimitsRefused):
                raise ForkRefused("setting_refused", refusal=event)
            if isinstance(event, DeliveryLimitsSet):
                self.limits = event
        kept = (one for one in said if isinstance(one, DeliveryLimitsSet | BasalPlanAccepted))
        return [entry for one in kept for entry in self._said(one, now)]

    def take_plan(self, made: Entry, now: Now) -> list[Entry]:
        """Let the actuator decide on a plan that the record has not."""
        said = DELIVERY_DECIDER.decide(self.state, made, now)
        self.take(made)
        self.plans_differ = True
        kept = (one for one in said if isinstance(one, BasalPlanAccepted))
        return [entry for one in kept for entry in self._said(one, now)]

    def hear(self, entry: Entry, body: Event, now: Now) -> list[Entry]:
        """Say in the fork what the actuator said in the record, an event of its own."""
        self._version = version_of(entry.id)
        if isinstance(body, DeliveryLimitsSet) and self.limits is not None:
            return []
        if isinstance(body, BasalPlanAccepted):
            return self._accept_again(entry, body, now)
        if isinstance(body, BasalDelivered) and self.flowing is not None:
            return []
        if isinstance(body, OfDose):
            event = self.doses.forked(body)
            refused = (
                self.check(event.dose, now) if isinstance(event, BolusStartRequested) else None
            )
            if refused is not None:
                self.doses.refuse(body.dose)
                event = refused
            return [] if event is None else [self._taken(entry, event)]
        flowed = self._entries(self.flowing.meet(body), now) if self.flowing else []
        return [*flowed, self._taken(entry, body)]

    def check(self, dose: DoseId, now: Now) -> BolusRefused | None:
        """Let the actuator check an order by the fork's account, where that may differ.

        What hinders it in the world (the pump is away, the order came too late) is the record's.
        """
        waiting = next((one for one in self.state.waiting if one.dose == dose), None)
        if waiting is None or not (self.doses.differ or self.plans_differ or self.limits):
            return None
        signed = SignedOrder(order=signable(dose, waiting.order), key=WHAT_IF, signature="")
        said = take_order(self.state, waiting, signed, now)
        refused = next((one for one in said if isinstance(one, BolusRefused)), None)
        return refused if refused is not None and refused.reason in _CHECKED else None

    def pass_time(self, now: Now) -> list[Entry]:
        """Account for the fork's own basal up to now."""
        if self.flowing is None:
            return []
        return self._entries(self.flowing.count(at=now.therapy, least=COUNTED_MS), now)

    def say(self, event: Event, now: Now) -> Entry:
        """Say what the record has not."""
        name = event_id(speaker=ACTUATOR, pump=self._pump, version=self._version)
        entry = Entry(id=name, at=now.therapy, speaker=ACTUATOR, body=event)
        self.state = DELIVERY_DECIDER.evolve(self.state, entry)
        return entry

    def _accept_again(self, entry: Entry, accepted: BasalPlanAccepted, now: Now) -> list[Entry]:
        """Cut the plan anew where anything that it is cut by may differ."""
        limits, heard = self.limits or self.state.limits, self.state.plan_heard
        is_other = self.plans_differ or self.doses.differ or self.limits is not None
        if not is_other or limits is None or heard is None:
            return [self._taken(entry, accepted)]
        said = accept_plan(self.state, *heard, limits, now)
        again = next(one for one in said if isinstance(one, BasalPlanAccepted))
        if again.steps != accepted.steps:
            self._flow_anew(now)
        flowed = self._change(again, now)
        return [*flowed, self._taken(entry, again)]

    def _said(self, event: Event, now: Now) -> list[Entry]:
        flowed: list[Entry] = []
        if isinstance(event, BasalPlanAccepted):
            if self.state.plan is None or self.state.plan.steps != event.steps:
                self._flow_anew(now)
            flowed = self._change(event, now)
        return [*flowed, self.say(event, now)]

    def _flow_anew(self, now: Now) -> None:
        """From here on the fork's basal is its own; until now it flowed by the plan of before."""
        if self.flowing is not None:
            return
        counted = self.state.doses.basal.ends_at or now.therapy
        self.flows_since = now.therapy
        self.flowing = Flowing(
            self.state.plan, counted_to=counted, is_standing=self.state.suspended
        )

    def _change(self, accepted: BasalPlanAccepted, now: Now) -> list[Entry]:
        if self.flowing is None:
            return []
        return self._entries(self.flowing.change(pump_plan(accepted), at=now.therapy), now)

    def _entries(self, parts: list[BasalDelivered], now: Now) -> list[Entry]:
        return [self.say(part, now) for part in parts]

    def _taken(self, entry: Entry, event: Event) -> Entry:
        said = msgspec.structs.replace(entry, body=event)
        self.state = DELIVERY_DECIDER.evolve(self.state, said)
        return said
