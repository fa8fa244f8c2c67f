"""The grammar of `basalt whatif`."""

from pathlib import Path

from services.command_line.grammar import value_types as texts
from services.command_line.grammar.shared import Commands, add_command


def add_what_if(commands: Commands, *, store_help: str) -> None:
    """Add the fork of a history."""
    fork = add_command(
        commands,
        "whatif",
        "whatif.whatif:fork_history",
        text="fork the history of a pump at a time, let the services decide anew under other "
        "settings, and show both sides: advices, orders, days, insulin on board; glucose stays "
        "as recorded, so this is no forecast",
        example="basalt whatif --from 2026-03-01T07:30:00Z --rules loop\n"
        "  basalt whatif --from 2026-03-01T00:00:00Z --to 2026-03-08T00:00:00Z "
        "--settings settings.json --picture week.svg\n"
        "  basalt whatif --from 2026-03-01T07:30:00Z --insulin walsh:4h --json",
    )
    fork.add_argument(
        "--from",
        dest="since",
        type=texts.instant,
        metavar="TIME",
        required=True,
        help="where the fork leaves the record",
    )
    fork.add_argument(
        "--to", dest="until", type=texts.instant, metavar="TIME", help="compare before then; end"
    )
    for name, of in (("profile", "basal profile"), ("settings", "bolus settings")):
        fork.add_argument(f"--{name}", type=Path, metavar="FILE", help=f"other {of}, JSON")
    fork.add_argument("--limits", type=Path, metavar="FILE", help="other hard limits, JSON")
    fork.add_argument("--rules", metavar="NAME", help="another rule set: loop, medtronic, ...")
    fork.add_argument(
        "--insulin",
        metavar="MODEL",
        help="another model: a preset such as loop_fiasp, or walsh:4h, linear:3h, bilinear:3h, "
        "exponential:6h:75m:10m (duration, peak, delay)",
    )
    fork.add_argument("--picture", type=Path, metavar="FILE", help="draw both sides, SVG")
    fork.add_argument("--all", action="store_true", help="show advices that are the same too")
    fork.add_argument("--zone", metavar="ZONE", help="of days and times; that of the settings")
    fork.add_argument("--store", metavar="URL", help=store_help)
