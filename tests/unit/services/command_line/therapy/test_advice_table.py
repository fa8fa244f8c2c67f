"""An advice as a person reads it: the rows add up to the amount."""

from hypothesis import given
from hypothesis import strategies as st

from core.dosing.limits.limits import whole_pulses
from schemas.bolus.advice import AdviceFactors, AdviceTerm, BolusAdvised, Clamp
from schemas.message import Deadline, Now
from schemas.units import (
    Grams,
    MgDl,
    MicrogramsPerDlPerUnit,
    MilligramsPerUnit,
    MilliUnits,
    UtcMillis,
)
from services.command_line.therapy.advice_table import expiry, reasons, terms

NOW = Now(therapy=UtcMillis(1_000_000_000), real=UtcMillis(2_000_000_000), speed=60)


FACTORS = AdviceFactors(
    carb_ratio=MilligramsPerUnit(10_000),
    carb_ratio_from=360,
    sensitivity=MicrogramsPerDlPerUnit(40_000),
    sensitivity_from=0,
    target_low=MgDl(90),
    target_high=MgDl(120),
    correct_above=None,
    target_from=0,
)


def after(*, real_s: int) -> Now:
    therapy, real = NOW.therapy + real_s * 60_000, NOW.real + real_s * 1_000
    return Now(therapy=UtcMillis(therapy), real=UtcMillis(real), speed=NOW.speed)


def advice(
    *, food: int = 4_500, correction: int = 1_500, on_board: int = 1_249, limit: int = 25_000
) -> BolusAdvised:
    subtracted = min(max(0, correction), on_board)
    rounded = whole_pulses(food + correction - subtracted)
    cut = min(rounded, whole_pulses(limit))
    clamp = Clamp(limit="single_limit", before=rounded, after=cut)
    return BolusAdvised(
        amount=cut,
        carbs=Grams(45),
        food=MilliUnits(food),
        correction=MilliUnits(correction),
        insulin_on_board_least=MilliUnits(on_board),
        insulin_on_board_most=MilliUnits(on_board),
        glucose=MgDl(180),
        measured_at=UtcMillis(NOW.therapy - 120_000),
        vendor=rounded,
        terms=(
            AdviceTerm(name="food", amount=MilliUnits(food)),
            AdviceTerm(name="correction", amount=MilliUnits(correction)),
            AdviceTerm(name="insulin_on_board", amount=MilliUnits(-subtracted)),
        ),
        factors=FACTORS,
        clamps=(clamp,) if cut < rounded else (),
        reasons=("insulin_on_board_subtracted", "rounded_down"),
        expires=Deadline(
            therapy=UtcMillis(NOW.therapy + 300_000), real=UtcMillis(NOW.real + 20_000)
        ),
    )


@given(
    food=st.integers(0, 300_000),
    correction=st.integers(-20_000, 20_000),
    on_board=st.integers(0, 30_000),
    limit=st.integers(50, 25_000),
)
def test_the_terms_add_up_to_the_amount(
    food: int, correction: int, on_board: int, limit: int
) -> None:
    """A person checks an advice by its sum."""
    shown = advice(food=food, correction=correction, on_board=on_board, limit=limit)

    assert shown.amount == sum(term.amount for term in terms(shown, NOW))


def test_each_term_says_where_it_comes_from() -> None:
    """A number alone cannot be judged."""
    rows = [(term.name, term.detail, term.amount) for term in terms(advice(), NOW)]

    assert [
        ("food", "45 g at 10 g/U from 06:00", 4_500),
        ("correction", "glucose 180 mg/dL, 2 min old, to 90 to 120", 1_500),
        ("insulin on board", "1.249 U on board", -1_249),
        ("rounded", "the way of basalt", -1),
    ] == rows


def test_a_limit_shows_what_it_cut() -> None:
    """Whoever gets less than calculated must see why."""
    rows = terms(advice(limit=4_000), NOW)

    assert ("limit for one bolus", "4.75 U to 4 U", -750) == (
        rows[-1].name,
        rows[-1].detail,
        rows[-1].amount,
    )


def test_the_reasons_are_sentences() -> None:
    """A code is for programs."""
    assert (
        "bolus insulin on board was subtracted from the correction",
        "rounded down to whole pulses of 0.05 U",
    ) == reasons(advice())


def test_an_advice_lives_until_both_clocks_have_passed() -> None:
    """At speed 60 five minutes are five seconds; nobody reads an advice in that time."""
    late = Now(
        therapy=UtcMillis(NOW.therapy + 600_000), real=UtcMillis(NOW.real + 10_000), speed=60
    )
    over = Now(
        therapy=UtcMillis(NOW.therapy + 1_200_000), real=UtcMillis(NOW.real + 20_000), speed=60
    )

    assert "it expires in 20 s" == expiry(advice(), NOW)
    assert "it expires in 10 s" == expiry(advice(), late)
    assert "it has expired" == expiry(advice(), over)
