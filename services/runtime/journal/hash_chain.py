"""The chain of a journal: each line bears a hash over itself and the line before it.

A bit that flipped, a line that was changed, cut out, put in, moved or copied is found where it
stands, whatever it says: the hashes of events alone do not cover commands and reports.
"""

from schemas.wire import codec
from services.runtime.journal.entries import RowMetadata
from services.runtime.platform.errors import JournalAltered
from services.runtime.ports import Row

LINK_HEX = 32
"""[-] hex digits of a link: 128 bits find accidents and whoever cannot write the whole journal."""

_OPEN = b',""]'
"""[-] how a head line ends whose link is not written yet."""

_MARK = b',"'
_END = b'"]'


def append_link(previous: str, row: Row, head: RowMetadata, data: bytes) -> tuple[Row, str]:
    """Write a line with its link; give the link that the next line goes on from.

    Args:
        previous: the link of the line before, empty for a pump's first.
        row: pump, position and topic; its state is not looked at.
        head: of the line, its own link empty.
        data: what was heard or said.
    """
    bare = codec.encode(head).removesuffix(_OPEN)
    link = _hash(previous, row, bare, data)
    state = b"%b%b%b%b\n%b" % (bare, _MARK, link.encode(), _END, data)
    return Row(row.pump, row.position, row.topic, state), link


def verify_next(previous: str, row: Row, *, after: int) -> str:
    """Hold the next line of a pump against the one before; give its link.

    A line of the time before there were links passes as long as none had one.

    Args:
        previous: the link of the line before, empty when there is none.
        row: as it was read.
        after: [-] position of the line before, 0 for none.

    Raises:
        JournalAltered: it is not what was written there.
    """
    if row.position != after + 1:
        raise JournalAltered(row.pump, after + 1, f"line {row.position} stands in its place")
    bare, link, data = _taken_apart(row)
    if not link:
        if previous:
            raise JournalAltered(row.pump, row.position, "it has no link to the line before")
        return ""
    if link != _hash(previous, row, bare, data):
        raise JournalAltered(row.pump, row.position, "it is not what was written there")
    return link


def link_in(row: Row) -> str:
    """Read the link that a line bears, empty for one that has none."""
    return _taken_apart(row)[1]


def _taken_apart(row: Row) -> tuple[bytes, str, bytes]:
    """Give the head line without its link, the link, and what was heard or said."""
    line, _, data = row.state.partition(b"\n")
    bare, _, rest = line.rpartition(_MARK)
    link = rest.removesuffix(_END).decode(errors="replace")
    if len(link) != LINK_HEX or not rest.endswith(_END):
        return line, "", data
    return bare, link, data


def _hash(previous: str, row: Row, bare: bytes, data: bytes) -> str:
    place = f"{previous} {row.pump} {row.position} {row.topic}".encode()
    return codec.sha256_hex(b"%b\n%b\n%b" % (place, bare, data))[:LINK_HEX]
