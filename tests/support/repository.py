"""Where the repository lies, and which files are its own, for tests that read them."""

from collections.abc import Iterator, Sequence
from fnmatch import fnmatch
from pathlib import Path

ROOT = Path(__file__).parents[2]
"""[-] the checkout."""

DATA = ROOT / "tests" / "data"
"""[-] what tests compare with: golden histories, released tags, the AsyncAPI schema."""


def own_files(root: Path) -> Iterator[Path]:
    """Give every file below a checkout that `.gitignore` does not name, without asking git.

    It knows what this repository's file uses: names with `*`, a `/` first for the top folder alone,
    a `/` last for folders alone.
    """
    ignored = (root / ".gitignore").read_text(encoding="utf-8").splitlines()
    folders = [root]
    while folders:
        for path in sorted(folders.pop().iterdir()):
            if path.name == ".git" or _is_ignored(path, root, ignored):
                continue
            if path.is_dir() and not path.is_symlink():
                folders.append(path)
            else:
                yield path


def _is_ignored(path: Path, root: Path, patterns: Sequence[str]) -> bool:
    for pattern in patterns:
        if pattern.endswith("/") and not path.is_dir():
            continue
        if pattern.startswith("/") and path.parent != root:
            continue
        if fnmatch(path.name, pattern.strip("/")):
            return True
    return False
