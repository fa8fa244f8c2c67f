"""Which readings of a trace are played, and under which ids."""

from core.formats.glucose_readings import FileReading
from schemas.units import DAY_MS, MINUTE_MS, UtcMillis
from services.glucose_player.player import command_of, still_to_play

TRACE = tuple(
    FileReading(
        at=UtcMillis(DAY_MS + minute * MINUTE_MS),
        kind="sensor",
        received="5,5",
        decimal_comma=True,
        unit="mmol/L",
        line=minute,
    )
    for minute in range(0, 120, 5)
)


def lines(*, taken: int | None, now: int) -> list[int]:
    taken_at = None if taken is None else UtcMillis(DAY_MS + taken * MINUTE_MS)
    now_at = UtcMillis(DAY_MS + now * MINUTE_MS)
    return [reading.line for reading in still_to_play(TRACE, taken=taken_at, now=now_at)]


def test_a_first_start_plays_the_last_ten_minutes_and_what_comes() -> None:
    """Glucose is known from the first minute, and no flood of old readings comes before it."""
    assert [50, 55, 60] == lines(taken=None, now=60)[:3]


def test_after_a_pause_it_goes_on_with_what_was_not_taken() -> None:
    """Readings that were due while it was off are history, and history is kept."""
    assert [15, 20, 25, 30, 35] == lines(taken=30, now=90)[:5]


def test_what_is_older_than_a_day_is_not_news() -> None:
    """glucose_ingest would refuse it as ancient."""
    assert [] == lines(taken=0, now=2 * 24 * 60)


def test_a_reading_has_the_same_id_at_every_start_and_its_number_with_a_point() -> None:
    """A retry after a restart must be the same command, or a reading would count twice."""
    first, again = (command_of(TRACE[3], sha256="ab" * 32) for _ in range(2))

    assert first == again
    assert "trace-abababababababab-15" == first[0]
    assert ("5.5", "mmol/L") == (first[1].received, first[1].unit)
