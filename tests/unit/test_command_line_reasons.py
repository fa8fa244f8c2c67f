"""Each reason code has a sentence, and no sentence lacks its code."""

import typing

import pytest

from schemas import codec
from schemas.message import tag_of
from services.command_line.reasons import OF_ANY, OF_ONE, in_words

FIELDS = ("reason", "reasons", "outcome", "fault", "confirm")


def _codes(hint: object) -> tuple[str, ...]:
    if typing.get_origin(hint) is typing.Literal:
        return tuple(str(code) for code in typing.get_args(hint))
    return tuple(code for inner in typing.get_args(hint) for code in _codes(inner))


REASONS = [
    (tag_of(kind), code)
    for kind in (*codec.EVENT_KINDS, *codec.REPORT_KINDS)
    for field, hint in typing.get_type_hints(kind).items()
    if field in FIELDS
    for code in _codes(hint)
]


@pytest.mark.parametrize(("tag", "code"), REASONS)
def test_each_reason_has_a_sentence(tag: str, code: str) -> None:
    """Somebody who is refused insulin must understand why."""
    assert code in OF_ANY or (tag, code) in OF_ONE
    assert " " in in_words(code, tag=tag)


def test_each_sentence_has_a_reason() -> None:
    """A sentence that nobody can ever read is a reason that was renamed."""
    codes = {code for _, code in REASONS}

    assert set() == set(OF_ANY) - codes
    assert set() == set(OF_ONE) - set(REASONS)


def test_a_text_that_is_no_code_stays_as_it_is() -> None:
    """A pump may give words of its own."""
    assert "motor jammed" == in_words("motor jammed")
