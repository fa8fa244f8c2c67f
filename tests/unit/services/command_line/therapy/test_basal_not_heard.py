"""A basal setting that does not reach the pump is not passed off as one that flows."""

from typing import Any, cast

import pytest

from services.command_line.output.exit_codes import CommandFailed
from services.command_line.session import Session, tell_of_another


class Asked:
    """A connection on which the actuator shows this, or does not answer."""

    def __init__(self, view: dict[str, Any] | None) -> None:
        self._view = view

    async def view(self, service: str) -> dict[str, Any]:
        if self._view is None:
            raise CommandFailed(f"{service} does not answer", 3)
        return self._view


@pytest.mark.requirement("R116")
@pytest.mark.parametrize(
    ("view", "told"),
    [
        ({"driven_by_another": True}, "until 'basalt pump take'"),
        ({"driven_by_another": False}, ""),
        ({}, ""),
        (None, ""),
    ],
)
async def test_who_sets_basal_for_a_lost_pump_is_told(
    view: dict[str, Any] | None, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    await tell_of_another(cast(Session, Asked(view)))

    said = capsys.readouterr().err
    assert told in said
    assert bool(told) == bool(said)
