"""What one caller has proven: reads its frames, refuses what would change the pump unproven."""

from schemas.units import PumpId
from services.runtime.pump_link.address import PumpAddress
from services.runtime.pump_link.line_proof import FrameRefused, LineProof, Nonces, new_nonce
from services.runtime.pump_link.protocol import (
    PROVEN_REQUEST_KIND,
    AnyRequest,
    Frame,
    Greet,
    Greeted,
    LineAnswer,
    Read,
    WireError,
    decode_request,
    encode_answer,
)


class PumpLine:
    """One connection as the pump sees it."""

    def __init__(self, *, pump: PumpId, key: bytes | None, reads_openly: bool) -> None:
        """Begin with nothing proven.

        Args:
            pump: which pump this is.
            key: that it shares with its controller; without one it is read at most.
            reads_openly: whether reading needs no proof: on a socket of this machine.
        """
        self._pump = pump
        self._key = key
        self._reads_openly = reads_openly
        self._proof: LineProof | None = None

    def take(self, frame: Frame) -> AnyRequest | Greeted:
        """Read a frame: what the pump is asked, or the answer to a greeting.

        Raises:
            WireError: it is none of the protocol's.
            FrameRefused: it proves not what it must.
        """
        is_proven = frame.kind == PROVEN_REQUEST_KIND
        if is_proven and self._proof is None:
            raise FrameRefused("unproven")
        request = decode_request(frame, proof=self._proof if is_proven else None)
        if isinstance(request, Greet):
            return self._greet(request)
        if is_proven or (isinstance(request, Read) and self._reads_openly):
            return request
        raise FrameRefused("unproven")

    def write(self, answer: LineAnswer, *, to: Frame, is_proven: bool) -> bytes:
        """Write the answer to a frame, sealed if that was proven."""
        return encode_answer(answer, number=to.number, proof=self._proof if is_proven else None)

    def _greet(self, greeting: Greet) -> Greeted:
        """Draw this end's nonce; whatever was agreed on before is worth nothing now."""
        nonces = Nonces(greeting.nonce, new_nonce())
        if self._key is not None:
            self._proof = LineProof(self._key, pump=self._pump, nonces=nonces, is_pump=True)
        return Greeted(nonce=nonces.pump, pump=self._pump)


def reads_openly(address: PumpAddress) -> bool:
    """Say whether a pump may be read there without proof: nobody reaches it from elsewhere."""
    return address.port is None


def act_in(frame: Frame) -> str:
    """Name what an unproven frame asks, empty for what cannot be read."""
    try:
        request = decode_request(frame)
    except (WireError, FrameRefused):
        return ""
    return str(request.__struct_config__.tag)
