"""What was advised and ordered on one side, reduced to what a person compares."""

from collections.abc import Sequence

from core.kernel.decider import Entry
from core.whatif.shapes import Row, Side
from schemas.bolus.advice import (
    AcceptAdvice,
    AcceptanceRefused,
    AdviceRefused,
    BolusAdvised,
    RequestAdvice,
)
from schemas.bolus.orders import BolusOrdered, OrderBolus, OrderPreset, OrderRefused
from schemas.glucose import GlucoseMeasured
from schemas.message import tag_of
from schemas.units import MgDl

Asking = RequestAdvice | AcceptAdvice | OrderBolus | OrderPreset
"""[-] commands that lead to an advice or an order."""

_REFUSALS = (AdviceRefused, AcceptanceRefused, OrderRefused)


def compared(
    asked: Entry, *, recorded: Sequence[Entry], forked: Sequence[Entry], reading: object
) -> Row:
    """Put what both sides said of one command beside each other.

    Args:
        asked: the command, an `Asking`.
        recorded: what was said of it in the record.
        forked: what is said of it in the fork.
        reading: the newest, as recorded; none for none.
    """
    is_advice = isinstance(asked.body, RequestAdvice)
    glucose = MgDl(reading.glucose) if isinstance(reading, GlucoseMeasured) else None
    return Row(
        at=asked.at,
        kind="advice" if is_advice else "order",
        cause=asked.id,
        carbs=asked.body.carbs if isinstance(asked.body, RequestAdvice) else 0,
        glucose=glucose,
        recorded=_side(recorded, is_advice=is_advice),
        forked=_side(forked, is_advice=is_advice),
    )


def _side(said: Sequence[Entry], *, is_advice: bool) -> Side:
    if is_advice:
        advised = next((one.body for one in said if isinstance(one.body, BolusAdvised)), None)
        if advised is not None:
            return _of_advice(advised)
    ordered = [one.body.amount for one in said if isinstance(one.body, BolusOrdered)]
    if ordered:
        return Side(amount=sum(ordered))
    refused = next((one.body for one in said if isinstance(one.body, _REFUSALS)), None)
    if refused is not None:
        return Side(reason=refused.reason, said_by=tag_of(type(refused)))
    return Side(amount=0) if said and not is_advice else Side()


def _of_advice(advised: BolusAdvised) -> Side:
    cuts = (clamp.limit for clamp in advised.clamps)
    other = (limit for limit in cuts if f"clamped_to_{limit}" not in advised.reasons)
    shaped = dict.fromkeys((*advised.reasons, *other))
    return Side(
        amount=advised.amount,
        shaped_by=tuple(shaped),
        terms=tuple((term.name, term.amount) for term in advised.terms),
    )
