"""Every bolus rule set by its name: one import and one line for each."""

from typing import Final

from core.dosing.advice.rules.aaps import AAPS
from core.dosing.advice.rules.basalt import BASALT
from core.dosing.advice.rules.loop import LOOP
from core.dosing.advice.rules.medtronic import MEDTRONIC
from core.dosing.advice.rules.omnipod import OMNIPOD
from core.dosing.advice.rules.shape import RuleSet
from core.dosing.advice.rules.tandem import TANDEM
from core.dosing.advice.rules.ypsomed import YPSOMED

_ALL = (BASALT, OMNIPOD, MEDTRONIC, TANDEM, YPSOMED, AAPS, LOOP)

RULE_SETS: Final[dict[str, RuleSet]] = {rules.name: rules for rules in _ALL}
"""[-] in the order in which they are shown; Basalt's own first."""
