"""What a service imports to log: JSON lines need no rich, and every start would pay for it."""

import subprocess
import sys

import pytest

LOADED = "import sys, {modules}; sys.exit('rich' in sys.modules)"


def loads_rich(modules: str) -> bool:
    """Say whether a process that imports these modules has loaded rich."""
    words = [sys.executable, "-c", LOADED.format(modules=modules)]
    return subprocess.run(words, check=False).returncode != 0


def test_no_service_loads_rich() -> None:
    """It was a fifth of the computing that a start takes, in each of six processes."""
    services = ("actuator", "basal_scheduler", "bolus_advisor", "glucose_ingest", "historian")

    assert not loads_rich(
        ", ".join(f"services.{name}.__main__" for name in (*services, "virtual_pump"))
    )


@pytest.mark.parametrize("modules", ["structlog", "services.runtime.platform.logs, rich.console"])
def test_whoever_loads_it_is_found_and_gets_it(modules: str) -> None:
    """The check can fail, and the screen finds rich although the log looked away."""
    assert loads_rich(modules)
