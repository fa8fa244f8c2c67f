"""Every verb of `basalt`: its group, one line about it, and the one module that is the verb.

A verb's module holds its help as docstring, an `EXAMPLE`, `add_arguments` and `run`. It is imported
only when its verb is typed, so that help and a small verb do not wait for a large one.
"""

import argparse
import importlib
from dataclasses import dataclass
from typing import Final, Protocol, cast

GROUPS: Final = {
    "Person": "what you record, and what you are told",
    "Therapy": "how insulin is dosed",
    "Record": "what has been, and whether it holds",
    "Pump": "what the pump is told",
    "System": "what runs here",
}
"""[-] of verbs, in the order of help."""

MAYBE_OBEYED: Final = "what was sent before may have been obeyed"
UNCHANGED: Final = "nothing was changed"


class VerbModule(Protocol):
    """What a verb's module has; its docstring is its help."""

    EXAMPLE: str
    """[-] lines to copy."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Add what the verb takes beside the options of every verb."""
        ...

    def run(self, arguments: argparse.Namespace) -> int:
        """Do it; give the exit code."""
        ...


@dataclass(frozen=True, slots=True)
class Verb:
    """One verb as the table has it."""

    name: str
    group: str
    """[-] a key of `GROUPS`."""
    summary: str
    """[-] one line of the help of `basalt`."""
    module: str
    """[-] of this package."""
    stopped: str = MAYBE_OBEYED
    """[-] what Ctrl-C leaves behind."""

    def load(self) -> VerbModule:
        """Import its module."""
        found = importlib.import_module(f"services.command_line.{self.module}")
        return cast(VerbModule, found)


_ALL: Final = (
    Verb("glucose", "Person", "record one glucose reading", "person.glucose"),
    Verb("carbs", "Person", "record carbohydrate eaten without a bolus", "person.carbs"),
    Verb("pen", "Person", "record insulin given by pen or syringe", "person.pen"),
    Verb("ingest", "Person", "send the readings of a file", "person.ingest"),
    Verb("correct", "Person", "say that something was recorded wrong", "person.correct"),
    Verb("alarms", "Person", "list, acknowledge or silence alarms", "person.alarms"),
    Verb("alerts", "Person", "show or change when you are alerted", "person.alerts"),
    Verb("settle", "Person", "go on although events of a service are missing", "person.settle"),
    Verb("advise", "Therapy", "ask how much insulin to give", "therapy.advise"),
    Verb("accept", "Therapy", "give what was advised", "therapy.accept"),
    Verb("bolus", "Therapy", "give an amount of your own", "therapy.bolus"),
    Verb("preset", "Therapy", "keep amounts for a quick bolus by a name", "therapy.preset"),
    Verb("cancel", "Therapy", "stop the bolus that is being given", "therapy.cancel"),
    Verb("temp", "Therapy", "run another basal rate for a while", "therapy.temp"),
    Verb("profile", "Therapy", "set or show the basal profile", "therapy.profile"),
    Verb("week", "Therapy", "deliver by another profile each day of the week", "therapy.week"),
    Verb("zone", "Therapy", "run profiles by the clock of another time zone", "therapy.zone"),
    Verb("settings", "Therapy", "set or show the bolus advisor's settings", "therapy.settings"),
    Verb("limits", "Therapy", "set or show the hard limits of delivery", "therapy.limits"),
    Verb("history", "Record", "list events and changes, add up days", "record.history", UNCHANGED),
    Verb("replay", "Record", "print the state of a pump at a time", "record.replay", UNCHANGED),
    Verb("explain", "Record", "print what an event came from", "record.explain", UNCHANGED),
    Verb(
        "whatif",
        "Record",
        "decide a history anew under other settings",
        "record.whatif.whatif",
        UNCHANGED,
    ),
    Verb(
        "verify",
        "Record",
        "check decisions, orders, the record, a proof, an archive",
        "record.verify.verify",
        UNCHANGED,
    ),
    Verb(
        "prove",
        "Record",
        "write the proof that an event is on record",
        "record.verify.prove",
        UNCHANGED,
    ),
    Verb("archive", "Record", "write a period into a file of its own", "record.verify.archive"),
    Verb("suspend", "Pump", "stop all insulin", "pump.suspend"),
    Verb("resume", "Pump", "deliver basal again", "pump.resume"),
    Verb("disconnect", "Pump", "take the pump off the body for a while", "pump.disconnect"),
    Verb("reconnect", "Pump", "put it on again", "pump.reconnect"),
    Verb("change", "Pump", "guide through a new cartridge and infusion set", "pump.change"),
    Verb("fill", "Pump", "tell of a new reservoir", "pump.fill"),
    Verb("prime", "Pump", "fill tube or cannula", "pump.prime"),
    Verb("clear", "Pump", "let the motor turn again after a fault", "pump.clear"),
    Verb("dose", "Pump", "say what a dose came to that nobody knows of", "pump.dose"),
    Verb("pump", "Pump", "pair a pump with its actuator, or take it back", "pump.pump"),
    Verb("count", "Pump", "go on from the pump's own count", "pump.count"),
    Verb("up", "System", "start everything on this machine", "system.up", "nothing was started"),
    Verb("status", "System", "show every service, its health and its lag", "system.status"),
    Verb("clock", "System", "show the clock, or say whether time has passed", "system.clock"),
    Verb("calc", "System", "compute what a scenario asks for", "system.calc", "nothing was sent"),
    Verb("store", "System", "copy journals into PostgreSQL or back", "system.store"),
    Verb("schema", "System", "write or check the schemas of every message", "system.schema"),
    Verb("completion", "System", "print a completion script for a shell", "system.completion"),
    Verb("version", "System", "print the version", "system.version"),
)

VERBS: Final[dict[str, Verb]] = {verb.name: verb for verb in _ALL}
"""[-] in the order of help."""
