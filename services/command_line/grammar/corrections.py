"""The grammar of corrections: what was recorded wrong is never overwritten."""

from services.command_line.grammar import value_types
from services.command_line.grammar.shared import Commands, add_command


def add_corrections(commands: Commands) -> None:
    """Add what corrects the record."""
    correct = add_command(
        commands,
        "correct",
        "therapy.entries:correct",
        text="say that a reading, insulin by pen or carbohydrate was recorded wrong; the wrong "
        "one stays on record and counts no more",
        example="basalt history events --kind glucose_measured\n"
        "  basalt correct glucose glucose_ingest:p1:12 --because 'sugar on the finger'\n"
        "  basalt correct pen bolus_advisor:p1:7 1.5\n"
        "  basalt correct carbs bolus_advisor:p1:9 0",
    )
    correct.add_argument(
        "what", choices=("glucose", "pen", "carbs"), help="recorded by 'basalt' and this word"
    )
    correct.add_argument("id", metavar="EVENT", help="its id, as 'basalt history events' shows it")
    correct.add_argument(
        "amount",
        nargs="?",
        metavar="AMOUNT",
        help="what it was: U by pen, g of carbohydrate, 0 for none; a reading has none",
    )
    correct.add_argument(
        "--at", type=value_types.instant, metavar="TIME", help="when; as on record"
    )
    correct.add_argument("--because", default="", metavar="TEXT", help="kept with the correction")
