"""A decider with some of its functions replaced, as mutants and special scenes need one."""

import copy
from typing import Any

from core.kernel.decider import Decider


def changed(decider: Decider[Any], **functions: Any) -> Decider[Any]:
    """Give a decider that is like this one but for these functions, which take no self."""
    other = copy.copy(decider)
    for name, function in functions.items():
        getattr(decider, name)  # a name that no decider has is a mistake of the test
        setattr(other, name, function)
    return other
