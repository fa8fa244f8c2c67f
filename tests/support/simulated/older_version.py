"""What version 0.1.0 let in: settings that are not held against each other."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

CHECKS = (
    "core.deciders.basal.decider.profile_problem",
    "core.deciders.basal.decider.week_problem",
    "core.deciders.basal.decider.temporary_problem",
    "core.deciders.delivery.decider.limits_problem_of",
)
"""[-] what refuses a profile, a week, a rate or limits that do not fit."""


@contextmanager
def an_older_version() -> Iterator[None]:
    """Let every profile, week, rate and limit in, within the block alone."""
    with pytest.MonkeyPatch.context() as patch:
        for check in CHECKS:
            patch.setattr(check, lambda *_: None)
        yield
