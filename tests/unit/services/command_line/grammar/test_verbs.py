"""Every verb of the command line: it loads, it explains itself, and its examples can be typed."""

import argparse
import pkgutil
import shlex
import subprocess
import sys
from collections.abc import Iterator

import pytest

import services.command_line
from core.deciders.names import SPEAKERS
from core.deciders.registry import DECIDERS
from services.command_line.grammar.parser import make_parser
from services.command_line.grammar.verbs import GROUPS, VERBS
from services.command_line.main import main

COLUMNS = 80
"""[characters] of a line of help."""

IMPORTED = (
    "import sys, services.command_line.main as m\ntry: m.main({words})\nfinally: print({out})"
)


@pytest.fixture(autouse=True)
def columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(COLUMNS))


def help_of(words: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    with pytest.raises(SystemExit) as end:
        main([*words, "--help"])
    assert 0 == end.value.code
    return capsys.readouterr().out


def typed_in(example: str) -> Iterator[list[str]]:
    """Give the words behind each `basalt` of an example, as a shell would hand them over."""
    for line in example.strip().replace("\\\n", "").splitlines():
        lexer = shlex.shlex(line, posix=True, punctuation_chars="|<>")
        lexer.whitespace_split = True
        words: list[str] = []
        for word in [*lexer, "|"]:
            if word == "|":
                assert "basalt" == words[0]
                yield words[1:]
                words = []
            else:
                words.append(word)


def without_files(words: list[str]) -> list[str]:
    """Leave out what the shell does with a file."""
    stop = next((at for at, word in enumerate(words) if word in "<>"), len(words))
    return words[:stop]


@pytest.mark.parametrize("name", VERBS)
def test_each_verb_loads_and_parses_its_own_examples(name: str) -> None:
    """A verb is imported when it is typed: a slip in it would be found by a person."""
    module = VERBS[name].load()
    typed = [without_files(words) for words in typed_in(module.EXAMPLE)]

    parsed = [make_parser(words).parse_args(words) for words in typed]

    assert name in [one.command for one in parsed]
    assert {VERBS[one.command].load().run for one in parsed} == {one.handler for one in parsed}


@pytest.mark.parametrize("name", VERBS)
def test_each_verb_explains_itself_in_80_columns(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Help is what one reads when nothing works, on whatever screen there is."""
    text = help_of([name], capsys)

    first = (VERBS[name].load().__doc__ or "").split()[0]
    assert [] == [line for line in text.splitlines() if len(line) > COLUMNS]
    assert f"\n{first} " in text
    assert "\nexample:\n  basalt " in text


def test_a_wide_terminal_gets_the_same_help(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Long lines are hard to read anywhere."""
    narrow = help_of(["verify"], capsys)
    monkeypatch.setenv("COLUMNS", "200")

    assert narrow == help_of(["verify"], capsys)


def test_help_lists_every_verb_in_its_group(capsys: pytest.CaptureFixture[str]) -> None:
    """Forty verbs in a row are searched, not read."""
    lines = help_of([], capsys).splitlines()

    assert [] == [line for line in lines if len(line) > COLUMNS]
    assert list(GROUPS) == [line.split(":")[0] for line in lines if line.split(":")[0] in GROUPS]
    for verb in VERBS.values():
        (at,) = [number for number, line in enumerate(lines) if line.split()[:1] == [verb.name]]
        heads = [line.split(":")[0] for line in lines[:at] if line and line[0] != " "]
        assert (verb.group, True) == (heads[-1], lines[at].endswith(verb.summary))


def test_every_module_with_arguments_is_a_verb() -> None:
    """A verb that is not in the table cannot be typed."""
    package = services.command_line
    names = [one.name for one in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")]
    verbs = {f"{package.__name__}.{verb.module}" for verb in VERBS.values()}

    found = set()
    for name in names:
        module = __import__(name, fromlist=["x"]) if not name.endswith("__main__") else None
        if hasattr(module, "add_arguments"):
            found.add(name)

    assert verbs == found


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        (["--help"], set()),
        (["glucose", "--help"], {"person.glucose"}),
        (["--data", "status", "glucose", "x"], {"person.glucose", "system.status"}),
    ],
)
def test_only_the_verb_that_is_typed_is_imported(words: list[str], wanted: set[str]) -> None:
    """One reading does not wait for a thousand lines about archives."""
    program = IMPORTED.format(words=words, out="'\\n', *sys.modules")
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False
    )

    found = set(done.stdout.splitlines()[-1].split())
    verbs = {verb.module for verb in VERBS.values()}
    assert wanted == {one for one in verbs if f"services.command_line.{one}" in found}


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("glucos", "no such command: 'glucos', the nearest is 'glucose'"),
        ("frobnicate", "no such command: 'frobnicate'"),
    ],
)
def test_an_unknown_verb_is_refused_with_the_nearest(
    word: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing is guessed: the person types it again."""
    with pytest.raises(SystemExit) as end:
        main([word])

    assert 2 == end.value.code
    assert f"basalt: {said}; see 'basalt --help'\n" == capsys.readouterr().err


def test_every_option_is_explained() -> None:
    """An option without a word is guessed at."""
    (commands,) = [one.choices for one in make_parser()._actions if isinstance(one.choices, dict)]
    parsers: list[argparse.ArgumentParser] = list(commands.values())

    assert len(VERBS) == len(parsers)
    assert [] == [(p.prog, a.dest) for p in parsers for a in p._actions if not a.help]


def test_the_names_of_the_deciders_are_those_of_the_registry() -> None:
    """The verbs name them without loading a rule of theirs."""
    assert tuple(DECIDERS) == SPEAKERS
