"""Fork the history of a pump at a time, let the services decide anew under other settings.

Both sides are shown: advices, orders, days, insulin on board. Glucose stays as recorded, so this
is no forecast.
"""

import argparse
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from core.formats.amounts import parse_duration
from core.kernel.errors import CoreError
from core.models.insulin.models import PRESETS, Exponential
from core.whatif.shapes import Forked, ForkRefused, Other
from schemas.bolus.settings import ActionModel, InsulinAction
from schemas.units import MINUTE_MS, Milliseconds
from schemas.wire import codec
from services.command_line.files.output_files import whole
from services.command_line.files.profile_files import read_limits, read_profile
from services.command_line.files.settings_files import read_settings
from services.command_line.files.zone_names import must_be_zone
from services.command_line.grammar.common_options import add_period, add_store
from services.command_line.journals import journal
from services.command_line.output.event_messages import moment, refused
from services.command_line.output.exit_codes import DONE, REFUSED, CommandFailed, wrong_input
from services.command_line.output.options import choices
from services.command_line.record.whatif.chart import draw
from services.command_line.record.whatif.tables import print_fork
from services.command_line.record.which_record import record_file, recorded_pump
from services.runtime.platform.errors import ZoneError
from services.runtime.platform.zones import local_time
from services.runtime.replay.whatif_input import wall_zone, what_if
from services.runtime.store_formats.folders import known_folder

EXAMPLE: Final = """
basalt whatif --from 2026-03-01T07:30:00Z --rules loop
basalt whatif --from 2026-03-01T00:00:00Z --to 2026-03-08T00:00:00Z \\
  --settings settings.json --picture week.svg
basalt whatif --from 2026-03-01T07:30:00Z --insulin walsh:4h --json
"""

UTC: Final = "UTC"
"""[-] whose days are counted where no settings name a zone."""

_MODEL = re.compile(r"(?P<model>bilinear|walsh|linear):(?P<duration>[0-9a-z]+)", re.ASCII)
_EXPONENTIAL = re.compile(
    r"exponential:(?P<duration>[0-9a-z]+):(?P<peak>[0-9a-z]+)(?::(?P<delay>[0-9a-z]+))?", re.ASCII
)
_MODELS: Final[dict[str, ActionModel]] = {
    "bilinear": "bilinear",
    "walsh": "walsh",
    "linear": "linear",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add where the fork leaves the record, what is other in it, and how it is shown."""
    add_period(
        parser,
        since="where the fork leaves the record",
        until="compare before then; end",
        must_begin=True,
    )
    for name, of in (("profile", "basal profile"), ("settings", "bolus settings")):
        parser.add_argument(f"--{name}", type=Path, metavar="FILE", help=f"other {of}, JSON")
    parser.add_argument("--limits", type=Path, metavar="FILE", help="other hard limits, JSON")
    parser.add_argument("--rules", metavar="NAME", help="another rule set: loop, medtronic, ...")
    parser.add_argument(
        "--insulin",
        metavar="MODEL",
        help="another model: a preset such as loop_fiasp, or walsh:4h, linear:3h, bilinear:3h, "
        "exponential:6h:75m:10m (duration, peak, delay)",
    )
    parser.add_argument("--picture", type=Path, metavar="FILE", help="draw both sides, SVG")
    parser.add_argument("--all", action="store_true", help="show advices that are the same too")
    parser.add_argument("--zone", metavar="ZONE", help="of days and times; that of the settings")
    add_store(parser)


def run(arguments: argparse.Namespace) -> int:
    """Fork a pump's history and show both sides."""
    chosen = choices(arguments)
    folder = known_folder(chosen.data)
    since, until = arguments.since, arguments.until
    if until is not None and until <= since:
        raise wrong_input("--to is not after --from")
    other = _other(arguments)
    place = record_file(arguments.store, folder)
    with journal(place) as record:
        pump = recorded_pump(chosen, folder, record)
    with (
        journal(place.of("basal_scheduler")) as scheduler,
        journal(place.of("bolus_advisor")) as advisor,
    ):
        zone = arguments.zone or wall_zone(advisor, pump=pump) or UTC
        try:
            forked = what_if(
                scheduler=scheduler,
                advisor=advisor,
                pump=pump,
                since=since,
                until=until,
                other=other,
                zone=zone,
            )
        except ForkRefused as error:
            raise CommandFailed(_why(error), REFUSED) from error
        except ZoneError as error:
            raise wrong_input(str(error)) from error
    title = _title(arguments)
    if arguments.picture is not None:
        with whole(arguments.picture) as draft:
            draft.write_text(_drawn(forked, zone=zone, title=title), encoding="utf-8")
    if chosen.json:
        print(codec.encode(_Answer.of(forked, zone=zone, other=other)).decode())
    else:
        print_fork(forked, zone=zone, title=title, every=arguments.all)
    return DONE


@dataclass(frozen=True, slots=True)
class _Answer:
    """What a program gets: both sides, and what was asked."""

    zone: str
    settings: Other
    fork: Forked
    differences: Sequence[int]
    """[mU] of each row: the fork's amount less the recorded one."""

    @classmethod
    def of(cls, forked: Forked, *, zone: str, other: Other) -> "_Answer":
        return cls(zone, other, forked, [row.difference for row in forked.rows])


def _other(arguments: argparse.Namespace) -> Other:
    profile = settings = limits = None
    if arguments.profile is not None:
        profile = read_profile(arguments.profile)
        must_be_zone(profile.zone, said_in=str(arguments.profile))
    if arguments.settings is not None:
        settings = read_settings(arguments.settings)
        must_be_zone(settings.zone, said_in=str(arguments.settings))
    if arguments.limits is not None:
        limits = read_limits(arguments.limits)
    return Other(
        profile=profile,
        settings=settings,
        rules=arguments.rules,
        insulin=None if arguments.insulin is None else insulin_action(arguments.insulin),
        limits=limits,
    )


def insulin_action(text: str) -> InsulinAction:
    """Read how insulin acts: a preset's name, or a model with its times.

    Raises:
        CommandFailed: the text names neither.
    """
    preset = next((model for name, model in PRESETS.items() if name == text), None)
    if preset is not None:
        peak_min = preset.peak_min if isinstance(preset, Exponential) else 0
        return InsulinAction(
            duration=Milliseconds(round(preset.duration_min * MINUTE_MS)),
            peak=Milliseconds(round(peak_min * MINUTE_MS)),
            delay=Milliseconds(round(preset.delay_min * MINUTE_MS)),
            model="exponential" if isinstance(preset, Exponential) else "bilinear",
        )
    try:
        if (found := _MODEL.fullmatch(text)) is not None:
            return InsulinAction(
                duration=parse_duration(found["duration"]),
                delay=Milliseconds(0),
                model=_MODELS[found["model"]],
            )
        if (found := _EXPONENTIAL.fullmatch(text)) is not None:
            return InsulinAction(
                duration=parse_duration(found["duration"]),
                peak=parse_duration(found["peak"]),
                delay=parse_duration(found["delay"]) if found["delay"] else Milliseconds(0),
            )
    except CoreError as error:
        raise wrong_input(f"--insulin {text}: {error}") from error
    raise wrong_input(
        f"--insulin {text!r} is neither a preset ({', '.join(PRESETS)}) nor a model such as "
        "walsh:4h, linear:3h, bilinear:3h or exponential:6h:75m:10m"
    )


def _why(error: ForkRefused) -> str:
    match error.reason:
        case "before_record":
            return f"the record begins at {moment(error.at)}; --from must not be before it"
        case "after_record":
            return f"the record ends at {moment(error.at)}; --from must not be after it"
        case "no_settings":
            return (
                f"no bolus settings held from {moment(error.at)} on, so there is nothing in which "
                "--rules or --insulin could be other; say --settings FILE"
            )
        case _:
            return "" if error.refusal is None else refused(error.refusal)


def _title(arguments: argparse.Namespace) -> str:
    """Say what was changed, as it was typed."""
    names = ("profile", "settings", "rules", "insulin", "limits")
    given = [(name, getattr(arguments, name)) for name in names]
    said = [f"{name} {_named(value)}" for name, value in given if value is not None]
    return f"what if {', '.join(said)}" if said else "decided again, nothing changed"


def _named(value: Path | str) -> str:
    return value.name if isinstance(value, Path) else value


def _drawn(forked: Forked, *, zone: str, title: str) -> str:
    return draw(forked, local=partial(local_time, zone=zone), zone=zone, title=title)
