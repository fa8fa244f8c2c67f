"""Time zones say the same on every machine, on both changes of the clock."""

import sys
import zoneinfo
from datetime import UTC, datetime

import pytest

from schemas.units import UtcMillis
from services.runtime.platform.errors import ZoneError
from services.runtime.platform.zones import local_resolver, local_time, transitions, tzdata_version


def utc(text: str) -> UtcMillis:
    return UtcMillis(int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 1_000)


def changes(zone: str, start: str, end: str) -> list[tuple[UtcMillis, int]]:
    found = transitions(zone, starts_at=utc(start), ends_at=utc(end))
    return [(one.at, one.offset_s) for one in found]


def test_the_zones_come_from_the_package_and_not_from_the_machine() -> None:
    """Two machines with two versions of a zone would replay one history to two plans."""
    assert () == zoneinfo.TZPATH
    assert tzdata_version()[:2] == "20"


@pytest.mark.parametrize(
    ("zone", "wall", "instants"),
    [
        ("Europe/Berlin", (2026, 7, 1, 12, 0, 0), ["2026-07-01T10:00"]),
        ("Europe/Berlin", (2026, 3, 29, 1, 59, 59), ["2026-03-29T00:59:59"]),
        ("Europe/Berlin", (2026, 3, 29, 2, 0, 0), []),
        ("Europe/Berlin", (2026, 3, 29, 2, 59, 59), []),
        ("Europe/Berlin", (2026, 3, 29, 3, 0, 0), ["2026-03-29T01:00"]),
        ("Europe/Berlin", (2026, 10, 25, 2, 0, 0), ["2026-10-25T00:00", "2026-10-25T01:00"]),
        (
            "Europe/Berlin",
            (2026, 10, 25, 2, 59, 59),
            ["2026-10-25T00:59:59", "2026-10-25T01:59:59"],
        ),
        ("Europe/Berlin", (2026, 10, 25, 3, 0, 0), ["2026-10-25T02:00"]),
        ("Australia/Lord_Howe", (2026, 4, 5, 1, 45, 0), ["2026-04-04T14:45", "2026-04-04T15:15"]),
        ("Australia/Lord_Howe", (2026, 10, 4, 2, 15, 0), []),
        ("America/Sao_Paulo", (2018, 11, 4, 0, 30, 0), []),
        ("America/Sao_Paulo", (2026, 11, 4, 0, 30, 0), ["2026-11-04T03:30"]),
        ("Asia/Kathmandu", (2026, 1, 1, 0, 0, 0), ["2025-12-31T18:15"]),
        ("Pacific/Apia", (2011, 12, 30, 12, 0, 0), []),
        ("UTC", (2026, 3, 29, 2, 30, 0), ["2026-03-29T02:30"]),
    ],
)
def test_a_wall_clock_names_no_one_or_two_instants(
    zone: str, wall: tuple[int, int, int, int, int, int], instants: list[str]
) -> None:
    """An hour that is missing or comes twice moves every reading in it."""
    assert tuple(utc(text) for text in instants) == local_resolver(zone)(*wall)


@pytest.mark.parametrize(
    ("zone", "start", "end", "expected"),
    [
        (
            "Europe/Berlin",
            "2026-01-01T00:00",
            "2027-01-01T00:00",
            [
                ("2026-01-01T00:00", 3_600),
                ("2026-03-29T01:00", 7_200),
                ("2026-10-25T01:00", 3_600),
            ],
        ),
        (
            "Australia/Lord_Howe",
            "2026-01-01T00:00",
            "2027-01-01T00:00",
            [
                ("2026-01-01T00:00", 39_600),
                ("2026-04-04T15:00", 37_800),
                ("2026-10-03T15:30", 39_600),
            ],
        ),
        (
            "Asia/Kathmandu",
            "2026-01-01T00:00",
            "2027-01-01T00:00",
            [("2026-01-01T00:00", 20_700)],
        ),
        (
            "America/Sao_Paulo",
            "2018-11-01T00:00",
            "2019-03-01T00:00",
            [
                ("2018-11-01T00:00", -10_800),
                ("2018-11-04T03:00", -7_200),
                ("2019-02-17T02:00", -10_800),
            ],
        ),
        (
            "Pacific/Apia",
            "2011-12-30T00:00",
            "2011-12-31T00:00",
            [("2011-12-30T00:00", -36_000), ("2011-12-30T10:00", 50_400)],
        ),
    ],
)
def test_the_changes_of_an_offset_are_exact(
    zone: str, start: str, end: str, expected: list[tuple[str, int]]
) -> None:
    """A basal segment that begins an hour off is an hour of the wrong rate."""
    assert [(utc(at), offset) for at, offset in expected] == changes(zone, start, end)


def test_a_change_at_the_begin_is_in_and_one_at_the_end_is_out() -> None:
    """Periods are half open, so that two that meet count a change once."""
    before = changes("Europe/Berlin", "2026-03-28T00:00", "2026-03-29T01:00")
    after = changes("Europe/Berlin", "2026-03-29T01:00", "2026-03-30T00:00")

    assert [(utc("2026-03-28T00:00"), 3_600)] == before
    assert [(utc("2026-03-29T01:00"), 7_200)] == after


@pytest.mark.parametrize(
    "zone",
    [
        *("", "Mars/Olympus", "Europe", "../etc/passwd", "/etc/localtime", "Europe/Berlin\0", "é"),
        *("+2:00", "UTC+02", "UTC+16:01", "+02:60", "UTC 02:00", "GMT+02:00"),
    ],
)
def test_an_unknown_zone_is_refused_by_name(zone: str) -> None:
    """A zone that is guessed is a night of the wrong basal."""
    with pytest.raises(ZoneError) as caught:
        local_resolver(zone)

    assert zone == caught.value.zone


@pytest.mark.parametrize(
    ("zone", "offset_s"),
    [("UTC+02:00", 7_200), ("-03:30", -12_600), ("UTC+16:00", 57_600), ("+00:00", 0)],
)
def test_a_fixed_offset_is_a_zone_that_never_changes(zone: str, offset_s: int) -> None:
    """Some people live by UTC, and some zones are in no database."""
    begin = utc("2026-01-01T00:00")

    assert [(begin, offset_s)] == changes(zone, "2026-01-01T00:00", "2026-12-31T00:00")
    assert 12 == local_time(UtcMillis(begin + 12 * 3_600_000 - offset_s * 1_000), zone=zone).hour


@pytest.mark.parametrize("end", [-1, sys.maxsize])
def test_a_period_that_is_none_is_refused(end: int) -> None:
    """A loop over all of time would stop the service."""
    with pytest.raises(ValueError, match="period of"):
        transitions("UTC", starts_at=UtcMillis(0), ends_at=UtcMillis(end))
