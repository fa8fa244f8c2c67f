"""What the advisor answers to a person: an advice with every term, an order that is followed."""

from schemas.bolus.advice import BolusAdvised
from schemas.bolus.orders import BolusOrdered
from schemas.message import Outcome, Refusal
from schemas.units import MINUTE_MS, DoseId, EventId
from services.command_line.following import follow
from services.command_line.output.event_messages import signed_units
from services.command_line.output.exit_codes import DONE, REFUSED
from services.command_line.output.tables import print_table
from services.command_line.session import Session, print_event, print_json, said
from services.command_line.therapy.advice_table import expiry, reasons, terms


async def show_order(session: Session, outcome: Outcome, *, wait: bool) -> int:
    """Print what came of an order, and follow the dose if wished; give the exit code."""
    if session.as_json:
        print_json(outcome)
    else:
        show_answer(session, outcome)
    if not outcome.accepted:
        return REFUSED
    code = DONE
    for name, event in zip(outcome.events, said(outcome), strict=True):
        if isinstance(event, BolusOrdered) and wait:
            code = code or await follow(session, DoseId(name), event)
    return code


def show_answer(session: Session, outcome: Outcome) -> None:
    """Print what the advisor said: an advice as a table that adds up, all else in words."""
    for name, event in zip(outcome.events, said(outcome), strict=True):
        if isinstance(event, BolusAdvised):
            _show_advice(session, name, event)
        else:
            print_event(event)
    if not outcome.accepted and not any(isinstance(event, Refusal) for event in said(outcome)):
        session.show(outcome)


def _show_advice(session: Session, name: EventId, advice: BolusAdvised) -> None:
    now = session.clock.now()
    rows = [(term.name, signed_units(term.amount), term.detail) for term in terms(advice, now)]
    rows.append(("advised", signed_units(advice.amount), f"by the rules of {advice.rules}"))
    if advice.later:
        spread = over_minutes(advice.duration)
        rows.append(("of it later", signed_units(advice.later), spread))
    if advice.amount_least is not None:
        least = signed_units(advice.amount_least)
        rows.append(("", least, "if what is unknown was not given; for the eye only"))
    print_table(("", "", ""), rows, title=f"advice {name}", right=frozenset({1}))
    for sentence in reasons(advice):
        print(f"- {sentence}")
    print(f"- {expiry(advice, now)}")
    if advice.amount or advice.carbs:
        print(f"give it with: basalt accept {name}")


def over_minutes(duration: int) -> str:
    """Say how long a bolus is spread; nothing where it is not."""
    return f"over {duration // MINUTE_MS} min" if duration else ""
