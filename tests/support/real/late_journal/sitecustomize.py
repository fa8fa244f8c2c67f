"""Python's own start-up hook: a weakened actuator, which stores a dose long after it was sent.

What follows from a step is then in the world before it is stored: a death in between forgets it.
"""

import sys


def _weaken() -> None:
    from services.runtime.journal.sqlite.store import SqliteStore
    from services.runtime.ports import Commit

    late: list[Commit] = []
    commit_now = SqliteStore.commit

    def commit_late(self: SqliteStore, commit: Commit) -> None:
        if late or any(row.topic == "bolus_start_requested.v1" for row in commit.rows):
            late.append(commit)
        else:
            commit_now(self, commit)

    SqliteStore.commit = commit_late  # type: ignore[method-assign]  # a mutant


if "services.actuator" in sys.orig_argv:
    _weaken()
