"""Where the repository lies, for tests that read its files."""

from pathlib import Path

ROOT = Path(__file__).parents[2]
"""[-] the checkout."""

DATA = ROOT / "tests" / "data"
"""[-] what tests compare with: golden histories, released tags, the AsyncAPI schema."""
