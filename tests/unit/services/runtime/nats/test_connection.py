"""The quick header parser reads what the library's own reads."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nats.aio.client import Client

from services.runtime.nats.connection import QuickClient

BLOCKS = [
    b"ce-id: a:b:1\r\ncontent-type: application/json\r\n\r\n",
    b"Name:Value\r\nTab:\tvalue\r\n",
    b"no colon\r\nname : spaced\r\n two: words here\r\n",
    b"b\xc3\xa9: skipped\r\nkept: \xc3\xa9\r\nbroken: \xff\r\n",
    b"in side: skipped\r\ntwice: 1\r\ntwice: 2\r\n: empty\r\n",
    b"",
    b"\r\n",
]


@pytest.mark.parametrize("block", BLOCKS)
def test_well_formed_and_malformed_blocks_are_read_alike(block: bytes) -> None:
    """Quicker, not different."""
    assert Client._parse_header_lines(block) == QuickClient._parse_header_lines(block)


@given(st.lists(st.sampled_from([b"a", b": ", b":", b"\r\n", b" ", b"\xff", b"ce-id", b"\t"])))
def test_any_block_is_read_alike(pieces: list[bytes]) -> None:
    """Whatever bytes arrive."""
    block = b"".join(pieces)

    assert Client._parse_header_lines(block) == QuickClient._parse_header_lines(block)
