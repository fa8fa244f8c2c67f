"""Places at which a process can be made to die as if by kill -9, for the tests of what is durable.

Off unless BASALT_CRASH_POINTS names a folder. A file `<process>.<point>` in it arms that point of
that process: it dies there the nth time that it comes by, n being what the file says, 1 if it says
nothing. It moves the file into `died/` first, so that the process that follows it lives.
"""

import os
import signal
from collections import Counter
from pathlib import Path
from typing import Final

VARIABLE: Final = "BASALT_CRASH_POINTS"
"""[-] environment variable with the folder; unset outside of tests."""

DIED: Final = "died"
"""[-] folder in it for the points at which somebody died."""

_DECIDERS = ("actuator", "basal_scheduler", "bolus_advisor", "glucose_ingest", "historian")
_SPEAKERS = ("actuator", "basal_scheduler", "bolus_advisor", "glucose_ingest")
_EFFECTS = ("actuator", "basal_scheduler", "bolus_advisor")
_PUMP = ("virtual_pump",)
_HISTORIAN = ("historian",)

FAILPOINTS: Final[dict[str, tuple[tuple[str, ...], str]]] = {
    "join_begun": (_DECIDERS, "the journal is folded, the stream not asked yet"),
    "join_recovered": (_DECIDERS, "what was not published is lined up, the cursor not set"),
    "join_reset": (_DECIDERS, "the cursor is set, nothing heard yet"),
    "history_asking": (_DECIDERS, "events are missing and asked for"),
    "history_fetched": (_DECIDERS, "the missing events are here, not stored"),
    "history_taken": (_SPEAKERS, "the past is stored, what came after it not heard"),
    "commit_before": (_DECIDERS, "decided, nothing stored"),
    "commit_after": (_DECIDERS, "stored, nobody told"),
    "publish_before": (_DECIDERS, "stored, the broker not told"),
    "publish_after": (_DECIDERS, "in the stream, its sequence not kept"),
    "answer_before": (_DECIDERS, "a command is obeyed and stored, its sender not told"),
    "answer_after": (_DECIDERS, "its sender is told"),
    "effect_before": ((*_EFFECTS, "historian"), "the intent is stored, nothing done"),
    "effect_after": ((*_EFFECTS, "historian"), "done, what came of it not reported"),
    "effect_reported": (_EFFECTS, "what came of it waits to be decided upon"),
    "checkpoint_before": (_HISTORIAN, "the record is read, how far it goes not stated"),
    "checkpoint_after": (_HISTORIAN, "a signed checkpoint is on the disk"),
    "sign_before": (("bolus_advisor",), "an order is stored, not signed"),
    "sign_after": (("bolus_advisor",), "signed, the signature not stored"),
    "dose_before": (("actuator",), "the intent of a bolus is stored, its frame not written"),
    "dose_answered": (("actuator",), "the pump runs the bolus, nobody here knows"),
    "order_before": (("actuator",), "any other order to the pump is due, its frame not written"),
    "frame_written": (("actuator",), "a frame is on the line, no answer here"),
    "order_answered": (("actuator",), "the pump has answered, nobody here knows"),
    "claim_before": (("actuator",), "the pump is to be claimed"),
    "claim_after": (("actuator",), "the pump has a new epoch, the actuator not told"),
    "reading_before": (("actuator",), "the pump was read, the reading not reported"),
    "power_on_before": (_PUMP, "memory read, the start not kept"),
    "power_on_after": (_PUMP, "the start is kept, nobody can call yet"),
    "save_before": (_PUMP, "a step is worked out, not kept"),
    "save_after": (_PUMP, "a step is kept, nobody told"),
    "claimed_before": (_PUMP, "a claim is heard, its epoch not kept"),
    "claimed_after": (_PUMP, "a new epoch is kept, the claimer not told"),
    "dose_obeyed_before": (_PUMP, "the order of a bolus is received, not authenticated yet"),
    "dose_obeyed_after": (_PUMP, "a bolus has begun and is kept, not answered"),
    "obeyed_before": (_PUMP, "any other order is heard, not obeyed"),
    "obeyed_after": (_PUMP, "it is obeyed and kept, not answered"),
    "told_after": (_PUMP, "the answer is on the line"),
}
"""[-] each point with the processes that come by it and what is true there."""


class _Armed:
    """The points of one process while tests may arm them."""

    def __init__(self, folder: Path, process: str) -> None:
        self._folder = folder
        self._process = process
        self._passed: Counter[str] = Counter()

    def come_by(self, point: str) -> None:
        """Die if this point is armed and its turn has come."""
        armed = self._folder / f"{self._process}.{point}"
        if not armed.exists():
            return
        self._passed[point] += 1
        if self._passed[point] < int(armed.read_text() or "1"):
            return
        (self._folder / DIED).mkdir(exist_ok=True)
        armed.rename(self._folder / DIED / armed.name)
        os.kill(os.getpid(), signal.SIGKILL)


_armed: _Armed | None = None


def arm_failpoints(*, process: str) -> None:
    """Name this process; without the environment variable every point stays off."""
    global _armed  # noqa: PLW0603  # one process has one name, known once
    folder = os.environ.get(VARIABLE)
    _armed = _Armed(Path(folder), process) if folder else None


def failpoint(point: str) -> None:
    """Die here, if a test wants that; otherwise nothing, at the cost of a comparison."""
    if _armed is not None:
        _armed.come_by(point)
