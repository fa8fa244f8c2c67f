"""Which safety requirements no code can keep, and why."""

from typing import Final

NOT_BUILT_YET: Final = (
    *(122, 123, 124, 125, 126, 127, 128),
    *(132, 135),
)
"""[-] numbers of requirements that attacks on the running system brought up."""

EXCEPTIONS: Final[dict[str, str]] = {
    "R14": "worst-case advice is given, marked so (R37 and the interval of insulin on board)",
    "R18": "amounts are whole milliunits by type; no test of its own",
    "R33": "an order and its confirmation are both events; covered by R34 and R36",
    "R55": "alarms are silenced at the speaker that raised them; its loss is another alarm",
    "R59": "needs a simulated sensor",
    "R60": "needs a simulated sensor",
    "R61": "readings carry no wear period",
    "R63": "requests are not rated; 10,000 readings at once stop nobody (N6), and an order still "
    "meets every limit",
    "R75": "there is one channel of alarms, the record; no speaker",
    "R77": "spread over the mutants of this table; no test of its own",
    "R84": "every fault of the virtual pump is unmasked",
    "R92": "nothing is ever overwritten: the oldest event stays, and a disk that fills is an alarm",
    "R101": "readings are authentic by the broker's permissions only",
    "R105": "there is no physical button",
    "R106": "versions are not signed",
    **{f"R{one}": "not built yet" for one in NOT_BUILT_YET},
    "R109": "the lock file names every package with its hashes; no SBOM document yet",
}
"""[-] requirements of sections A, C to G, I, J and of attacks that no row stands for, and why."""

SECTIONS: Final = (*range(1, 21), *range(33, 85), *range(91, 111), *range(115, 137))
"""[-] numbers of sections A, C to G, I and J, and of what attacks brought up."""
