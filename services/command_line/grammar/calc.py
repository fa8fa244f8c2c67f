"""The grammar of `basalt calc`; the kinds themselves are imported only when it is run."""

from services.command_line.grammar.shared import Commands, add_command


def add_calc(commands: Commands) -> None:
    """Add the calculations of the core as a command of their own."""
    calc = add_command(
        commands,
        "calc",
        "system.calc:calc",
        text="compute what a scenario asks for; needs no running system",
        example="basalt calc iob --example | basalt calc iob\n"
        "  basalt calc iob scenario.json\n"
        "  basalt calc bolus scenario.json --rules all\n"
        "  basalt calc iob --lines < scenarios.jsonl > results.jsonl",
    )
    calc.add_argument("kind", nargs="?", metavar="KIND", help="which calculation; see --list")
    calc.add_argument("file", nargs="?", metavar="FILE", default="-", help="-, standard input")
    calc.add_argument(
        "--rules",
        metavar="NAME",
        help="bolus only: by this rule set, or all; not the scenario's",
    )
    what = calc.add_mutually_exclusive_group()
    what.add_argument("--list", action="store_true", help="name the kinds")
    what.add_argument("--example", action="store_true", help="print a scenario to start from")
    what.add_argument("--schema", action="store_true", help="print JSON Schema of both sides")
    what.add_argument(
        "--lines",
        action="store_true",
        help="one scenario a line in, one result a line out; stops at the first wrong line",
    )
