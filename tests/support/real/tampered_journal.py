"""The journal of a real historian, as somebody leaves it who may write the whole file."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from schemas.units import PumpId
from services.runtime.ports import Row
from support.simulated.tampering import Rows, remade


def tamper(path: Path, pump: PumpId, change: Callable[[Rows], Rows]) -> None:
    """Change the lines of a pump and make every hash anew, in the file of a system that rests."""
    with closing(sqlite3.connect(path)) as file, file:
        found = file.execute(
            "SELECT rowid, originator_version, topic, state FROM stored_events "
            "WHERE originator_id=? ORDER BY originator_version",
            (pump,),
        ).fetchall()
        rows = [Row(pump, position, topic, bytes(state)) for _, position, topic, state in found]
        store = remade(change(rows))
        file.execute("DELETE FROM stored_events WHERE originator_id=?", (pump,))
        for (number, *_), (_, row) in zip(found, store.rows(), strict=False):
            file.execute(
                "INSERT INTO stored_events "
                "(rowid, originator_id, originator_version, topic, state) VALUES (?, ?, ?, ?, ?)",
                (number, pump, row.position, row.topic, row.state),
            )
        for table in ("heads", "ends", "commands"):
            file.execute(f"DELETE FROM {table} WHERE pump=?", (pump,))  # noqa: S608  # fixed names
        for (_, speaker), head in store.heads().items():
            file.execute(
                "INSERT INTO heads VALUES (?, ?, ?, ?)", (pump, speaker, head.version, head.sha256)
            )
        for end in store.ends().values():
            file.execute("INSERT INTO ends VALUES (?, ?, ?)", (pump, end.position, end.link))
        for _, command, position in store.commands():
            file.execute("INSERT INTO commands VALUES (?, ?, ?)", (pump, command, position))
