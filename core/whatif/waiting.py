"""Words of a fork on their way to the advisor: in place of recorded ones, or at their own time."""

from collections.abc import Iterator
from heapq import heappop, heappush

from core.kernel.decider import Entry
from core.whatif.basal_replay import Schedule, Word
from schemas.units import UtcMillis


class Waiting:
    """What the fork is yet to hear, and what it hears instead of what was recorded."""

    def __init__(self) -> None:
        """Wait for nothing."""
        self._twins: dict[str, Word] = {}
        self._replaced: set[str] = set()
        self._due: list[tuple[UtcMillis, int, Word]] = []
        self._numbered = 0

    def schedule(self, schedule: Schedule) -> None:
        """Take the scheduler's words: each at the place of the recorded one, or at its time."""
        self._replaced = schedule.replaced
        for word in schedule.words:
            if word.twin is not None:
                self._twins[word.twin] = word
            else:
                self.add(word)

    def add(self, word: Word) -> None:
        """Let a word be heard at its time."""
        self._numbered += 1
        heappush(self._due, (word.now.therapy, self._numbered, word))

    def due(self, *, until: UtcMillis) -> Iterator[Word]:
        """Give the words up to an instant [ms], by time; what is added meanwhile too."""
        while self._due and self._due[0][0] <= until:
            yield heappop(self._due)[2]

    def instead_of(self, recorded: Entry) -> Entry | None:
        """Give what is heard in place of a word of the scheduler; None for nothing."""
        word = self._twins.get(recorded.id)
        if word is not None:
            return word.entry
        return None if recorded.id in self._replaced else recorded
