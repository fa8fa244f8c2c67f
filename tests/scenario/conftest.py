"""What the scenarios share."""

import pytest

from support.simulated.fake_system import FakeHouse


@pytest.fixture
def house() -> FakeHouse:
    """Give five services and a pump, with all settings that a therapy needs."""
    ready = FakeHouse()
    ready.set_up()
    return ready
