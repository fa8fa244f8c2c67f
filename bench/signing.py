"""What it costs that an order is signed, and authenticated twice, beside bare PyNaCl."""

import argparse
import time
from collections.abc import Callable

from nacl.signing import SigningKey, VerifyKey
from rich.console import Console
from rich.table import Table

from core.dosing.order_protocol.authentication import Session, order_problem, signed_bytes
from schemas.delivery.device import PumpOrder, SignedOrder
from schemas.units import DoseId, Milliseconds, MilliUnits, PumpId
from services.runtime.platform.signing_keys import OrderSigner

RATIO_LIMIT = 2.0
"""[-] of ours to bare PyNaCl on the same bytes; aimed at, for what else is done is little."""

SEED = bytes(range(32))

ORDER = PumpOrder(
    pump=PumpId("demo"),
    dose=DoseId("bolus_advisor:demo:4711"),
    amount=MilliUnits(1_250),
    duration=Milliseconds(0),
    challenge="9f86d081884c7d659a2feaa0c55ad015",
    not_after=Milliseconds(86_430_000),
)


def median_us(act: Callable[[], object], count: int) -> float:
    """Do something `count` times and give the median of each [us]."""
    found: list[int] = []
    for _ in range(count):
        start = time.perf_counter_ns()
        act()
        found.append(time.perf_counter_ns() - start)
    return sorted(found)[count // 2] / 1_000


def measure(count: int) -> list[tuple[str, float, float]]:
    """Give name, ours and bare [us], each pair in the same run."""
    signer, bare = OrderSigner(SEED), SigningKey(SEED)
    data = signed_bytes(ORDER)
    signature = bare.sign(data).signature
    signed = SignedOrder(order=ORDER, key=signer.public, signature=signer.sign(ORDER))
    session = Session(
        pump=ORDER.pump,
        trusted=frozenset((signer.public,)),
        challenge=ORDER.challenge,
        order_numbers={signer.public: 4_710},
        uptime=Milliseconds(86_400_000),
    )
    if order_problem(signed, session=session) is not None:
        raise RuntimeError("an honest order failed authentication")
    key = bare.verify_key
    raw = bytes(key)
    ours = median_us(lambda: order_problem(signed, session=session), count)
    sign = median_us(lambda: signer.sign(ORDER), count)
    return [
        ("sign an order", sign, median_us(lambda: bare.sign(data), count)),
        ("authenticate an order", ours, median_us(lambda: key.verify(data, signature), count)),
        (
            "authenticate, the bare key read anew",
            ours,
            median_us(lambda: VerifyKey(raw).verify(data, signature), count),
        ),
    ]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=5_000, help="of each")
    arguments = parser.parse_args()
    title = f"aim: at most {RATIO_LIMIT:.0f} times bare PyNaCl; medians"
    table = Table("what", "ours us", "bare us", "ratio", title=title)
    for name, ours, bare in measure(arguments.count):
        table.add_row(name, f"{ours:.0f}", f"{bare:.0f}", f"{ours / bare:.2f}")
    Console().print(table)


if __name__ == "__main__":
    main()
