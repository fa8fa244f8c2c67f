"""The alarms that are active, asked of every service."""

import asyncio

from core.deciders.names import SPEAKERS
from core.kernel.alarms import ActiveAlarm
from schemas.units import Speaker
from services.command_line.session import Session


async def active_alarms(session: Session) -> list[tuple[Speaker, ActiveAlarm]]:
    """Ask every speaker for its active alarms; the oldest first."""
    views = await asyncio.gather(*(session.view(name) for name in SPEAKERS))
    found = [
        (name, ActiveAlarm(*alarm))
        for name, view in zip(SPEAKERS, views, strict=True)
        for alarm in view.get("alarms", ())
    ]
    return sorted(found, key=lambda one: one[1].raised_at)
