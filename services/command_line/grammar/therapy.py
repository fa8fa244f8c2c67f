"""The grammar of what a person does: readings, carbohydrate, boluses, rates, settings."""

import argparse

from services.command_line.grammar import value_types
from services.command_line.grammar.limits import add_limits
from services.command_line.grammar.shared import Commands, add_command


def add_person(commands: Commands) -> None:
    """Add what a person tells the system."""
    glucose = add_command(
        commands,
        "glucose",
        "therapy.entries:glucose",
        text="record one glucose reading, in mg/dL or, with --mmol, in mmol/L",
        example="basalt glucose 123\n  basalt glucose 6.8 --mmol --sensor",
    )
    glucose.add_argument("value", metavar="VALUE", help="a number, LOW or HIGH")
    glucose.add_argument("--mmol", action="store_true", help="VALUE is in mmol/L")
    glucose.add_argument("--sensor", action="store_true", help="of a sensor; a meter otherwise")
    glucose.add_argument(
        "--at", type=value_types.instant, metavar="TIME", help="measured then; now"
    )
    carbs = add_command(
        commands,
        "carbs",
        "therapy.entries:carbs",
        text="record carbohydrate eaten without a bolus, in g",
        example="basalt carbs 45",
    )
    carbs.add_argument("grams", type=value_types.grams, metavar="GRAMS", help="1 to 300 g")
    carbs.add_argument("--at", type=value_types.instant, metavar="TIME", help="eaten then; now")
    pen = add_command(
        commands,
        "pen",
        "therapy.entries:pen",
        text="record insulin given by pen or syringe, in U; it counts in limits and on board",
        example="basalt pen 4\n  basalt pen 6 --at 2026-03-01T07:30:00+01:00",
    )
    pen.add_argument("amount", type=value_types.units, metavar="UNITS", help="U, up to 100")
    pen.add_argument("--at", type=value_types.instant, metavar="TIME", help="given then; now")
    alarms = add_command(
        commands,
        "alarms",
        "therapy.entries:alarms",
        text="list the active alarms, acknowledge one, or silence one about glucose for a while",
        example="basalt alarms\n  basalt alarms ack glucose_low\n"
        "  basalt alarms snooze glucose_high",
    )
    alarms.add_argument(
        "act", nargs="?", choices=("ack", "snooze"), help="acknowledge or silence the alarm NAME"
    )
    alarms.add_argument("name", nargs="?", metavar="NAME", help="as 'basalt alarms' shows it")
    settle = add_command(
        commands,
        "settle",
        "therapy.entries:settle",
        text="go on although events of a service are missing, after checking the pump",
        example="basalt settle actuator",
    )
    settle.add_argument("speaker", metavar="SERVICE", help="whose events are given up")


def add_alerts(commands: Commands) -> None:
    """Add the thresholds of alerts."""
    alerts = add_command(
        commands,
        "alerts",
        "therapy.settings:alerts",
        text="show when a person is alerted about glucose, or change what is named",
        example="basalt alerts\n  basalt alerts --low 80 --high 13.9mmol\n"
        "  basalt alerts --measurements 6 --set-due 60h",
    )
    number = value_types.threshold
    for name, least, most, kind in (
        ("--urgent-low", "40", "100 mg/dL", number),
        ("--low", "50", "150 mg/dL", number),
        ("--high", "120", "400 mg/dL", number),
        ("--fast", "1", "10 mg/dL/min, rising or falling", value_types.thousandths),
        ("--missing", "5m", "240m without a reading of the sensor", value_types.duration),
        ("--set-due", "24h", "168h of one infusion set", value_types.duration),
        ("--set-overdue", "24h", "168h of one infusion set", value_types.duration),
    ):
        alerts.add_argument(name, type=kind, metavar="VALUE", help=f"{least} to {most}")
    alerts.add_argument(
        "--measurements",
        dest="measurements_a_day",
        type=int,
        metavar="COUNT",
        help="0 to 24 a day by meter, without a sensor; 0 for no reminder",
    )
    _add_because(alerts)


def add_bolus(commands: Commands) -> None:
    """Add advice, acceptance and boluses."""
    advise = add_command(
        commands,
        "advise",
        "therapy.bolus:advise",
        text="ask how much insulin to give, for g of carbohydrate and the glucose of now",
        example="basalt advise --carbs 45",
    )
    _add_spread(advise)
    advise.add_argument(
        "--carbs",
        type=value_types.grams,
        default=0,
        metavar="GRAMS",
        help="0 to 300 g about to be eaten",
    )
    accept = add_command(
        commands,
        "accept",
        "therapy.bolus:accept",
        text="give what was advised; refused if anything that matters has changed since",
        example="basalt accept bolus_advisor:p1:12",
    )
    accept.add_argument(
        "advice", nargs="?", metavar="ADVICE", help="its id; the newest, after a question"
    )
    accept.add_argument(
        "--amount",
        type=value_types.units,
        metavar="UNITS",
        help="another amount, in the same limits",
    )
    accept.add_argument("--yes", action="store_true", help="do not ask before the newest is given")
    bolus = add_command(
        commands,
        "bolus",
        "therapy.bolus:own_amount",
        text="give an amount of your own in U, within the same limits",
        example="basalt bolus 1.25\n  basalt bolus 4 --over 3h --now 50%\n"
        "  basalt bolus --preset snack",
    )
    bolus.add_argument(
        "amount", type=value_types.units, nargs="?", metavar="UNITS", help="U, steps of 0.05 U"
    )
    bolus.add_argument("--preset", metavar="NAME", help="what 'basalt preset' keeps by that name")
    _add_spread(bolus)
    _add_preset(commands)
    for parser in (accept, bolus):
        parser.add_argument(
            "--no-wait", action="store_true", help="do not wait for the pump to begin"
        )
        parser.add_argument(
            "--confirm", action="store_true", help="say it a second time, where that is asked for"
        )
    add_command(
        commands,
        "cancel",
        "therapy.delivery:cancel",
        text="stop the bolus that is being given; the part given stays counted",
        example="basalt cancel",
    )


def _add_preset(commands: Commands) -> None:
    preset = add_command(
        commands,
        "preset",
        "therapy.bolus:preset",
        text="list the amounts kept for a quick bolus, keep one by a name, or forget it",
        example="basalt preset\n  basalt preset snack 1.5\n  basalt preset pizza 4 --over 3h\n"
        "  basalt preset snack off",
    )
    preset.add_argument("name", nargs="?", metavar="NAME", help="1 to 64 characters")
    preset.add_argument("amount", nargs="?", type=value_types.units_or_off, help="U, or off")
    preset.add_argument(
        "--over", type=value_types.some_time, default=0, help="spread: 30m to 8h by most pumps"
    )
    _add_because(preset)


def _add_spread(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--over",
        type=value_types.some_time,
        default=0,
        metavar="TIME",
        help="spread it: 30m to 8h by most",
    )
    parser.add_argument(
        "--now",
        type=value_types.percent,
        default=0,
        metavar="PERCENT",
        help="at once, such as 40%%",
    )


def _add_because(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--because", default="", metavar="TEXT", help="kept with the change")


def add_therapy(commands: Commands) -> None:
    """Add temporary rates, suspension and the reservoir."""
    temp = add_command(
        commands,
        "temp",
        "therapy.delivery:temp",
        text="run another basal rate for 15 min to 24 h, or end the one that runs",
        example="basalt temp 80% 30m\n  basalt temp 0.5U/h 2h\n  basalt temp off",
    )
    temp.add_argument(
        "rate", type=value_types.temporary_rate, metavar="RATE", help="80%%, 0.5U/h or off"
    )
    temp.add_argument("duration", type=value_types.some_time, nargs="?", help="30m, 2h")
    suspend = add_command(
        commands,
        "suspend",
        "therapy.delivery:suspend",
        text="stop all insulin, a running bolus included, until resumed or for a while",
        example="basalt suspend\n  basalt suspend --for 30m",
    )
    suspend.add_argument(
        "--for",
        dest="duration",
        type=value_types.some_time,
        default=0,
        metavar="TIME",
        help="1m to 24h",
    )
    resume = add_command(
        commands,
        "resume",
        "therapy.delivery:resume",
        text="deliver basal again; a stopped bolus stays stopped",
        example="basalt resume",
    )
    fill = add_command(
        commands,
        "fill",
        "therapy.delivery:fill",
        text="tell the pump that a new reservoir was put in, in U",
        example="basalt fill 200",
    )
    fill.add_argument("amount", type=value_types.units, metavar="UNITS", help="U, up to 300")
    fill.add_argument(
        "--concentration", type=value_types.concentration, default=100, help="U-100, the only one"
    )
    for parser in (temp, suspend, resume, fill):
        _add_because(parser)


def add_files(commands: Commands) -> None:
    """Add profile, settings and limits."""
    profile = add_command(
        commands,
        "profile",
        "therapy.settings:profile",
        text="set the basal profile from a file, or show the one in force",
        example="basalt profile show > profile.json\n  basalt profile profile.json\n\nfile:\n"
        '  {"name": "weekday", "zone": "Europe/Berlin",\n'
        '   "segments": [{"start": "00:00", "rate": 0.8}, {"start": "05:00", "rate": 1.2}]}\n'
        "  start by the clock on the wall of the zone, rate in U/h, 0 to 35",
    )
    profile.add_argument("file", metavar="FILE|show", help="JSON, rates in U/h")
    profile.add_argument(
        "--keep", action="store_true", help="only keep it, for 'basalt week'; deliver as before"
    )
    week = add_command(
        commands,
        "week",
        "therapy.settings:week",
        text="deliver by another profile on each day of the week, of those that were set or kept",
        example="basalt profile rest.json --keep\n  basalt week work work work work work rest rest",
    )
    week.add_argument("days", nargs=7, metavar="NAME", help="seven names, Monday first")
    zone = add_command(
        commands,
        "zone",
        "therapy.settings:zone",
        text="on a journey, let profiles run by the clock of another time zone from now on",
        example="basalt zone America/New_York",
    )
    zone.add_argument("zone", metavar="ZONE", help="such as Europe/Berlin, or UTC+02:00")
    settings = add_command(
        commands,
        "settings",
        "therapy.settings:settings",
        text="set the settings of the bolus advisor from a file, or show those in force",
        example="basalt settings settings.json\n\nfile:\n"
        '  {"carb_ratio": 10, "unit": "mg/dL", "sensitivity": 40,\n'
        '   "target_low": 90, "target_high": 120,\n'
        '   "insulin": {"duration": "6h", "peak": "75m", "delay": "10m"}}\n'
        "  carb_ratio in g/U, 1 to 150; sensitivity in the unit per U; targets in the unit,\n"
        '  70 to 180 mg/dL; unit is mg/dL or mmol/L. By the hour, with "zone":\n'
        '  "carb_ratio": [{"start": "00:00", "value": 12}, {"start": "06:00", "value": 8}]\n'
        "  Optional: correct_above in the unit; rules, a name that\n"
        "  'basalt calc bolus' knows, basalt where none is named",
    )
    settings.add_argument("file", metavar="FILE|show", help="JSON; no ratio has a default")
    for parser in (profile, week, zone, settings, add_limits(commands)):
        _add_because(parser)
