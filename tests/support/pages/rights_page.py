"""Writes docs/rights.md: what each key may send and hear, as a live broker lets it."""

import asyncio
from collections.abc import Iterator, Sequence

from bench.broker import broker
from core.deciders.registry import DECIDERS
from schemas.wire.subjects import BROKER_API, CLIENT_API
from services.supervisor.broker.permissions import permissions
from support.real.bus_subjects import PUMP, denied_to, universe
from support.repository import ROOT

PAGE = ROOT / "docs/rights.md"

HEAD = """# Rights on the broker

What the key of each user may send and hear, found by trying every subject on a live broker; a
number is how many of the subjects of that row were let through. The services share the account
that holds the stream. Each client has an account of its own, which imports exactly what stands
here: the broker's acknowledgement of a publish goes to whatever subject its sender names, and so
stays in that account ([ADR 0027](adr/0027-an-account-for-each-client.md)). Nobody may delete,
purge, restore or copy the stream. Written by `make pages`; a test holds it equal.
"""

NOTHING = ""


def kind_of(subject: str) -> str:
    """Name the row that a subject belongs to."""
    parts = subject.split(".")
    if subject.startswith(f"basalt.{PUMP}."):
        return f"{parts[2]}s of {parts[3]}" if parts[2] == "event" else f"commands to {parts[3]}"
    if subject.startswith((f"{BROKER_API}.", f"{CLIENT_API}.")):
        asked = subject.removeprefix(f"{BROKER_API}.").removeprefix(f"{CLIENT_API}.")
        return f"broker: {asked.partition('.basalt')[0]}"
    if subject.startswith("_INBOX."):
        return "inboxes of requests, one for each user"
    if subject.startswith("basalt_reply."):
        return "inboxes of outcomes, one for each user"
    if subject.startswith("basalt_service."):
        return f"questions to {parts[1]}"
    return subject


async def rights() -> dict[str, tuple[set[str], set[str]]]:
    """Try every subject on a live broker: what each user may send, and may hear."""
    subjects = universe()
    found: dict[str, tuple[set[str], set[str]]] = {}
    async with broker() as running:
        for user in permissions():
            sent = await denied_to(running, user, subjects)
            heard = await denied_to(running, user, subjects, listening=True)
            found[user] = _others(subjects, sent), _others(subjects, heard)
    return found


def _others(subjects: Sequence[str], denied: set[str]) -> set[str]:
    """Give what was not denied; the library tells of a denial in small letters."""
    small = {one.lower() for one in denied}
    return {one for one in subjects if one.lower() not in small}


def table(found: Sequence[set[str]], users: Sequence[str]) -> Iterator[str]:
    """Write one row a kind of subject and one column a user."""
    rows: dict[str, list[str]] = {}
    for subject in universe():
        rows.setdefault(kind_of(subject), []).append(subject)
    yield f"| | {' | '.join(users)} |"
    yield f"|---|{'---|' * len(users)}"
    for kind, subjects in rows.items():
        cells = [_cell(subjects, let_through) for let_through in found]
        if any(cells):
            yield f"| {kind} | {' | '.join(cells)} |"


def _cell(subjects: Sequence[str], let_through: set[str]) -> str:
    count = len(let_through & set(subjects))
    if not count:
        return NOTHING
    return "all" if count == len(subjects) > 1 else str(count)


def page() -> str:
    """Write the page."""
    found = asyncio.run(rights())
    services = [user for user in found if user in DECIDERS]
    clients = [user for user in found if user not in DECIDERS]
    lines = [HEAD]
    for title, users in (("services", services), ("clients", clients)):
        for act, which in (("send", 0), ("hear", 1)):
            lines += [f"## What {title} may {act}", ""]
            lines += [*table([found[user][which] for user in users], users), ""]
    return "\n".join(lines)


if __name__ == "__main__":
    PAGE.write_text(page())
