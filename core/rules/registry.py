"""Every bolus rule set by its name: one import and one line for each."""

from typing import Final

from core.rules.aaps import AAPS
from core.rules.basalt import BASALT
from core.rules.loop import LOOP
from core.rules.medtronic import MEDTRONIC
from core.rules.omnipod import OMNIPOD
from core.rules.shape import RuleSet
from core.rules.tandem import TANDEM
from core.rules.ypsomed import YPSOMED

_ALL = (BASALT, OMNIPOD, MEDTRONIC, TANDEM, YPSOMED, AAPS, LOOP)

RULE_SETS: Final[dict[str, RuleSet]] = {rules.name: rules for rules in _ALL}
"""[-] in the order in which they are shown; Basalt's own first."""
