"""The three import names belong to this distribution alone."""

import importlib.metadata

import pytest


@pytest.mark.parametrize("room", ["schemas", "core", "services"])
def test_no_other_distribution_writes_into_our_packages(room: str) -> None:
    """The public registry holds other packages of these names; an overwrite would go unnoticed."""
    owners = importlib.metadata.packages_distributions()

    assert {"basalt"} == set(owners.get(room, []))
