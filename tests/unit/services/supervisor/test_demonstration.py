"""The demonstration: settings by name of who set them, and where its trace begins."""

from pathlib import Path

import msgspec
import pytest

from core.dosing.advice.settings import settings_problem
from schemas.basal.profiles import SetBasalProfile
from schemas.bolus.settings import SetBolusSettings
from schemas.delivery.delivery import SetDeliveryLimits
from schemas.units import PumpId
from services.runtime.platform.data_folder import DataFolder
from services.runtime.platform.zones import local_time
from services.supervisor.demonstration import settings
from services.supervisor.errors import StartRefused
from services.supervisor.trace_choice import (
    BUNDLED,
    BUNDLED_ZONE,
    FIRST_PUMP,
    NO_TRACE,
    Wish,
    choose,
    remember,
)


def test_the_settings_are_the_same_commands_every_time() -> None:
    """A second start sends nothing new: the same ids, the same content."""
    assert settings(zone="UTC") == settings(zone="UTC")
    assert 3 == len({name for name, _, _ in settings(zone="UTC")})


def test_the_settings_lie_in_range_and_the_rates_below_their_limit() -> None:
    """A refused setting would leave the demonstration without insulin."""
    limits, ratios, profile = (command for _, _, command in settings(zone=BUNDLED_ZONE))

    assert isinstance(limits, SetDeliveryLimits)
    assert isinstance(ratios, SetBolusSettings)
    assert isinstance(profile, SetBasalProfile)
    assert None is settings_problem(ratios)
    assert max(segment.rate for segment in profile.segments) <= limits.basal
    starts = [segment.start_minute for segment in profile.segments]
    assert (0, sorted(starts)) == (starts[0], starts)
    assert 7 * 60 + 15 in starts


def test_the_bundled_trace_begins_20_minutes_before_the_first_breakfast(tmp_path: Path) -> None:
    """Minute one shows a rate step and a meal."""
    begun = choose(DataFolder(tmp_path), Wish())

    assert begun.begins_at is not None
    began = local_time(begun.begins_at, zone=begun.zone)
    assert "2017-03-15 07:10" == began.strftime("%Y-%m-%d %H:%M")
    assert (str(BUNDLED), BUNDLED_ZONE) == (begun.file, begun.zone)


def test_a_folder_goes_on_with_what_it_was_begun_with(tmp_path: Path) -> None:
    """No word about glucose means: as before."""
    folder, file = DataFolder(tmp_path), tmp_path / "mine.csv"
    file.write_text("time,mg/dL\n2026-01-01T08:00:00Z,100\n2026-01-01T08:05:00Z,105\n")
    begun = choose(folder, Wish(file=file))
    remember(folder, begun)

    assert begun == choose(folder, Wish())
    assert 1_767_254_400_000 == begun.begins_at


@pytest.mark.parametrize("other", ["none", "other.csv", "changed"])
def test_another_trace_on_the_same_folder_is_refused(tmp_path: Path, other: str) -> None:
    """Readings of two people must never stand in one record."""
    folder, file = DataFolder(tmp_path), tmp_path / "mine.csv"
    file.write_text("time,mg/dL\n2026-01-01T08:00:00Z,100\n")
    remember(folder, choose(folder, Wish(file=file)))
    (tmp_path / "other.csv").write_text("time,mg/dL\n2026-01-01T08:00:00Z,111\n")
    if other == "changed":
        file.write_text("time,mg/dL\n2026-01-01T08:00:00Z,222\n")
    wish = {"none": NO_TRACE, "other.csv": tmp_path / "other.csv", "changed": file}[other]

    with pytest.raises(StartRefused, match="begun with"):
        choose(folder, Wish(file=wish))


def test_a_folder_keeps_the_pump_that_it_was_begun_with(tmp_path: Path) -> None:
    """Another pump in the same folder would have no plan: nothing flows, and nobody says so."""
    folder, other = DataFolder(tmp_path), PumpId("other")
    remember(folder, choose(folder, Wish(pump=other)))

    assert other == choose(folder, Wish()).pump
    assert other == choose(folder, Wish(pump=other)).pump
    with pytest.raises(StartRefused, match="holds pump other, not demo; name another folder"):
        choose(folder, Wish(pump=FIRST_PUMP))


@pytest.mark.parametrize(
    ("memories", "expected"),
    [((), "demo"), (("other",), "other"), (("other", "demo"), "demo")],
)
def test_a_folder_that_names_no_pump_has_that_of_its_memory(
    tmp_path: Path, memories: tuple[str, ...], expected: str
) -> None:
    """Folders of former releases did not write the pump down."""
    folder = DataFolder(tmp_path)
    remember(folder, msgspec.structs.replace(choose(folder, Wish()), pump=None))
    for name in memories:
        folder.pump_memory(PumpId(name)).parent.mkdir(exist_ok=True)
        folder.pump_memory(PumpId(name)).touch()

    assert expected == choose(folder, Wish()).pump


def test_a_file_without_readings_is_refused_by_name(tmp_path: Path) -> None:
    """The line names the file, so that a person knows which."""
    file = tmp_path / "empty.csv"
    file.write_text("")

    with pytest.raises(StartRefused, match=str(file)):
        choose(DataFolder(tmp_path), Wish(file=file))
