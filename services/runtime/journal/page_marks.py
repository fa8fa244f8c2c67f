"""Where the pages of a history begin, remembered so that the next page is not looked for anew."""

from bisect import bisect_left, bisect_right

from schemas.units import PumpId, Speaker

MARKS_MAX = 10_000
"""[-] pages remembered for one speaker and pump; of more, all are forgotten."""

Key = tuple[PumpId, Speaker, bool]
"""[-] whose pump, whose events, own or heard."""


class PageMarks:
    """Versions of a speaker go up with positions in a journal: a page stands after those before."""

    def __init__(self) -> None:
        """Begin with no page known."""
        self._marks: dict[Key, list[tuple[int, int]]] = {}

    def before(self, key: Key, version: int) -> int:
        """Give a position that the event of this version does not come before, 0 if unknown."""
        marks = self._marks.get(key, [])
        index = bisect_right(marks, (version + 1,))
        return marks[index - 1][1] if index else 0

    def put(self, key: Key, version: int, position: int) -> None:
        """Remember where an event stands."""
        marks = self._marks.setdefault(key, [])
        if len(marks) >= MARKS_MAX:
            marks.clear()
        mark = (version, position)
        index = bisect_left(marks, mark)
        if marks[index : index + 1] != [mark]:
            marks.insert(index, mark)
