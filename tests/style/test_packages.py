"""The three import names belong to this distribution alone."""

import importlib.metadata

import pytest

from support.repository import ROOT

ROOMS = ("schemas", "core", "services")


@pytest.mark.parametrize("room", ROOMS)
def test_no_other_distribution_writes_into_our_packages(room: str) -> None:
    """The public registry holds other packages of these names; an overwrite would go unnoticed.

    An editable install lists no files, so that nobody at all may own the name then.
    """
    owners = importlib.metadata.packages_distributions()

    assert set() == set(owners.get(room, [])) - {"basalt"}


def test_the_checkout_is_what_is_tested() -> None:
    """A green run that tested an old wheel proves nothing."""
    imported = [__import__(room).__path__[0] for room in ROOMS]

    assert [str(ROOT / room) for room in ROOMS] == imported


def test_the_distribution_is_installed_under_its_name() -> None:
    """The `basalt` command and the versions in its reports come from the installed metadata."""
    assert "basalt" == importlib.metadata.metadata("basalt")["Name"]
