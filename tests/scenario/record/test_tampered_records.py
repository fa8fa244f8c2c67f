"""A record changed by somebody who can make every hash anew, and has not the key of the record."""

from collections.abc import Iterator

import pytest

from schemas.units import HOUR_MS
from services.runtime.audit import open_tail, record_check
from services.runtime.audit.record_check import Checkpoints
from services.runtime.journal.memory_store import FakeStore
from support.simulated.signed_record import (
    SignedRecord,
    kept_in,
    noticed,
    verdict,
)
from support.simulated.tampering import (
    TAMPERINGS,
    Tamper,
    by_another,
    cut_off,
    cut_out,
    heard_later,
    is_command,
    moved,
    remade,
    with_words,
)

PLACES = 5
"""[-] of a record at which each kind is tried in every run; at night each line."""


@pytest.fixture(scope="module")
def whole(record: SignedRecord) -> Checkpoints:
    return kept_in(record.whole)


def tampered(
    record: SignedRecord, tamper: Tamper, places: Iterator[int]
) -> Iterator[tuple[int, FakeStore]]:
    """Give the record after each change, with the line."""
    for at in places:
        rows = tamper(record.rows, at)
        if rows is not None:
            yield at, remade(rows)


def some(tamper: Tamper, record: SignedRecord, first: int = 0) -> Iterator[int]:
    """Give five places, spread over the lines of the kind."""
    fit = [at for at in range(first, len(record.rows)) if tamper(record.rows, at) is not None]
    step = max(1, (len(fit) - 1) // (PLACES - 1))
    return iter(sorted({*fit[::step][: PLACES - 1], fit[-1]}))


def each_is_found(
    record: SignedRecord, whole: Checkpoints, tamper: Tamper, places: Iterator[int]
) -> int:
    tried = 0
    for at, store in tampered(record, tamper, places):
        assert verdict(record.checked(store, whole, alone=True)) == 1, at
        assert noticed(record, store, whole), at
        tried += 1
    return tried


def test_the_record_is_long_enough_and_sound(record: SignedRecord, whole: Checkpoints) -> None:
    """Made anew without a change it is the same; signed to the end nothing stands open."""
    assert len(record.rows) >= 500
    assert [row for _, row in remade(record.rows).rows()] == record.rows
    assert verdict(record.checked(remade(record.rows), whole)) == 0
    assert verdict(record.checked(remade(record.rows), whole, alone=True)) == 0
    assert noticed(record, remade(record.rows), whole) == []


@pytest.mark.requirement("R121")
@pytest.mark.parametrize("tamper", TAMPERINGS, ids=lambda one: one.__name__)
def test_each_change_under_a_checkpoint_is_found_at_five_places(
    record: SignedRecord, whole: Checkpoints, tamper: Tamper
) -> None:
    """By 'verify record', which ends with 1, and by the historian when it starts."""
    assert each_is_found(record, whole, tamper, some(tamper, record)) == PLACES


@pytest.mark.nightly
@pytest.mark.requirement("R121")
@pytest.mark.parametrize("tamper", TAMPERINGS, ids=lambda one: one.__name__)
def test_each_change_under_a_checkpoint_is_found_at_each_line(
    record: SignedRecord, whole: Checkpoints, tamper: Tamper
) -> None:
    """Of five hundred."""
    places = iter(range(len(record.rows)))
    assert each_is_found(record, whole, tamper, places) >= PLACES


def none_ends_with_0(
    record: SignedRecord, early: Checkpoints, tamper: Tamper, places: Iterator[int]
) -> int:
    tried = 0
    for at, store in tampered(record, tamper, places):
        is_cut_to_the_checkpoint = tamper is cut_off and at == record.signed
        if not is_cut_to_the_checkpoint:  # only the other journals know then that there was more
            assert verdict(record.checked(store, early, alone=True)) in (1, 4), at
        # What the historian itself said stands in the stream alone: its start misses that.
        is_own_word = tamper is cut_out and b".event.historian." in record.rows[at].state
        assert verdict(record.checked(store, early)) in (1, 4) or is_own_word, at
        tried += 1
    return tried


@pytest.mark.requirement("R121")
@pytest.mark.parametrize("tamper", TAMPERINGS, ids=lambda one: one.__name__)
def test_no_change_behind_the_last_checkpoint_ends_with_0(
    record: SignedRecord, early: Checkpoints, tamper: Tamper
) -> None:
    """Beside the other journals and without them: what nobody signed is said to stand open."""
    assert none_ends_with_0(record, early, tamper, some(tamper, record, record.signed)) >= 2


@pytest.mark.nightly
@pytest.mark.requirement("R121")
@pytest.mark.parametrize("tamper", TAMPERINGS, ids=lambda one: one.__name__)
def test_no_change_behind_the_last_checkpoint_ends_with_0_at_each_line(
    record: SignedRecord, early: Checkpoints, tamper: Tamper
) -> None:
    """Of all that nobody has signed."""
    places = iter(range(record.signed, len(record.rows)))
    assert none_ends_with_0(record, early, tamper, places) >= 2


@pytest.mark.requirement("R121")
@pytest.mark.parametrize("lines", [1, 3, 10, 30])
def test_the_last_lines_cut_off_are_missed(
    record: SignedRecord, whole: Checkpoints, early: Checkpoints, lines: int
) -> None:
    """By the checkpoint that goes further, or by the services that said more."""
    store = remade(cut_off(record.rows, len(record.rows) - lines) or ())
    assert verdict(record.checked(store, whole, alone=True)) == 1
    report = record.checked(store, early)
    assert verdict(report) == 4
    (end,) = report.open_ends
    assert any("event" in text or "command" in text for text in end.missing)


@pytest.mark.requirement("R121")
def test_2_u_rewritten_to_5_hundredths_are_found_behind_the_last_checkpoint(
    record: SignedRecord, early: Checkpoints
) -> None:
    """By the actuator's own journal; without it the dose stands open."""
    rows = [with_words(row, '"amount":2000', '"amount":50') for row in record.rows]
    store = remade([*record.rows[: record.signed], *rows[record.signed :]])
    report = record.checked(store, early)
    assert any("own journal" in fault.text for fault in report.faults)
    assert verdict(record.checked(store, early, alone=True)) == 4
    told = noticed(record, store, early)
    assert any("own journal" in text for text in told), told


@pytest.mark.requirement("R121")
def test_commands_cut_out_are_missed(
    record: SignedRecord, whole: Checkpoints, early: Checkpoints
) -> None:
    """What was done without a command that stands before it was not asked for by anybody."""
    rows = [row for row in record.rows if not is_command(row)]
    assert len(rows) < len(record.rows)
    assert verdict(record.checked(remade(rows), whole, alone=True)) == 1
    tail = [row for row in record.rows[record.signed :] if not is_command(row)]
    store = remade([*record.rows[: record.signed], *tail])
    for alone in (True, False):
        report = record.checked(store, early, alone=alone)
        assert verdict(report) == 4
        assert any("the command" in text for text in report.open_ends[0].missing)
    assert any("the command" in text for text in noticed(record, store, early))


@pytest.mark.requirement("R121")
def test_who_gave_a_command_stands_under_the_signed_root(
    record: SignedRecord, whole: Checkpoints, early: Checkpoints
) -> None:
    """And behind it in the journal of the service that heard it, and in what came of it."""
    at = next(
        at
        for at in range(len(record.rows) - 1, record.signed, -1)
        if is_command(record.rows[at]) and b"order_bolus" in record.rows[at].state
    )
    store = remade(by_another(record.rows, at) or ())
    assert verdict(record.checked(store, whole, alone=True)) == 1
    assert verdict(record.checked(store, early)) == 1
    assert any("its command was given by person:nobody" in t for t in noticed(record, store, early))


@pytest.mark.requirement("R121")
def test_times_moved_by_an_hour_are_found(
    record: SignedRecord, whole: Checkpoints, early: Checkpoints
) -> None:
    """Those of the lines alone, and those that the events say of themselves."""
    for store in (
        remade([moved(row, HOUR_MS) for row in record.rows]),
        remade([heard_later(row, HOUR_MS) for row in record.rows]),
    ):
        assert verdict(record.checked(store, whole, alone=True)) == 1
        assert verdict(record.checked(store, early)) == 1
    later = [heard_later(row, HOUR_MS) for row in record.rows[record.signed :]]
    behind = remade([*record.rows[: record.signed], *later])
    (end,) = record.checked(behind, early).open_ends
    assert end.elsewhere == 0


def test_the_mutant_that_signs_no_lines_is_caught(
    record: SignedRecord, whole: Checkpoints, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The trees of the services cover neither commands nor the times of lines."""
    monkeypatch.setattr(record_check.RecordCheck, "_sign", lambda *_: None)
    for test in (test_commands_cut_out_are_missed, test_times_moved_by_an_hour_are_found):
        with pytest.raises(AssertionError):
            test(record, whole, whole)


def test_the_mutant_that_compares_no_journal_is_caught(
    record: SignedRecord, whole: Checkpoints, early: Checkpoints, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A dose would be another one behind the last checkpoint, and only be said to stand open."""
    monkeypatch.setattr(open_tail, "_compare", lambda *_: None)
    with pytest.raises(AssertionError):
        test_2_u_rewritten_to_5_hundredths_are_found_behind_the_last_checkpoint(record, early)
