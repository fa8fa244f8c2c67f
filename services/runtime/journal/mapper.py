"""Lines of a journal as domain events of the eventsourcing library, for followers outside Basalt.

Name it to the library by MAPPER_TOPIC=services.runtime.journal.mapper:JournalMapper; how a
follower is written stands in docs/following.md.
"""

from typing import Any
from uuid import UUID

import msgspec
from eventsourcing.domain import DomainEventProtocol
from eventsourcing.persistence import Mapper, MapperDeserialisationError, StoredEvent

from core.kernel.decider import Entry
from schemas.message import Command, Event, Report, tag_of
from schemas.units import PumpId
from schemas.wire import codec
from schemas.wire.upcasts import newest_tag
from services.runtime.journal.entries import IMPORTED, INPUT, RowMetadata, read_row, tag_in_topic
from services.runtime.journal.hash_chain import link_in, verify_next
from services.runtime.platform.errors import JournalAltered
from services.runtime.ports import ChainTip, Row


class JournalLine(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """One line of a journal, decoded: the base of the three kinds that there are."""

    originator_id: str
    """[-] id of the pump that the line is about."""
    originator_version: int
    """[-] position among the lines of that pump, from 1 on, without a hole."""
    topic: str
    """[-] tag of the message, with the prefix of its kind of line."""
    metadata: RowMetadata
    """[-] when, where and after which line."""
    entry: Entry
    """[-] the message, and who sent it."""
    data: bytes
    """[-] the message as it was received or sent; hashes of events are over these bytes."""

    @property
    def body(self) -> Event | Command | Report:
        """Give the message itself, brought to its newest version."""
        return self.entry.body


class OwnEvent(JournalLine, frozen=True, gc=False, kw_only=True):
    """An event of the service whose journal this is."""


class InputMessage(JournalLine, frozen=True, gc=False, kw_only=True):
    """What the service was given to decide on: an event, a command or a report."""


class ImportedMessage(JournalLine, frozen=True, gc=False, kw_only=True):
    """What the service keeps and did not decide on: an old event, a command to another one."""


class JournalMapper(Mapper[Any]):
    """Makes domain events of a journal's lines, and refuses a line that is not what was written.

    Lines of one pump that come one after another are held against the hash chain, beginning at
    position 1 or at the first line that is mapped. Where lines are left out, as by a filter on
    topics, a line is refused only if it cannot be decoded or its topic is not that of its message.

    A follower keeps aggregates of its own by the same mapper: what bears a UUID is left to the
    library's own Mapper.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Begin with no line mapped; the arguments are the library's."""
        super().__init__(*args, **kwargs)
        self._tips: dict[PumpId, ChainTip] = {}

    def to_domain_event(self, stored_event: StoredEvent) -> DomainEventProtocol[Any]:
        """Decode a line.

        Raises:
            MapperDeserialisationError: it is not what was written, or newer than this release.
        """
        if isinstance(stored_event.originator_id, UUID):
            return super().to_domain_event(stored_event)
        pump = PumpId(stored_event.originator_id)
        row = Row(pump, stored_event.originator_version, stored_event.topic, stored_event.state)
        try:
            tip = self._verified(row)
            read = read_row(row)
            _assert_topic(row.topic, read.entry)
        except (JournalAltered, *codec.DECODE_ERRORS) as error:
            reason = error.reason if isinstance(error, JournalAltered) else error
            raise MapperDeserialisationError(
                f"line {row.position} of pump {pump}, topic '{row.topic}': {reason}"
            ) from error
        self._tips[pump] = tip
        return _kind(row.topic)(
            originator_id=pump,
            originator_version=row.position,
            topic=row.topic,
            metadata=read.head,
            entry=read.entry,
            data=read.data,
        )

    def to_stored_event(self, domain_event: DomainEventProtocol[Any]) -> StoredEvent:
        """Encode an event of a follower's own aggregate.

        Raises:
            TypeError: it is a line of a journal: only the service that owns it writes there.
        """
        if isinstance(domain_event, JournalLine):
            raise TypeError("a journal is written by the service that owns it, and by nobody else")
        return super().to_stored_event(domain_event)

    def _verified(self, row: Row) -> ChainTip:
        """Hold a line against the one before, if that was the last one mapped of its pump."""
        last = self._tips.get(row.pump, ChainTip(0, ""))
        if row.position == last.position + 1:
            return ChainTip(row.position, verify_next(last.link, row, after=last.position))
        return ChainTip(row.position, link_in(row))


def _kind(topic: str) -> type[JournalLine]:
    if topic.startswith(INPUT):
        return InputMessage
    return ImportedMessage if topic.startswith(IMPORTED) else OwnEvent


def _assert_topic(topic: str, entry: Entry) -> None:
    """Refuse a topic that is not that of the message; one of an older release has an older tag."""
    newest = tag_of(type(entry.body))
    if newest_tag(tag_in_topic(topic)) != newest:
        raise ValueError(f"the topic is not that of the message, which is a '{newest}'")
