"""Hold the record against itself; exit 1 where something is wrong.

Every stored decision is made once more and its bytes compared (decisions), each dose is followed
from order to account (orders), the record is checked against itself and its checkpoints (record),
the kept states are held against a full fold (snapshots), a proof or an archive is checked.
"""

import argparse
from pathlib import Path
from typing import Final

from core.deciders.registry import DECIDERS
from core.record.dose_lifecycle import OPEN, SPEAKERS, Lives, WrongStep, lives_of
from schemas.units import PumpId, Speaker, UtcMillis
from services.command_line.grammar import value_types
from services.command_line.grammar.common_options import add_trust
from services.command_line.journals import journal, known_service
from services.command_line.output.event_messages import moment
from services.command_line.output.exit_codes import (
    DONE,
    INTERRUPTED,
    REFUSED,
    CommandFailed,
    wrong_input,
)
from services.command_line.output.options import choices
from services.command_line.output.tables import print_table
from services.command_line.record.verify.archive import check_archive
from services.command_line.record.verify.check_record import tell_first, verify_record
from services.command_line.record.verify.check_snapshots import verify_snapshots
from services.command_line.record.verify.dose_diffs import print_doses, print_versions
from services.command_line.record.verify.prove import verify_proof
from services.command_line.record.verify.side_by_side import verified_journals
from services.command_line.record.which_record import record_file
from services.command_line.session import print_json
from services.runtime.audit.findings import VerificationReport
from services.runtime.journal.causal_order import recorded
from services.runtime.replay.replay import pumps_in
from services.runtime.store_formats.folders import known_folder

EXAMPLE: Final = """
basalt verify decisions --service actuator --from 2026-03-01T00:00:00Z
basalt verify orders
basalt verify record
basalt verify snapshots
basalt verify proof proof.json --key record.pub
basalt verify archive 2026-03.jsonl.gz --key record.pub
"""

DIFFERENCES_SHOWN = 5
"""[-] of one service or pump."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what is verified, and what it is held against."""
    parser.add_argument(
        "what",
        choices=("decisions", "orders", "record", "snapshots", "proof", "archive"),
        help="what is verified",
    )
    parser.add_argument("file", nargs="?", type=Path, metavar="FILE", help="of a proof or archive")
    parser.add_argument("--service", metavar="NAME", help="decisions of one service; all")
    parser.add_argument(
        "--from",
        dest="since",
        type=value_types.instant,
        metavar="TIME",
        help="decisions from then on; those before are folded as they stand",
    )
    add_trust(parser)


def run(arguments: argparse.Namespace) -> int:
    """Verify what was asked for."""
    what: str = arguments.what
    if (what in _OF_A_FILE) != (arguments.file is not None):
        takers = " and ".join(f"'verify {one}'" for one in _OF_A_FILE)
        raise wrong_input(f"{takers} take the FILE of one; nothing else takes a file")
    for option, of in _OPTIONS_OF.items():
        if getattr(arguments, option) is not None and what not in of:
            option = _SPELLED.get(option, option)
            raise wrong_input(f"--{option} is for 'verify {of[0]}', not for 'verify {what}'")
    return _VERIFY[what](arguments)


def _decisions(arguments: argparse.Namespace) -> int:
    """Make the decisions of the journals again."""
    folder = known_folder(choices(arguments).data)
    service = arguments.service
    wanted = tuple(DECIDERS) if service is None else (known_service(service),)
    place = record_file(arguments.store, folder)
    reports: dict[str, VerificationReport] = {}
    broken_off: list[str] = []
    for name, found in verified_journals(place, wanted, since=arguments.since):
        if found.report is not None:
            reports[name] = found.report
            if found.broken_off is not None:
                broken_off.append(_how_to_go_on(name, found.report, found.broken_off))
    _print_verdicts(reports, as_json=choices(arguments).json)
    code = _tell_differences(reports)
    if broken_off:
        raise CommandFailed("; ".join(broken_off), INTERRUPTED)
    return code


def _how_to_go_on(name: Speaker, report: VerificationReport, at: UtcMillis) -> str:
    """Say how far it was, and the command that does the rest of that journal."""
    since = f"--from {moment(at)}" if report.decisions else ""
    again = f"basalt verify decisions --service {name} {since}".rstrip()
    return f"stopped after {report.decisions:,} decisions of {name}; go on with: {again}"


def _print_verdicts(reports: dict[str, VerificationReport], *, as_json: bool) -> None:
    if as_json:
        print_json(reports)
    else:
        rows = [
            (name, str(one.decisions), str(one.events), str(len(one.differences)))
            for name, one in reports.items()
        ]
        columns = ("service", "decisions made again", "events compared", "differences")
        print_table(columns, rows, right=frozenset({1, 2, 3}))
        print_doses(reports)
        print_versions(reports)


def _tell_differences(reports: dict[str, VerificationReport]) -> int:
    for name, one in reports.items():
        faults = [f"{name} {diff.pump}:{diff.position}: {diff.text}" for diff in one.differences]
        tell_first(faults, most=DIFFERENCES_SHOWN, of=f"{name}: ")
    return REFUSED if any(one.differences for one in reports.values()) else DONE


def _orders(arguments: argparse.Namespace) -> int:
    """Follow each dose of the record from its order to its account."""
    chosen = choices(arguments)
    found: dict[PumpId, Lives] = {}
    with journal(record_file(arguments.store, known_folder(chosen.data))) as store:
        for pump in pumps_in(store) if chosen.pump is None else (chosen.pump,):
            found[pump] = lives_of(recorded(store, pump=pump, speakers=SPEAKERS))
    if chosen.json:
        print_json(found)
    else:
        rows = [
            (pump, state.replace("_", " "), str(count), "open" if state in OPEN else "")
            for pump, lives in found.items()
            for state, count in sorted(lives.counted.items())
        ]
        columns = ("pump", "doses that are", "count", "")
        print_table(columns, rows or [("-", "no dose on record", "0", "")], right=frozenset({2}))
    for pump, lives in found.items():
        faults = [f"{pump} {_in_words(wrong)}" for wrong in lives.wrong]
        tell_first(faults, most=DIFFERENCES_SHOWN, of=f"{pump}: ")
    return REFUSED if any(lives.wrong for lives in found.values()) else DONE


def _in_words(wrong: WrongStep) -> str:
    before, step = wrong.before.replace("_", " "), wrong.step.replace("_", " ")
    return f"{wrong.event}: {wrong.dose} was {before} and cannot {step}"


_OF_A_FILE: Final = ("proof", "archive")
"""[-] what is handed over as a file."""

_OPTIONS_OF: Final = {
    "service": ("decisions",),
    "since": ("decisions",),
    "store": ("record", "decisions", "orders", "snapshots"),
    "checkpoints": ("record",),
    "key": ("record", "proof", "archive"),
}
"""[-] options with what they are for; one that changed nothing would deceive."""

_SPELLED: Final = {"since": "from"}
"""[-] options that Python has another name for."""

_VERIFY: Final = {
    "decisions": _decisions,
    "orders": _orders,
    "record": verify_record,
    "snapshots": verify_snapshots,
    "proof": verify_proof,
    "archive": check_archive,
}
