"""The glossary: one type for each quantity, with its unit and range.

Insulin, glucose and time are whole numbers from end to end; a float lives inside a formula only.
"""

from typing import NewType

MilliUnits = NewType("MilliUnits", int)
"""[mU] insulin; 1 U = 1000 mU."""

MicroUnits = NewType("MicroUnits", int)
"""[uU] a thousandth of a milliunit: what a stroke physically gave, which no message ever says."""

MilliUnitsPerHour = NewType("MilliUnitsPerHour", int)
"""[mU/h] a rate of insulin."""

MgDl = NewType("MgDl", int)
"""[mg/dL] glucose."""

MicrogramsPerDlPerUnit = NewType("MicrogramsPerDlPerUnit", int)
"""[ug/dL/U] insulin sensitivity; 40 mg/dL per unit = 40000."""

MilligramsPerUnit = NewType("MilligramsPerUnit", int)
"""[mg/U] carbohydrate ratio; 10 g per unit = 10000."""

Grams = NewType("Grams", int)
"""[g] carbohydrate."""

UtcMillis = NewType("UtcMillis", int)
"""[ms] an instant: milliseconds since 1970-01-01T00:00Z, leap seconds left out as POSIX does."""

Milliseconds = NewType("Milliseconds", int)
"""[ms] a duration."""

PumpId = NewType("PumpId", str)
"""[-] 1 to 32 of a-z, 0-9, '-' and '_': one token of a subject."""

Speaker = NewType("Speaker", str)
"""[-] the name of a decider, the only kind of service that says events."""

Actor = NewType("Actor", str)
"""[-] who asked: 'person:NAME', 'service:NAME' or 'demonstration'."""

EventId = NewType("EventId", str)
"""[-] 'speaker:pump:version'."""

CommandId = NewType("CommandId", str)
"""[-] 1 to 64 printable characters chosen by the sender; the same id is obeyed once."""

DoseId = NewType("DoseId", str)
"""[-] the id of the BolusOrdered event; the pump executes one id once."""

MG_DL_PER_MMOL_L = 18.0156
"""[mg/dL per mmol/L] molar mass of glucose 180.156 g/mol, divided by 10."""

SECOND_MS = Milliseconds(1_000)
"""[ms] one second."""

MINUTE_MS = Milliseconds(60_000)
"""[ms] one minute."""

HOUR_MS = Milliseconds(3_600_000)
"""[ms] one hour."""

DAY_MS = Milliseconds(86_400_000)
"""[ms] 24 hours; a local day can have 23 or 25."""
