"""Guide through a new cartridge and infusion set: stop, fill, prime, resume.

What was done before an interruption is not done again.
"""

import argparse
import sys
from collections.abc import Awaitable, Sequence
from typing import Final

from core.deciders.names import ACTUATOR
from schemas.delivery.mechanism import PrimeWhat, PumpPrimed
from schemas.delivery.pump import (
    DeliveryResumed,
    DeliverySuspended,
    FillReservoir,
    ReservoirFilled,
    ResumeDelivery,
    SuspendDelivery,
)
from schemas.message import Event
from schemas.units import MilliUnits
from services.command_line.grammar import value_types
from services.command_line.grammar.common_options import add_because
from services.command_line.journals import all_of, journal, kept_journal
from services.command_line.output.exit_codes import DONE, REFUSED, CommandFailed, wrong_input
from services.command_line.output.options import choices
from services.command_line.output.prompts import says_yes
from services.command_line.pump.fill import fill_now
from services.command_line.pump.prime import prime_now
from services.command_line.pump.switch import switch_now
from services.command_line.session import Session, run_session
from services.runtime.store_formats.folders import known_folder

EXAMPLE: Final = """
basalt change --reservoir 200 --tube 12 --cannula 0.3
"""

TUBE_TIMES_MAX: Final = 5
"""[-] primes of one tube; more means that it leaks or is not connected."""

GO_ON: Final = (
    "the pump stands and nothing flows; go on with 'basalt change', or with 'basalt resume'"
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what is new, and how much fills it."""
    parser.add_argument(
        "--reservoir", type=value_types.units, metavar="U", help="U; none: the old one"
    )
    parser.add_argument("--tube", type=value_types.units, default=12_000, metavar="U", help="U; 12")
    parser.add_argument(
        "--cannula", type=value_types.units, metavar="U", help="U; none: a steel needle"
    )
    add_because(parser, text="kept with each step")


def run(arguments: argparse.Namespace) -> int:
    """Ask for each step, and do the pump's part of it."""
    if not sys.stdin.isatty():
        raise wrong_input("nobody is there to do the steps: run it in a terminal; nothing was sent")

    async def work(session: Session) -> int:
        return await _Change(session, arguments).run()

    return run_session(choices(arguments), work)


class _Change:
    """One change of set, as far as it has come."""

    def __init__(self, session: Session, arguments: argparse.Namespace) -> None:
        self._session = session
        self._asked = arguments

    async def run(self) -> int:
        view = await self._session.view(ACTUATOR)
        if not view.get("suspended"):
            _ask("step 1: stop the pump?", otherwise="nothing was sent")
            stop = SuspendDelivery(because=self._because)
            await self._must(switch_now(self._session, stop, suspended=True))
        done = steps_done(self._said())
        print("step 2: take the old set off the body.")
        _ask("is it off?", otherwise=GO_ON)
        if not view.get("disconnected"):
            off = SuspendDelivery(because=self._because, disconnected=True)
            await self._must(switch_now(self._session, off, suspended=True))
        if self._asked.reservoir is not None and "fill" not in done:
            _ask("step 3: put the new cartridge in. Is it in?", otherwise=GO_ON)
            amount = self._asked.reservoir
            fill = FillReservoir(amount=amount, because=self._because)
            await self._must(fill_now(self._session, fill))
        if "tube" not in done:
            await self._tube()
        if self._asked.cannula is not None and "cannula" not in done:
            _ask("step 5: put the new set on the body. Is it in?", otherwise=GO_ON)
            await self._prime(self._asked.cannula, "cannula")
        _ask("step 6: deliver again?", otherwise=GO_ON)
        resume = ResumeDelivery(because=self._because)
        await self._must(switch_now(self._session, resume, suspended=False))
        print("measure glucose in two hours: a set that is not well in shows by then")
        return DONE

    async def _tube(self) -> None:
        for _ in range(TUBE_TIMES_MAX):
            _ask("step 4: fill the tube, away from the body?", otherwise=GO_ON)
            await self._prime(self._asked.tube, "tube")
            if says_yes("is there a drop at its end?"):
                return
        raise CommandFailed(
            f"no drop after {TUBE_TIMES_MAX} times: look for a leak; {GO_ON}", REFUSED
        )

    async def _prime(self, amount: MilliUnits, what: PrimeWhat) -> None:
        await self._must(prime_now(self._session, amount, what))

    async def _must(self, doing: Awaitable[int]) -> None:
        code = await doing
        if code != DONE:
            raise CommandFailed(GO_ON, code)

    @property
    def _because(self) -> str:
        return str(self._asked.because) or "set change"

    def _said(self) -> Sequence[Event]:
        """Read what the actuator said of stops, fills and primes."""
        kinds: tuple[type[Event], ...] = (
            DeliverySuspended,
            DeliveryResumed,
            ReservoirFilled,
            PumpPrimed,
        )
        with journal(kept_journal(known_folder(self._session.data), ACTUATOR)) as store:
            return [event for _, event in all_of(store, pump=self._session.pump, kinds=kinds)]


def steps_done(said: Sequence[Event]) -> frozenset[str]:
    """Name the steps that the pump has counted since it was stopped last.

    Args:
        said: stops, fills, primes and resumptions, oldest first.
    """
    done: set[str] = set()
    stands = False
    for event in said:
        match event:
            case DeliverySuspended() if stands:
                pass  # a pump that stands is taken off the body: it says again that it stands
            case DeliverySuspended() | DeliveryResumed():
                done.clear()
                stands = isinstance(event, DeliverySuspended)
            case ReservoirFilled():
                done.add("fill")
            case PumpPrimed(what=what):
                done.add(what)
            case _:
                pass
    return frozenset(done)


def _ask(question: str, *, otherwise: str) -> None:
    """Wait for a person to say that something is done.

    Raises:
        CommandFailed: it is not.
    """
    if not says_yes(question):
        raise CommandFailed(otherwise, REFUSED)
