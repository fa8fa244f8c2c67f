"""Settings that do not fit, and what is said twice: what is not known is left out."""

from schemas.setting_checks import Misfit, SettingChange
from schemas.units import MilliUnitsPerHour
from services.command_line.output.setting_messages import programmed, second_word


def test_a_profile_that_nobody_knows_by_name_is_told_all_the_same() -> None:
    misfit = Misfit(
        reason="above_basal_limit",
        rate=MilliUnitsPerHour(10_000),
        rate_limit=MilliUnitsPerHour(3_000),
    )

    assert "the profile in force: 10 U/h is above 3 U/h" == programmed(misfit)


def test_a_change_of_no_day_and_no_time_is_told_all_the_same() -> None:
    told = second_word(
        [
            SettingChange(reason="day_basal_changed", was=20_000, becomes=40_000),
            SettingChange(reason="sensitivity_changed", was=40_000, becomes=9_000),
        ]
    )

    assert told.startswith(
        "basal changes from 20 U to 40 U; the sensitivity changes from 40 to 9 mg/dL/U; nothing"
    )
    assert told.endswith("--confirm day_basal_changed --confirm sensitivity_changed")
