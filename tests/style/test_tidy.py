"""Every module keeps the style sheet, and every rule of it bites."""

import ast
import pathlib
import tomllib
from collections.abc import Callable, Iterable
from functools import cache, partial

import pytest

from support import tidy_rules
from support.order import LONGEST_FIRST
from support.repository import DATA, ROOT, own_files

SHIPPED = sorted(p for room in ("schemas", "core", "services") for p in (ROOT / room).rglob("*.py"))
OTHER = sorted(p for room in ("bench", "deploy", "tests") for p in (ROOT / room).rglob("*.py"))
ROOMS = ("core", "services", "schemas", "tests")
FOLDERS = sorted(
    folder
    for folder in {folder for path in own_files(ROOT) for folder in path.parents}
    if folder.is_relative_to(ROOT)
    and folder.relative_to(ROOT).parts[:1] in [(room,) for room in ROOMS]
    and not folder.is_relative_to(DATA)
)
VOCABULARY = [p for p in SHIPPED if p.is_relative_to(ROOT / "schemas")]
CLOCK = ROOT / "services" / "runtime" / "platform" / "clock.py"


def name(path: pathlib.Path) -> str:
    return path.relative_to(ROOT).as_posix()


def trees() -> list[ast.Module]:
    return [ast.parse(path.read_text(encoding="utf-8")) for path in VOCABULARY]


def faults_in(
    paths: Iterable[pathlib.Path], rule: Callable[[str], Iterable[str]]
) -> dict[str, list[str]]:
    """Give the faults of each module that has any, by its name."""
    found = ((name(path), list(rule(text_of(path)))) for path in paths)
    return {module: faults for module, faults in found if faults}


@cache
def text_of(path: pathlib.Path) -> str:
    return path.read_text(encoding="utf-8")


def test_a_module_is_short_and_says_what_it_is() -> None:
    """Safety is reviewed by reading; what does not fit the eye is not reviewed."""
    assert {} == faults_in([*SHIPPED, *OTHER], tidy_rules.size_faults)


def test_a_message_has_a_versioned_tag_and_each_field_its_unit() -> None:
    """A number whose unit is guessed is a dose that is wrong."""
    structs, messages = tidy_rules.struct_names(trees())
    rule = partial(tidy_rules.vocabulary_faults, structs=structs, messages=messages)

    assert {} == faults_in(VOCABULARY, rule)


def test_no_two_messages_share_a_tag() -> None:
    """The tag is the stored name; two meanings of one name cannot be replayed."""
    _, messages = tidy_rules.struct_names(trees())
    classes = [n for tree in trees() for n in ast.walk(tree) if isinstance(n, ast.ClassDef)]

    tags = [tidy_rules.tag_of(node) for node in classes if node.name in messages]

    assert sorted(set(tags)) == sorted(tags)


def test_an_init_holds_one_docstring_only() -> None:
    """An import that does work hides an order of start."""
    inits = [path for path in SHIPPED if path.name == "__init__.py"]

    assert {} == faults_in(inits, tidy_rules.init_faults)


def test_only_the_clock_module_reads_a_clock() -> None:
    """A replay that reads today's time tells another history."""
    assert CLOCK in SHIPPED
    assert {} == faults_in((p for p in SHIPPED if p != CLOCK), tidy_rules.clock_faults)


def test_nothing_catches_everything_but_the_process_edge() -> None:
    """A fault that is swallowed is a pump that goes on wrongly."""
    runtime = ROOT / "services" / "runtime"
    edge = [path for path in SHIPPED if path.is_relative_to(runtime)]
    inside = [path for path in SHIPPED if not path.is_relative_to(runtime)]

    assert edge and inside
    assert {} == faults_in(edge, partial(tidy_rules.except_faults, at_process_edge=True))
    assert {} == faults_in(inside, partial(tidy_rules.except_faults, at_process_edge=False))


def test_shipped_code_asserts_nothing() -> None:
    """Python with -O removes an assert, and the check with it."""
    assert {} == faults_in(SHIPPED, tidy_rules.assert_faults)


def test_each_judge_that_is_silenced_has_its_reason_beside_it() -> None:
    """A rule that is switched off without a reason is switched off for ever."""
    assert {} == faults_in([*SHIPPED, *OTHER], tidy_rules.silence_faults)


def test_the_files_that_are_handed_out_first_exist() -> None:
    """A file that was renamed would be handed out last, and everybody would wait for it."""
    assert [] == [path for path in LONGEST_FIRST if not (ROOT / path).exists()]


def test_what_mutation_testing_is_told_to_use_exists() -> None:
    """A file that was renamed would be left out in silence, and its mutants would survive."""
    with (ROOT / "pyproject.toml").open("rb") as file:
        told = tomllib.load(file)["tool"]["mutmut"]
    tests = told["pytest_add_cli_args_test_selection"]

    assert [] == [path for path in tests if not (ROOT / path).exists()]
    assert [] == [pattern for pattern in told["only_mutate"] if not [*ROOT.glob(pattern)]]


def test_there_is_something_to_look_at() -> None:
    """A search that finds no module finds no fault in any."""
    assert all(len(paths) > 10 for paths in (SHIPPED, OTHER, VOCABULARY, FOLDERS))


def test_no_folder_of_tests_is_a_package() -> None:
    """A package tests/core would stand in front of core."""
    assert [] == [name(path) for path in (ROOT / "tests").rglob("__init__.py")]


def test_no_file_names_a_machine_or_a_registry() -> None:
    """A clone works anywhere."""
    faults = {
        name(path): found
        for path in own_files(ROOT)
        if path.is_file() and (found := list(tidy_rules.text_faults(path.read_bytes())))
    }

    assert {} == faults


def test_the_files_of_a_checkout_are_found_without_git(tmp_path: pathlib.Path) -> None:
    """A machine with Python and make alone has no git, and an archive of the tree no history."""
    (tmp_path / ".gitignore").write_text("__pycache__/\n*.egg-info/\n/data/\n.coverage.*\n")
    own = ["core/data/kept.txt", "core/module.py", "data.txt", "__pycache__.md"]
    other = [".git/HEAD", "core/__pycache__/m.pyc", "a.egg-info/x", "data/journal", ".coverage.7"]
    for path in (*own, *other):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).touch()

    found = {path.relative_to(tmp_path).as_posix() for path in own_files(tmp_path)}

    assert {".gitignore", *own} == found


def test_a_folder_can_be_looked_over() -> None:
    """Where there are more, nobody knows where a new file belongs."""
    found = ((name(f), tidy_rules.folder_faults(one.name for one in f.iterdir())) for f in FOLDERS)

    assert {} == {folder: faults for folder, each in found if (faults := list(each))}


LONG = "def f() -> None:\n" + "    print()\n" * tidy_rules.FUNCTION_LINES_MAX


@pytest.mark.parametrize(
    "text", ["x = 1\n", '"""Long."""\n' + "\n" * tidy_rules.LINES_MAX, '"""Long."""\n' + LONG]
)
def test_a_long_or_silent_module_is_found(text: str) -> None:
    """A check that never fails checks nothing."""
    assert 1 == len(list(tidy_rules.size_faults(text)))


@pytest.mark.parametrize(
    "text",
    [
        "class Given(Event):\n    pass\n",
        "class Given(Event, tag='given'):\n    pass\n",
        "class Given(msgspec.Struct):\n    amount: int\n",
        "class Given(msgspec.Struct):\n    amount: int\n    '''What was given.'''\n",
        "class Base(Event, tag='base.v1'):\n    pass\nclass Given(Base):\n    pass\n",
    ],
)
def test_a_message_without_tag_or_unit_is_found(text: str) -> None:
    """A check that never fails checks nothing."""
    structs, messages = tidy_rules.struct_names([ast.parse(text)])

    faults = tidy_rules.vocabulary_faults(text, structs=structs, messages=messages)

    assert 1 == len(faults)


def test_a_folder_with_too_many_entries_is_found() -> None:
    """A check that never fails checks nothing."""
    most = [f"{number}.py" for number in range(tidy_rules.FOLDER_ENTRIES_MAX)]

    assert [] == list(tidy_rules.folder_faults([*most, "__init__.py", "__pycache__"]))
    assert 1 == len(list(tidy_rules.folder_faults([*most, "one_more"])))


@pytest.mark.parametrize("text", ["", "import os\n", '"""Doc."""\nimport os\n'])
def test_an_init_that_does_something_is_found(text: str) -> None:
    """A check that never fails checks nothing."""
    assert 1 == len(list(tidy_rules.init_faults(text)))


@pytest.mark.parametrize(
    "text",
    [
        "import time\ntime.time()\n",
        "import time as t\nt.monotonic_ns()\n",
        "from time import perf_counter\n",
        "import datetime\ndatetime.datetime.now()\n",
        "from datetime import datetime\ndatetime.now(tz)\n",
        "from datetime import date\nread = date.today\n",
        "import asyncio\nasyncio.get_running_loop().time()\n",
        "self.loop.time()\n",
    ],
)
def test_a_clock_is_found_under_every_name(text: str) -> None:
    """A check that never fails checks nothing."""
    assert 1 == len(list(tidy_rules.clock_faults(text)))


@pytest.mark.parametrize(
    ("kind", "at_process_edge"),
    [("", True), (" Exception", False), (" (ValueError, BaseException)", False)],
)
def test_an_except_that_catches_everything_is_found(kind: str, at_process_edge: bool) -> None:
    """A check that never fails checks nothing."""
    text = f"try:\n    pass\nexcept{kind}:\n    pass\n"

    assert 1 == len(list(tidy_rules.except_faults(text, at_process_edge=at_process_edge)))


def test_an_assert_is_found() -> None:
    """A check that never fails checks nothing."""
    assert 1 == len(list(tidy_rules.assert_faults("def f() -> None:\n    assert True\n")))


@pytest.mark.parametrize(
    "comment",
    ["noqa", "noqa: S608", "noqa  # all", "type: ignore", "type: ignore[misc]", "pyright: ignore"],
)
def test_a_judge_silenced_without_a_reason_is_found(comment: str) -> None:
    """A check that never fails checks nothing."""
    assert 1 == len(list(tidy_rules.silence_faults(f"first = 1\nsecond = 2  # {comment}\n")))
    assert [] == list(tidy_rules.silence_faults(f'text = "# {comment}"\n'))


def test_a_reason_beside_a_silenced_judge_is_enough() -> None:
    """Two judges and their reason fit on one line."""
    text = "first = 1  # noqa: S608, TID251  # no foreign text\nx = 1  # type: ignore[misc]  # a\n"

    assert [] == list(tidy_rules.silence_faults(text))


@pytest.mark.parametrize("text", tidy_rules.FORBIDDEN_TEXT)
def test_a_machine_or_registry_is_found(text: str) -> None:
    """A check that never fails checks nothing."""
    assert 1 == len(list(tidy_rules.text_faults(f"first\nsee {text}x\n".encode())))
