"""The grammar of the pump itself: doubts about doses, faults, priming, a change of set."""

from services.command_line.grammar import value_types
from services.command_line.grammar.shared import Commands, add_command


def add_doubt(commands: Commands) -> None:
    """Add what ends a doubt about a dose."""
    dose = add_command(
        commands,
        "dose",
        "therapy.delivery:settle_dose",
        text="say in your name what a dose came to that nobody knows of, after looking at the pump",
        example="basalt dose 1.5 --because 'read on the pump'\n  basalt dose 0",
    )
    dose.add_argument(
        "delivered", type=value_types.units, metavar="UNITS", help="U in all, 0 for none"
    )
    dose.add_argument("--id", metavar="DOSE", help="which; the one that is unknown")
    dose.add_argument("--because", default="", metavar="TEXT", help="what was seen")
    count = add_command(
        commands,
        "count",
        "therapy.delivery:accept_count",
        text="go on from the pump's own count in your name, after an alarm that it was doubted",
        example="basalt count accept --because 'its memory was put back from a copy'",
    )
    count.add_argument("act", choices=("accept",), help="take the pump's count as it is")
    count.add_argument("--because", default="", metavar="TEXT", help="what was seen")


def add_mechanism(commands: Commands) -> None:
    """Add faults and priming."""
    clear = add_command(
        commands,
        "clear",
        "therapy.delivery:clear_fault",
        text="let the pump's motor turn again, after what stopped it was mended",
        example="basalt clear --because 'set changed'",
    )
    clear.add_argument("--because", default="", metavar="TEXT", help="what was done")
    prime = add_command(
        commands,
        "prime",
        "therapy.delivery:prime",
        text="fill tube or cannula while the pump stands; it counts in the reservoir alone",
        example="basalt suspend\n  basalt prime 2.6\n  basalt prime 0.5 --cannula\n  basalt resume",
    )
    prime.add_argument("amount", type=value_types.units, metavar="UNITS", help="U, steps of 0.05 U")
    prime.add_argument("--cannula", action="store_true", help="the cannula; the tube otherwise")
    change = add_command(
        commands,
        "change",
        "therapy.set_change:change",
        text="guide through a new cartridge and infusion set: stop, fill, prime, resume; what was "
        "done before an interruption is not done again",
        example="basalt change --reservoir 200 --tube 12 --cannula 0.3",
    )
    change.add_argument(
        "--reservoir", type=value_types.units, metavar="U", help="U; none: the old one"
    )
    change.add_argument("--tube", type=value_types.units, default=12_000, metavar="U", help="U; 12")
    change.add_argument(
        "--cannula", type=value_types.units, metavar="U", help="U; none: a steel needle"
    )
    change.add_argument("--because", default="", metavar="TEXT", help="kept with each step")
    for name, handler, text in (
        ("disconnect", "suspend", "take the pump off the body for a while: all insulin stops"),
        ("reconnect", "resume", "put it on again: basal flows, what was missed is shown"),
    ):
        parser = add_command(
            commands, name, f"therapy.delivery:{handler}", text=text, example=f"basalt {name}"
        )
        parser.set_defaults(duration=0)
        parser.add_argument("--because", default=name, metavar="TEXT", help="kept on record")
