"""The documents build as a site, with every reference in them."""

import subprocess
import sys
from pathlib import Path

import pytest

from support.repository import ROOT


def build(source: Path, target: Path) -> subprocess.CompletedProcess[str]:
    """Build as `make docs` does."""
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-b", "html"]
    return subprocess.run(
        [*command, str(source), str(target)], capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("wrong", ["", "[gone](nowhere.md)", "# One\n\n### Three"])
def test_the_site_builds_and_a_broken_page_fails(tmp_path: Path, wrong: str) -> None:
    """A page that nobody can open is not documentation."""
    source = tmp_path / "docs"
    if wrong:
        source.mkdir()
        (source / "conf.py").write_text((ROOT / "docs/conf.py").read_text())
        (source / "index.md").write_text(f"# Title\n\n{wrong}\n")
    else:
        source = ROOT / "docs"

    built = build(source, tmp_path / "html")

    assert bool(wrong) == bool(built.returncode), built.stderr
