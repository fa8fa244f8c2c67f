"""The grammar of the pump itself: doubts about doses, faults, priming, a change of set."""

from services.command_line import texts
from services.command_line.grammar import Commands, add_command


def add_doubt(commands: Commands) -> None:
    """Add what ends a doubt about a dose."""
    dose = add_command(
        commands,
        "dose",
        "delivery:settle_dose",
        text="say in your name what a dose came to that nobody knows of, after looking at the pump",
        example="basalt dose 1.5 --because 'read on the pump'\n  basalt dose 0",
    )
    dose.add_argument("delivered", type=texts.units, metavar="UNITS", help="U in all, 0 for none")
    dose.add_argument("--id", metavar="DOSE", help="which; the one that is unknown")
    dose.add_argument("--because", default="", metavar="TEXT", help="what was seen")
    count = add_command(
        commands,
        "count",
        "delivery:accept_count",
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
        "delivery:clear_fault",
        text="let the pump's motor turn again, after what stopped it was mended",
        example="basalt clear --because 'set changed'",
    )
    clear.add_argument("--because", default="", metavar="TEXT", help="what was done")
    prime = add_command(
        commands,
        "prime",
        "delivery:prime",
        text="fill tube or cannula while the pump stands; it counts in the reservoir alone",
        example="basalt suspend\n  basalt prime 2.6\n  basalt prime 0.5 --cannula\n  basalt resume",
    )
    prime.add_argument("amount", type=texts.units, metavar="UNITS", help="U, steps of 0.05 U")
    prime.add_argument("--cannula", action="store_true", help="the cannula; the tube otherwise")
