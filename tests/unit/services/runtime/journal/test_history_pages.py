"""What is handed on of a journal is what was written, or it is not handed on."""

import pytest

import services.runtime.journal.history_pages
from schemas.units import MINUTE_MS, Speaker
from schemas.wire import codec
from services.runtime.journal.history_pages import confirmed
from services.runtime.platform.errors import JournalAltered
from services.runtime.ports import StreamHead
from support.simulated.fake_system import PUMP, FakeSystem

ALL = 2**62


@pytest.fixture(scope="module")
def said() -> list[bytes]:
    system = FakeSystem()
    system.set_up()
    system.order(500)
    system.run(ms=5 * MINUTE_MS)
    store = system.stores[Speaker("actuator")]
    return list(store.history(speaker=Speaker("actuator"), pump=PUMP, first=1, last=ALL, own=True))


def head_of(said: list[bytes]) -> StreamHead:
    return StreamHead(len(said), codec.sha256_hex(said[-1]))


def flipped(said: list[bytes], at: int) -> list[bytes]:
    data = bytearray(said[at])
    data[-3] ^= 1
    return [*said[:at], bytes(data), *said[at + 1 :]]


def test_a_whole_history_is_given_as_it_is(said: list[bytes]) -> None:
    """To its newest event, and up to the version that was asked for."""
    head = head_of(said)

    assert said == list(confirmed(said, pump=PUMP, last=ALL, head=head))
    assert said[:3] == list(confirmed(said[:4], pump=PUMP, last=3, head=head))
    assert [] == list(confirmed([], pump=PUMP, last=3, head=None))


def test_a_flipped_bit_stops_what_is_given_before_it(said: list[bytes]) -> None:
    """Whoever asks would call the speaker a liar for it (B8): at every event, the newest too."""
    for at in range(len(said)):
        pages = confirmed(flipped(said, at), pump=PUMP, last=ALL, head=head_of(said))
        given: list[bytes] = []
        with pytest.raises(JournalAltered):
            for data in pages:
                given.append(data)  # noqa: PERF402  # what was given before it stopped
        assert given in (said[:at], said[: max(0, at - 1)])


def test_the_mutant_that_confirms_nothing_is_caught(
    said: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With one hash for all the flipped event is handed on."""
    monkeypatch.setattr(services.runtime.journal.history_pages, "_is_written", lambda *_: True)

    broken = [*said[:2], said[2] + b" ", *said[3:]]

    assert broken == list(confirmed(broken, pump=PUMP, last=ALL, head=head_of(said)))
