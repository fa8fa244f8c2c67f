"""`basalt accept` says to the advisor what it showed to the person."""

import argparse
import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final

import pytest

import services.command_line.therapy.accept
from schemas.bolus.advice import AcceptAdvice
from schemas.message import Outcome
from schemas.units import CommandId

VIEW: Final[dict[str, Any]] = {
    "advice": "bolus_advisor:p1:9",
    "advised": 1_000,
    "heard": {"actuator": 4, "bolus_advisor": 7},
}


class Screen:
    """A session that shows one view and keeps what is sent."""

    as_json = True

    def __init__(self, view: dict[str, Any]) -> None:
        self._view = view
        self.sent: list[AcceptAdvice] = []

    async def view(self, service: str) -> dict[str, Any]:
        assert "bolus_advisor" == service
        return self._view

    async def send(self, command: AcceptAdvice, *, to: str) -> Outcome:
        assert "bolus_advisor" == to
        self.sent.append(command)
        return Outcome(command=CommandId("c"), accepted=False, reason="expired")


@pytest.mark.parametrize(
    ("named", "view", "expected"),
    [
        (None, VIEW, VIEW["heard"]),
        ("bolus_advisor:p1:9", VIEW, {}),
        (None, {key: VIEW[key] for key in ("advice", "advised")}, {}),
    ],
)
def test_what_was_shown_is_what_was_heard(
    named: str | None,
    view: dict[str, Any],
    expected: dict[str, int],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Who names an advice was shown nothing here; an older advisor shows no versions."""
    screen = Screen(view)

    def run(_: object, work: Callable[[Screen], Awaitable[int]]) -> int:
        return asyncio.run(_once(work(screen)))

    monkeypatch.setattr(services.command_line.therapy.accept, "choices", lambda _: None)
    monkeypatch.setattr(services.command_line.therapy.accept, "run_session", run)
    asked = argparse.Namespace(advice=named, yes=True, amount=None, confirm=False, no_wait=True)

    assert 1 == services.command_line.therapy.accept.run(asked)
    assert [("bolus_advisor:p1:9", expected)] == [
        (one.advice, one.versions_seen) for one in screen.sent
    ]
    assert '"accepted": false' in capsys.readouterr().out


async def _once(working: Awaitable[int]) -> int:
    return await working
