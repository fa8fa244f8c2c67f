"""Names of what can cut or refuse an amount, as events spell them."""

from typing import Literal

LimitName = Literal[
    "single_limit",
    "hourly_limit",
    "four_hour_limit",
    "daily_limit",
    "calendar_day_limit",
    "on_board_limit",
    "combined_limit",
    "limits_disagree",
]

ClampName = Literal[LimitName, "pump_maximum", "never_up", "whole_steps"]
