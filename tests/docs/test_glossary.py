"""The words of the glossary are those of the code, and private words stay out of it."""

import re

import pytest

from support.repository import ROOT

GLOSSARY = (ROOT / "docs/glossary.md").read_text(encoding="utf-8")

PRIVATE_WORDS = ("senses", "house", "teller", "leash", "crashpoint")
"""[-] words that had a meaning in this project alone; each has a term of the field now."""


def words_in(text: str) -> list[str]:
    """Give the first cell of each row."""
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    return [row.split(" | ")[0].removeprefix("| ") for row in rows if not row.startswith("| word")]


def code() -> str:
    """Give the code of all rooms as one text, in lower case."""
    rooms = ("core", "schemas", "services")
    return "\n".join(
        p.read_text("utf-8") for room in rooms for p in (ROOT / room).rglob("*.py")
    ).lower()


def missing(words: list[str], text: str) -> list[str]:
    """Name the words that the text has in none of its spellings: two words, joined, or a class."""
    return [
        word
        for word in words
        if not any(word.lower().replace(" ", by) in text for by in (" ", "_", ""))
    ]


def test_each_word_of_the_glossary_exists_in_the_code() -> None:
    """A word that only a document uses is a second language."""
    words = words_in(GLOSSARY)

    assert 50 <= len(words) == len(set(words))
    assert [] == missing(words, code())


def test_a_word_that_the_code_does_not_know_is_found() -> None:
    """A check that never fails checks nothing."""
    assert ["flux capacitor"] == missing(["flux capacitor", "outbox"], code())


@pytest.mark.parametrize("word", PRIVATE_WORDS)
def test_a_private_word_does_not_come_back(word: str) -> None:
    """Nobody should need a translator."""
    assert [] == re.findall(rf"\b{word}\b", code())
