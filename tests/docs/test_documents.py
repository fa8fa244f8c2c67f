"""What the documents name exists, and what they tell people to type works."""

import ast
import os
import pathlib
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from services.command_line.grammar.parser import make_parser
from services.runtime.platform.data_folder import DataFolder
from support.real.patience import PATIENCE_S
from support.repository import ROOT

TOP = ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md")
FILES = (*TOP, "Makefile", "requirements.lock", "requirements-dev.lock")
DOCUMENTS = [
    *(ROOT / name for name in TOP),
    *sorted((ROOT / "docs").rglob("*.md")),
    *sorted((ROOT / "deploy").rglob("*.md")),
]
ROOMS = ("schemas", "core", "services", "tests", "docs", "deploy", "bench", "examples")

CODE = re.compile(r"`([^`\n]+)`")
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")
FENCE = re.compile(r"^```([^\n]*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
PATH = re.compile(r"[\w./@-]+")

ADR_LINES_MAX = 40
"""[lines] of a decision; source: one screen."""

ARCHITECTURE_BYTES_MAX = 10_000
"""[bytes] of ARCHITECTURE.md; source: what somebody reads at one go."""

README_LINES_MAX = 120
"""[lines] of README.md; source: what somebody reads before they decide to try it."""

COMMANDS_S = 2 * PATIENCE_S
"""[s] for all commands of the README together."""


def title(path: pathlib.Path) -> str:
    return path.relative_to(ROOT).as_posix()


def prose(text: str) -> str:
    return FENCE.sub("", text)


def code_in(text: str) -> list[str]:
    return CODE.findall(prose(text))


def paths_in(text: str) -> Iterator[tuple[str, str]]:
    """Give what looks like a path of the repository, and the name after its colon, if any."""
    for words in code_in(text):
        path, _, name = words.partition(":")
        is_here = path.split("/")[0] in ROOMS or path in FILES or path.endswith(".toml")
        if PATH.fullmatch(path) and is_here:
            yield path, name


def names_in(path: pathlib.Path) -> set[str]:
    """Give every class, function and constant that a module defines, methods included."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        match node:
            case ast.ClassDef() | ast.FunctionDef() | ast.AsyncFunctionDef():
                found.add(node.name)
            case ast.Assign(targets=targets):
                found.update(one.id for one in targets if isinstance(one, ast.Name))
            case ast.AnnAssign(target=ast.Name(id=name)):
                found.add(name)
    return found


def faults_of(text: str, *, beside: pathlib.Path) -> list[str]:
    faults = [
        f"{path}:{name}"
        for path, name in paths_in(text)
        if not (ROOT / path).exists() or (name and name not in names_in(ROOT / path))
    ]
    links = [link for link in LINK.findall(text) if "://" not in link]
    return faults + [link for link in links if not (beside / link).exists()]


def commands_in(text: str) -> list[str]:
    """Give every line that tells somebody to type `basalt ...` or `make ...`."""
    blocks = [line for info, block in FENCE.findall(text) if info for line in block.splitlines()]
    lines = [*code_in(text), *blocks]
    return [line for line in lines if re.match(r"(basalt|make) +[a-z]", line)]


def command_fault(line: str) -> str | None:
    """Say what is wrong with a command line, None if it can be typed as it stands."""
    words = shlex.split(line, comments=True)
    if words[0] == "make":
        targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
        return None if words[1] in targets else f"no target {words[1]}"
    try:
        make_parser().parse_args(words[1:])
    except SystemExit:
        return line
    return None


@pytest.mark.parametrize("path", DOCUMENTS, ids=title)
def test_everything_that_a_document_names_exists(path: pathlib.Path) -> None:
    """A map with streets that are gone is worse than none."""
    assert [] == faults_of(path.read_text(encoding="utf-8"), beside=path.parent)


@pytest.mark.parametrize("path", DOCUMENTS, ids=title)
def test_every_command_of_a_document_can_be_typed(path: pathlib.Path) -> None:
    """The first command that fails is the last that a newcomer types."""
    lines = commands_in(path.read_text(encoding="utf-8"))

    assert [] == [fault for line in lines if (fault := command_fault(line))]


def test_the_readme_says_early_that_this_is_no_medical_device() -> None:
    """Whoever reads only the first screen must have read it."""
    top = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()[:8]

    assert any("not a medical device" in line for line in top)


@pytest.mark.parametrize("path", sorted((ROOT / "docs/adr").glob("[0-9]*.md")), ids=title)
def test_a_decision_is_short_and_has_its_three_parts(path: pathlib.Path) -> None:
    """A decision without its reason is made again every year."""
    text = path.read_text(encoding="utf-8")

    assert re.fullmatch(r"\d{4}-[a-z0-9-]+\.md", path.name)
    assert text.startswith(f"# {path.name[:4]} ")
    assert ["Context", "Decision", "Consequences"] == re.findall(r"^## (.*)$", text, re.MULTILINE)
    assert len(text.splitlines()) <= ADR_LINES_MAX


def test_the_decisions_are_numbered_without_holes() -> None:
    """A number that is missing looks like a page torn out."""
    numbers = [int(path.name[:4]) for path in sorted((ROOT / "docs/adr").glob("[0-9]*.md"))]

    assert list(range(1, len(numbers) + 1)) == numbers


def test_the_first_two_documents_can_be_read_at_one_go() -> None:
    """What is too long is not read."""
    assert (ROOT / "ARCHITECTURE.md").stat().st_size <= ARCHITECTURE_BYTES_MAX
    assert len((ROOT / "README.md").read_text().splitlines()) <= README_LINES_MAX


@pytest.mark.parametrize(
    "text",
    [
        "`core/nothing.py`",
        "`core/deciders/bolus/decider.py:nothing`",
        "[gone](nowhere.md)",
        "`nothing.toml`",
    ],
)
def test_a_name_that_is_gone_is_found(text: str) -> None:
    """A check that never fails checks nothing."""
    assert 1 == len(faults_of(text, beside=ROOT))


@pytest.mark.parametrize("line", ["basalt eat 40", "basalt temp", "make tea", "basalt bolus .5"])
def test_a_command_that_cannot_be_typed_is_found(line: str) -> None:
    """A check that never fails checks nothing."""
    assert command_fault(line)
    assert [line, line] == commands_in(f"`{line}`\n\n```sh\n{line}\n```\n")


@pytest.mark.system
def test_the_commands_of_the_readme_do_what_it_says(tmp_path: pathlib.Path) -> None:
    """The example that a newcomer copies is the most used code of all."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    blocks = [block for info, block in FENCE.findall(text) if info == "sh run"]
    data = DataFolder(tmp_path / "data")
    up = _start(data)
    try:
        _wait_until_ready(up, data)
        done = [_type(block, data) for block in blocks]
    finally:
        up.send_signal(signal.SIGINT)
        up.wait(PATIENCE_S)

    assert 1 == len(done)
    assert 0 == done[0].returncode, done[0].stdout + done[0].stderr
    assert "the pump is giving it" in done[0].stdout
    assert "1775 readings" in done[0].stdout


def _start(data: DataFolder) -> subprocess.Popen[bytes]:
    """Start the system as the README says, slower, so that a busy machine keeps up."""
    options = ("--no-screen", "--no-person", "--speed", "10")
    program = pathlib.Path(sys.executable).with_name("basalt")
    with (data.path.parent / "up.log").open("wb") as log:
        return subprocess.Popen(
            [program, "up", "--data", data.path, *options], stdout=log, stderr=log
        )


def _wait_until_ready(up: subprocess.Popen[bytes], data: DataFolder) -> None:
    for _ in range(round(PATIENCE_S / 0.1)):
        if data.running.exists():
            return
        assert up.poll() is None, (data.path.parent / "up.log").read_text()
        time.sleep(0.1)
    pytest.fail((data.path.parent / "up.log").read_text())


def _type(block: str, data: DataFolder) -> subprocess.CompletedProcess[str]:
    """Type a block of commands into a shell that stops at the first that fails."""
    here = pathlib.Path(sys.executable).parent
    env = {**os.environ, "BASALT_DATA": str(data.path), "PATH": f"{here}:{os.environ['PATH']}"}
    return subprocess.run(
        ["bash", "-euxo", "pipefail", "-c", block],
        cwd=ROOT,
        env=env,
        capture_output=True,
        text=True,
        timeout=COMMANDS_S,
        check=False,
        stdin=subprocess.DEVNULL,
    )
