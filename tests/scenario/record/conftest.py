"""A signed record, and the checkpoints that its tests hold it against."""

import pytest

from services.runtime.audit.record_check import Checkpoints
from support.simulated.signed_record import SignedRecord, kept_in, signed_record


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory) -> SignedRecord:
    return signed_record(tmp_path_factory.mktemp("signed"))


@pytest.fixture(scope="module")
def early(record: SignedRecord) -> Checkpoints:
    """Give checkpoints of its first part alone: the rest is open."""
    return kept_in(record.early)
