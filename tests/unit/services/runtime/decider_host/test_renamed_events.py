"""`bolus_started.v1` became `bolus_start_requested.v1`; what was stored before is still read."""

from types import SimpleNamespace

import pytest

from schemas.delivery.delivery import BolusStartRequested
from schemas.units import PumpId, Speaker
from schemas.wire import codec
from schemas.wire.upcasts import newest_name, newest_tag, tags_read_as
from services.runtime.decider_host.event_writer import outgoing, read_back
from services.runtime.ports import Outgoing
from services.supervisor.broker.permissions import permissions

STORED = (
    b'{"id":"actuator:p1:7","at":60000,"recorded_at":60000,"cause":"bolus_advisor:p1:8",'
    b'"previous":"","event":{"type":"bolus_started.v1","dose":"bolus_advisor:p1:8","amount":1000,'
    b'"odometer":50,"epoch":1,"start_by":{"therapy":90000,"real":90000}}}'
)
OLD_SUBJECT = "basalt.p1.event.actuator.bolus_started"


def sent_again(stored: bytes) -> Outgoing:
    """What the outbox publishes of a stored event whose publication was never confirmed."""
    sealed = read_back(stored)
    return outgoing(sealed, speaker=Speaker("actuator"), pump=PumpId("p1"), trace="0" * 32)


@pytest.mark.requirement("R97")
def test_the_old_event_is_read_as_an_intent() -> None:
    """No listener may take the intent for a fact, whichever release stored it."""
    event = codec.decode_event(codec.decode_envelope(STORED).event)

    assert isinstance(event, BolusStartRequested)
    assert 1_000 == event.amount


@pytest.mark.requirement("R97")
def test_an_unpublished_event_of_the_older_release_keeps_subject_tag_and_bytes() -> None:
    """It may be in the stream already, unconfirmed: a second copy would stand beside it."""
    again = sent_again(STORED)

    assert OLD_SUBJECT == again.subject
    assert "bolus_started.v1" == again.headers["ce-type"]
    assert STORED == again.data


def test_the_mutant_that_sends_it_under_todays_name_is_caught(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The test above can fail."""
    todays = {**vars(codec), "tag_in": lambda _: "bolus_start_requested.v1"}
    monkeypatch.setattr(
        "services.runtime.decider_host.event_writer.codec", SimpleNamespace(**todays)
    )

    again = sent_again(STORED)

    assert OLD_SUBJECT != again.subject
    assert "bolus_started.v1" != again.headers["ce-type"]


def test_the_actuator_may_still_publish_under_the_old_name() -> None:
    """Else the broker would refuse what the older release left, and the actuator would stand."""
    allowed = permissions()["actuator"].publish

    assert OLD_SUBJECT.replace(".p1.", ".*.") in allowed
    assert "basalt.*.event.actuator.bolus_start_requested" in allowed


def test_the_old_name_finds_the_new_one() -> None:
    """Whoever asks the record for the kind that they know gets its events."""
    assert "bolus_start_requested" == newest_name("bolus_started")
    assert "carbs_recorded" == newest_name("carbs_recorded")
    assert "bolus_start_requested.v1" == newest_tag("bolus_started.v1")
    assert {"bolus_started.v1", "bolus_start_requested.v1"} == tags_read_as(
        "bolus_start_requested.v1"
    )
