"""Whether an order is authentic: who signed it, for which pump, in which session, how late.

The actuator asks this, and the pump asks it again by itself: a controller, a broker or a line that
is not what it seems gives no insulin (R99, R100, R102).
"""

from collections.abc import Mapping, Set
from typing import Final, Literal

import msgspec
from nacl.exceptions import CryptoError
from nacl.signing import VerifyKey

from schemas.bolus.orders import BolusOrdered
from schemas.delivery.device import PumpOrder, SignedOrder
from schemas.delivery.unresolved_doses import OrderProblem
from schemas.message import parse_event_id
from schemas.units import MINUTE_MS, DoseId, Milliseconds, PumpId
from schemas.wire import codec

DOMAIN: Final = b"basalt order v1\n"
"""[-] begins what is signed, so that a signature under anything else is worth nothing here."""

AHEAD_MS_MAX = Milliseconds(2 * MINUTE_MS)
"""[ms] an order may say that it holds for so long at most; the longest honest one says 30 s."""


OrderFlaw = OrderProblem | Literal["already_executed", "replayed"]
"""[-] why an order is not started by the one who knows what was executed: the pump."""

LineFlaw = Literal["unproven", "wrong_proof", "repeated_frame"]
"""[-] why a frame on the pump's line is refused: it bears no proof of who sent it, one that does
not fit, or one that was used before on this connection."""

LATE: Final[frozenset[OrderFlaw]] = frozenset(
    {"stale_challenge", "order_expired", "already_executed"}
)
"""[-] what befalls honest orders as well: rightly signed for this pump, and too late or doubled on
the line. All else is a forgery."""


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """What an order is held against."""

    pump: PumpId
    """[-] which pump this is."""
    trusted: Set[str]
    """[-] public keys (hex) whose orders it takes."""
    challenge: str
    """[-] drawn by the pump; empty when none is known, then no order is authentic."""
    order_numbers: Mapping[str, int]
    """[-] of each key the number of the newest order executed."""
    uptime: Milliseconds | None = None
    """[ms] of the pump's own time since the challenge; none where only the pump can know it."""


def signed_bytes(order: PumpOrder) -> bytes:
    """Write what is signed."""
    return DOMAIN + codec.encode(order)


def signable(dose: DoseId, order: BolusOrdered) -> PumpOrder:
    """Give an order the shape in which it is signed."""
    return PumpOrder(
        pump=parse_event_id(dose)[1],
        dose=dose,
        amount=order.amount,
        duration=order.duration,
        challenge=order.challenge,
        not_after=order.not_after,
    )


def number_of(dose: DoseId) -> int:
    """Give the number by which an order is counted, 0 for an id that is none."""
    try:
        return parse_event_id(dose)[2]
    except ValueError:
        return 0


def order_problem(signed: SignedOrder, *, session: Session) -> OrderProblem | None:
    """Find the first reason why an order is not authentic, None when it holds."""
    order = signed.order
    if signed.key not in session.trusted:
        return "unknown_key"
    if not _is_signed(signed):
        return "bad_signature"
    if order.pump != session.pump or order.dose.split(":")[1:2] != [session.pump]:
        return "wrong_pump"
    if not session.challenge or order.challenge != session.challenge:
        return "stale_challenge"
    if number_of(order.dose) <= session.order_numbers.get(signed.key, 0):
        return "out_of_order"
    uptime = session.uptime
    if uptime is not None and not uptime <= order.not_after <= uptime + AHEAD_MS_MAX:
        return "order_expired"
    return None


def _is_signed(signed: SignedOrder) -> bool:
    try:
        key = VerifyKey(bytes.fromhex(signed.key))
        key.verify(signed_bytes(signed.order), bytes.fromhex(signed.signature))
    except (CryptoError, ValueError):
        return False
    return True
