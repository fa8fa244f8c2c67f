"""When the pump's motor makes the strokes of a bolus; basal and extended strokes go first (R7)."""

from core.pump.memory import BOLUS_PULSE_MS, BolusInMotion
from schemas.delivery.device import PULSE_MU
from schemas.units import UtcMillis


def extended_instants(bolus: BolusInMotion | None, *, until: UtcMillis) -> list[UtcMillis]:
    """List when the pulses of an extended bolus still to come are due, `until` included."""
    if bolus is None:
        return []
    number = range(bolus.delivered // PULSE_MU, bolus.requested // PULSE_MU)
    instants = (bolus.pulse_at(k) for k in number)
    return [at for at in instants if at <= until]


def bolus_instants(
    bolus: BolusInMotion | None, others: list[UtcMillis], *, until: UtcMillis
) -> tuple[list[UtcMillis], int]:
    """List when the pulses of a normal bolus still to come are made, `until` included.

    Args:
        bolus: the one that runs.
        others: [ms] strokes that go before it, sorted; each holds it up by one stroke.
        until: [ms] the pump's clock.

    Returns:
        The instants, and the strokes that have held it up in all.
    """
    if bolus is None:
        return [], 0
    instants: list[UtcMillis] = []
    number, passed = bolus.delivered // PULSE_MU, 0
    while number < bolus.requested // PULSE_MU:
        at = UtcMillis(bolus.pulse_at(number) + passed * BOLUS_PULSE_MS)
        if passed < len(others) and others[passed] <= at:
            passed += 1
            continue
        if at > until:
            break
        instants.append(at)
        number += 1
    return instants, bolus.held_up + passed
