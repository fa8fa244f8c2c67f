"""Count the insulin that was given, by following the actuator's journal with stock eventsourcing.

Where the journal is, and where the counts are kept, the library reads from the environment:
docs/following.md has the variables for SQLite and for PostgreSQL, and the commands to type.
"""

import argparse
import sys
import time
from contextlib import suppress
from uuid import NAMESPACE_URL, UUID, uuid5

from eventsourcing.application import AggregateNotFoundError, Application, ProcessingEvent
from eventsourcing.dispatch import singledispatchmethod
from eventsourcing.domain import Aggregate, event
from eventsourcing.projection import EventSourcedProjectionRunner
from eventsourcing.system import Follower

from schemas.delivery.delivery import BolusDelivered, BolusStopped
from schemas.wire.upcasts import tags_read_as
from services.runtime.journal.mapper import OwnEvent

LOOK_S = 0.2
"""[s] between two looks for something new."""

SECTION_LINES = 500
"""[-] lines read at once."""


class Journal(Application[str]):
    """The journal of a service; it is only read."""

    name = "stored"  # PostgreSQL: the library reads the table 'stored_events', named after this
    log_section_size = SECTION_LINES


class Tally(Aggregate):
    """The boluses of one pump."""

    @event("Begun")
    def __init__(self, pump: str) -> None:
        """Begin with none."""
        self.pump = pump
        self.boluses = 0
        self.delivered = 0

    @event("Counted")
    def count(self, delivered: int) -> None:
        """Add a bolus, and what was delivered of it [mU]."""
        self.boluses += 1
        self.delivered += delivered

    @classmethod
    def create_id(cls, pump: str) -> UUID:
        """Give the id of a pump's tally."""
        return uuid5(NAMESPACE_URL, f"/tallies/{pump}")


class Tallies(Follower[UUID]):
    """Counts each bolus once: a count and its position in the journal are one transaction."""

    topics = tuple(tags_read_as("bolus_delivered.v1") | tags_read_as("bolus_stopped.v1"))
    pull_section_size = SECTION_LINES

    @singledispatchmethod
    def policy(self, domain_event: object, processing_event: ProcessingEvent[UUID]) -> None:
        """Pass over what is no event of the service itself."""

    @policy.register
    def _(self, domain_event: OwnEvent, processing_event: ProcessingEvent[UUID]) -> None:
        body, pump = domain_event.body, domain_event.originator_id
        if isinstance(body, BolusDelivered | BolusStopped):
            tally = self.tally(pump) or Tally(pump)
            tally.count(body.delivered)
            processing_event.collect_events(tally)

    def tally(self, pump: str) -> Tally | None:
        """Give a pump's tally, None if no bolus was counted."""
        try:
            return self.repository.get(Tally.create_id(pump))
        except AggregateNotFoundError:
            return None


def refuse_older_copy(journal: Journal, tallies: Tallies) -> None:
    """End where the journal is shorter than what was counted; the library would wait in silence."""
    counted = tallies.recorder.max_tracking_id(journal.name) or 0
    if counted > (journal.recorder.max_notification_id() or 0):
        sys.exit(f"the journal was put back from an older copy: line {counted} is gone; count anew")


def show(tallies: Tallies, pump: str, *, shown: str) -> str:
    """Print what a pump was given, if that is not what was printed last."""
    tally = tallies.tally(pump)
    text = "no bolus yet"
    if tally:
        text = f"boluses {tally.boluses}, delivered {tally.delivered / 1000:.2f} U"
    if text != shown:
        print(f"pump {pump}: {text}", flush=True)
    return text


def pull(pump: str, *, follow: bool) -> None:
    """Pull the notification log, which every recorder of the library has."""
    shown = ""
    with Journal() as journal, Tallies() as tallies:
        refuse_older_copy(journal, tallies)
        tallies.follow(journal.name, journal.notification_log)
        while True:
            tallies.pull_and_process(journal.name)
            shown = show(tallies, pump, shown=shown)
            if not follow:
                return
            time.sleep(LOOK_S)


def subscribe(pump: str) -> None:
    """Run a projection over a subscription, which the library has for PostgreSQL alone."""
    shown = ""
    with EventSourcedProjectionRunner(
        application_class=Journal, projection_class=Tallies
    ) as runner:
        refuse_older_copy(runner.app, runner.projection)
        while not runner.is_interrupted.wait(LOOK_S):
            shown = show(runner.projection, pump, shown=shown)


def main() -> None:
    """Count, and print what one pump was given."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pump", default="demo", help="default: %(default)s")
    parser.add_argument("--follow", action="store_true", help="go on until Ctrl-C, by pulling")
    parser.add_argument("--subscribe", action="store_true", help="the same by subscription")
    said = parser.parse_args()
    with suppress(KeyboardInterrupt):
        if said.subscribe:
            subscribe(said.pump)
        else:
            pull(said.pump, follow=said.follow)


if __name__ == "__main__":
    main()
