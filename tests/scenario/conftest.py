"""What the scenarios share."""

import pytest

from support.simulated.fake_system import FakeSystem


@pytest.fixture
def system() -> FakeSystem:
    """Give five services and a pump, with all settings that a therapy needs."""
    ready = FakeSystem()
    ready.set_up()
    return ready
