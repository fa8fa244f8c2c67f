"""Events of several speakers merged page by page, none before what its speaker had heard."""

from collections.abc import Callable

import pytest

from schemas.message import Envelope, Now, event_id
from schemas.record import HistorySettled
from schemas.units import PumpId, Speaker, UtcMillis
from schemas.wire import codec
from schemas.wire.subjects import event_subject
from services.runtime.decider_host.inbox import InboxPolicy, accept
from services.runtime.decider_host.inbox_results import Accepted, Gap, InboxResult
from services.runtime.journal import causal_order
from services.runtime.journal.causal_order import Merged, Past, merged
from services.runtime.ports import Arrived, StreamHead

PUMP = PumpId("p1")
A, B, C = Speaker("actuator"), Speaker("basal_scheduler"), Speaker("bolus_advisor")
EVER = UtcMillis(2**60)
NOTHING = {A: 0, B: 0, C: 0}


def past(speaker: Speaker, version: int, *, at: int, **heard: int) -> Past:
    """Make an event that its speaker said after it had heard these."""
    envelope = Envelope(
        id=event_id(speaker=speaker, pump=PUMP, version=version),
        at=UtcMillis(at),
        recorded_at=UtcMillis(at),
        cause="report:1",
        versions_seen=heard,
        event=codec.encode_raw(HistorySettled(speaker="actuator", actor="person:test")),
    )
    return Past(codec.encode(envelope), envelope, version)


def names(found: Merged) -> list[str]:
    return [one.envelope.id.replace(f":{PUMP}:", " ") for one in found.events]


def test_what_was_heard_comes_first_and_else_the_earlier_one() -> None:
    """Though its speaker's clock is behind, a cause stands before what follows from it."""
    pages = {
        A: [past(A, 1, at=50), past(A, 2, at=60), past(A, 3, at=90)],
        B: [past(B, 1, at=10, actuator=2), past(B, 2, at=70)],
    }

    found = merged(pages, known=NOTHING, until=EVER, wanted=(B, 2))

    assert ["actuator 1", "actuator 2", "basal_scheduler 1", "basal_scheduler 2"] == names(found)


def test_it_ends_where_a_page_ends() -> None:
    """The next event of that speaker may be older than any that is left."""
    pages = {A: [past(A, 1, at=10)], B: [past(B, 1, at=20)]}

    assert ["actuator 1"] == names(merged(pages, known=NOTHING, until=EVER, wanted=(B, 1)))


def time_does_not_count(patch: pytest.MonkeyPatch) -> None:
    def by_name(ready: list[tuple[Speaker, Past]], **_: object) -> tuple[Speaker, Past]:
        return sorted(ready, key=lambda one: one[0])[0]

    patch.setattr(causal_order, "min", by_name, raising=False)


def what_was_heard_does_not_count(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(causal_order, "_unheard", lambda *_: {})


@pytest.mark.parametrize("weaken", [time_does_not_count, what_was_heard_does_not_count])
def test_the_mutant_that_merges_otherwise_is_caught(
    weaken: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An effect before its cause, or what was said an hour later before what was said first."""
    weaken(monkeypatch)

    with pytest.raises(AssertionError):
        test_what_was_heard_comes_first_and_else_the_earlier_one()


def test_what_was_said_later_than_the_hole_is_left_unless_the_hole_needs_it() -> None:
    """It comes by itself, in the order of the stream."""
    later = {A: [past(A, 1, at=30), past(A, 2, at=31)], B: [past(B, 1, at=20), past(B, 2, at=40)]}
    needed = {A: later[A], B: [past(B, 1, at=20, actuator=1), past(B, 2, at=40)]}

    left = merged(later, known=NOTHING, until=UtcMillis(25), wanted=(B, 1))
    taken = merged(needed, known=NOTHING, until=UtcMillis(25), wanted=(B, 1))

    assert ["basal_scheduler 1"] == names(left)
    assert ["actuator 1", "basal_scheduler 1"] == names(taken)


def test_what_nobody_gives_is_named_and_not_what_waits_for_it() -> None:
    """The advisor's are there: they only wait for the scheduler's as well."""
    pages = {
        A: [past(A, 1, at=30, bolus_advisor=1)],
        B: (),
        C: [past(C, 1, at=10, basal_scheduler=4)],
    }

    assert Merged([], {B: 4}) == merged(pages, known=NOTHING, until=EVER, wanted=(A, 1))
    found = merged(pages, known={**NOTHING, B: 4}, until=EVER, wanted=(A, 1))
    assert ["bolus_advisor 1"] == names(found)


def test_what_was_given_up_and_comes_all_the_same_is_taken() -> None:
    """Also for a hole whose time cannot be read."""
    pages = {A: [past(A, 1, at=10), past(A, 2, at=20)], B: ()}

    found = merged(pages, known={**NOTHING, A: 2}, until=UtcMillis(0), wanted=(A, 2))

    assert ["actuator 1", "actuator 2"] == names(found)


def test_two_that_wait_for_each_other_are_both_named() -> None:
    """No true history does that; whoever gathers must not wait for ever."""
    pages = {A: [past(A, 1, at=10, basal_scheduler=1)], B: [past(B, 1, at=10, actuator=1)]}

    assert Merged([], {A: 1, B: 1}) == merged(pages, known=NOTHING, until=EVER, wanted=(A, 1))


def heard(event: Past, *, deaf: bool = False, given_up: int = 0, keeps: bool = True) -> InboxResult:
    """Hear the advisor's first event with nothing known of anybody."""
    speakers = (A, B, C)
    policy = InboxPolicy(
        Speaker("historian"),
        speakers,
        frozenset(),
        lambda *_: None,
        keeps=frozenset(speakers if keeps else ()),
    )
    subject = event_subject(pump=PUMP, speaker=C, name="history_settled")
    return accept(
        Arrived(subject, event.data, {}, 1),
        policy=policy,
        heads={A: StreamHead(2, "x")},
        blocked_producers={A} if deaf else set(),
        now=Now(therapy=UtcMillis(0), real=UtcMillis(0), speed=1),
        given_up={A: given_up},
    )


def test_who_keeps_the_record_waits_for_what_the_speaker_had_heard() -> None:
    """Nobody else does: a decider decides upon what there is."""
    event = past(C, 1, at=77, actuator=5)

    assert Gap(PUMP, A, 3, 5, UtcMillis(77), was_heard=True) == heard(event)
    assert isinstance(heard(event, keeps=False), Accepted)
    assert isinstance(heard(past(C, 1, at=77, actuator=2)), Accepted)


def test_nobody_waits_for_one_that_contradicted_itself_or_was_given_up() -> None:
    """The record would stand still for ever."""
    event = past(C, 1, at=77, actuator=5)

    assert isinstance(heard(event, deaf=True), Accepted)
    assert isinstance(heard(event, given_up=5), Accepted)
    assert isinstance(heard(event, given_up=4), Gap)
