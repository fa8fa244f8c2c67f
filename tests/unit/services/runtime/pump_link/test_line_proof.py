"""Frames on the pump's line prove their sender, their connection and that they are new."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.units import PumpId
from services.runtime.pump_link.line_proof import FrameRefused, LineProof, Nonces, new_key
from services.runtime.pump_link.protocol import (
    PROVEN_REQUEST_KIND,
    Claim,
    Frame,
    FrameReader,
    WireError,
    decode_request,
    encode_request,
)

KEY = bytes(range(32))
NONCES = Nonces("aa", "bb")
PUMP = PumpId("demo")


def ends(
    key: bytes = KEY, *, pump: PumpId = PUMP, nonces: Nonces = NONCES
) -> tuple[LineProof, LineProof]:
    """Give both ends of one connection: the controller's and the pump's."""
    return (
        LineProof(key, pump=pump, nonces=nonces, is_pump=False),
        LineProof(key, pump=pump, nonces=nonces, is_pump=True),
    )


def flaw(pump: LineProof, sealed: bytes, *, number: int = 1) -> str:
    with pytest.raises(FrameRefused) as caught:
        pump.open(sealed, number=number)
    return caught.value.reason


@given(st.lists(st.binary(max_size=200), max_size=8))
def test_what_one_end_seals_the_other_opens_in_both_directions(bodies: list[bytes]) -> None:
    controller, pump = ends()
    for number, body in enumerate(bodies):
        assert body == pump.open(controller.seal(body, number=number), number=number)
        assert body == controller.open(pump.seal(body, number=number), number=number)


@pytest.mark.requirement("R115")
@given(st.binary(max_size=60), st.data())
def test_a_changed_bit_anywhere_is_refused(body: bytes, data: st.DataObject) -> None:
    controller, pump = ends()
    sealed = bytearray(controller.seal(body, number=1))
    place = data.draw(st.integers(0, 8 * len(sealed) - 1))
    sealed[place // 8] ^= 1 << place % 8

    assert "wrong_proof" == flaw(pump, bytes(sealed))


@pytest.mark.requirement("R115")
def test_a_frame_is_taken_once_and_no_earlier_one_after_it() -> None:
    """Replayed, or held back and sent later."""
    controller, pump = ends()
    first, second = controller.seal(b"1", number=1), controller.seal(b"2", number=2)

    assert b"2" == pump.open(second, number=2)
    assert "repeated_frame" == flaw(pump, second, number=2)
    assert "repeated_frame" == flaw(pump, first)


@pytest.mark.requirement("R115")
@pytest.mark.parametrize(
    "other",
    [
        ends(new_key()),
        ends(pump=PumpId("p2")),
        ends(nonces=Nonces("aa", "cc")),
        ends(nonces=Nonces("ac", "bb")),
    ],
    ids=["key", "pump", "connection", "caller"],
)
def test_what_was_sealed_elsewhere_is_refused(other: tuple[LineProof, LineProof]) -> None:
    """With another key, for another pump, on another connection."""
    _, pump = ends()

    assert "wrong_proof" == flaw(pump, other[0].seal(b"claim", number=1))


@pytest.mark.requirement("R115")
def test_an_answer_is_no_request_and_its_number_is_part_of_it() -> None:
    """What the pump said cannot be sent back to it, nor an answer pass for another's."""
    controller, pump = ends()

    assert "wrong_proof" == flaw(pump, pump.seal(b"x", number=1))
    assert "wrong_proof" == flaw(pump, controller.seal(b"x", number=1), number=2)
    assert "wrong_proof" == flaw(pump, b"short")


def test_a_sealed_request_is_read_with_its_proof_and_no_other_way() -> None:
    controller, pump = ends()
    (frame,) = FrameReader().feed(encode_request(Claim(by="me"), number=7, proof=controller))

    assert PROVEN_REQUEST_KIND == frame.kind
    assert Claim(by="me") == decode_request(frame, proof=pump)
    with pytest.raises(FrameRefused, match="unproven"):
        decode_request(frame)
    with pytest.raises(FrameRefused, match="unproven"):
        decode_request(Frame(1, 7, b'{"ask":"claim"}'), proof=pump)
    broken = Frame(PROVEN_REQUEST_KIND, 8, controller.seal(b"{", number=8))
    with pytest.raises(WireError):
        decode_request(broken, proof=pump)


def test_the_mutant_that_compares_no_proof_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the comparison anybody's frame is taken."""
    monkeypatch.setattr("hmac.compare_digest", lambda *_: True)
    stranger, (_, pump) = ends(new_key())[0], ends()

    assert b"claim" == pump.open(stranger.seal(b"claim", number=1), number=1)
