"""Boluses: advice with every term, its acceptance, and an amount of the person's own."""

import argparse
import sys
from typing import Any

from schemas.bolus.advice import AcceptAdvice, BolusAdvised, RequestAdvice
from schemas.bolus.orders import BolusOrdered, OrderBolus, OrderPreset, SetBolusPreset
from schemas.message import Command, Outcome, Refusal
from schemas.units import MINUTE_MS, DoseId, EventId, MilliUnits, Speaker
from services.command_line.output.event_messages import signed_units
from services.command_line.output.exit_codes import DONE, REFUSED, CommandFailed, wrong_input
from services.command_line.output.options import choices
from services.command_line.output.prompts import says_yes
from services.command_line.output.tables import print_table
from services.command_line.session import (
    Session,
    print_event,
    print_json,
    run_session,
    said,
)
from services.command_line.therapy.advice_table import expiry, reasons, terms
from services.command_line.therapy.follow_dose import follow

ADVISOR = Speaker("bolus_advisor")


def advise(arguments: argparse.Namespace) -> int:
    """Ask for an advice and print each of its terms."""

    async def work(session: Session) -> int:
        wanted = RequestAdvice(
            carbs=arguments.carbs, duration=arguments.over, now_percent=arguments.now
        )
        outcome = await session.send(wanted, to=ADVISOR)
        if session.as_json:
            print_json(outcome)
        else:
            _show(session, outcome)
        return DONE if outcome.accepted else REFUSED

    return run_session(choices(arguments), work)


def accept(arguments: argparse.Namespace) -> int:
    """Accept an advice, by default the newest one."""

    async def work(session: Session) -> int:
        advice, heard = arguments.advice, dict[str, int]()
        if advice is None:
            advice, heard = await _newest(session, ask=not arguments.yes)
        wanted = AcceptAdvice(
            advice=EventId(advice),
            versions_seen=heard,
            amount=arguments.amount,
            confirmed=arguments.confirm,
        )
        outcome = await session.send(wanted, to=ADVISOR)
        return await _ordered(session, outcome, wait=not arguments.no_wait)

    return run_session(choices(arguments), work)


def own_amount(arguments: argparse.Namespace) -> int:
    """Order an amount of the person's own, or one kept by a name."""
    if (arguments.amount is None) == (arguments.preset is None):
        raise wrong_input("either UNITS or --preset NAME; nothing was sent")
    if arguments.preset is not None and (arguments.over or arguments.now):
        raise wrong_input("a preset says itself how it is spread; nothing was sent")
    command: Command = OrderPreset(name=arguments.preset or "", confirmed=arguments.confirm)
    if arguments.amount is not None:
        command = OrderBolus(
            amount=arguments.amount,
            duration=arguments.over,
            now_percent=arguments.now,
            confirmed=arguments.confirm,
        )

    async def work(session: Session) -> int:
        outcome = await session.send(command, to=ADVISOR)
        return await _ordered(session, outcome, wait=not arguments.no_wait)

    return run_session(choices(arguments), work)


def preset(arguments: argparse.Namespace) -> int:
    """List the presets, keep one, or forget it."""
    if arguments.name is not None and arguments.amount is None:
        raise wrong_input("how much? such as 'basalt preset snack 1.5'; nothing was sent")

    async def work(session: Session) -> int:
        if arguments.name is None:
            return _show_presets(await session.view(ADVISOR))
        command = SetBolusPreset(
            name=arguments.name,
            amount=arguments.amount,
            duration=arguments.over,
            because=arguments.because,
        )
        return await session.handle(command, to=ADVISOR)

    return run_session(choices(arguments), work)


def _show_presets(view: dict[str, Any]) -> int:
    rows = [
        (one["name"], signed_units(MilliUnits(one["amount"])), _over(one["duration"]))
        for one in view["presets"]
    ]
    if rows:
        print_table(("name", "amount", ""), rows, title="presets", right=frozenset({1}))
    else:
        print("no presets; keep one with 'basalt preset NAME UNITS'")
    return DONE


def _over(duration: int) -> str:
    return f"over {duration // MINUTE_MS} min" if duration else ""


async def _newest(session: Session, *, ask: bool) -> tuple[str, dict[str, int]]:
    """Name the newest advice and what was known when it was shown; ask, for it may be another's."""
    if ask and not sys.stdin.isatty():
        raise wrong_input("nobody is there to ask: say which advice, or --yes; nothing was sent")
    view = await session.view(ADVISOR)
    advice, amount = view.get("advice"), view.get("advised")
    if advice is None or amount is None:
        raise CommandFailed("there is no advice; ask for one with 'basalt advise'", REFUSED)
    if ask and not says_yes(f"give {signed_units(MilliUnits(amount))}, advice {advice}?"):
        raise CommandFailed("nothing was given", REFUSED)
    return str(advice), view.get("heard", {})


async def _ordered(session: Session, outcome: Outcome, *, wait: bool) -> int:
    if session.as_json:
        print_json(outcome)
    else:
        _show(session, outcome)
    if not outcome.accepted:
        return REFUSED
    code = DONE
    for name, event in zip(outcome.events, said(outcome), strict=True):
        if isinstance(event, BolusOrdered) and wait:
            code = code or await follow(session, DoseId(name), event)
    return code


def _show(session: Session, outcome: Outcome) -> None:
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
        spread = _over(advice.duration)
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
