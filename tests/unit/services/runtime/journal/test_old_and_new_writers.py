"""Records of an older release, and writers of a newer one (M2, M3)."""

from collections import defaultdict
from dataclasses import replace
from typing import Any

import pytest

from core.deciders.registry import DECIDERS
from schemas.bolus.settings import BolusSettingsSet
from schemas.message import name_of, parse_event_id
from schemas.record import MessageQuarantined
from schemas.units import Speaker
from schemas.wire import codec
from schemas.wire.upcasts import UPCASTS
from services.runtime.audit.record_check import RecordReport
from services.runtime.audit.whole_check import check_record
from services.runtime.journal import entries
from services.runtime.journal.causal_order import Past, in_causal_order, read_past
from services.runtime.journal.entries import INPUT, RowMetadata, event_entry
from services.runtime.journal.hash_chain import append_link
from services.runtime.journal.memory_store import FakeStore
from services.runtime.ports import Arrived, ChainTip, Commit, Row, StreamHead
from services.runtime.replay.lookup import events_of
from support.repository import DATA
from support.simulated.fake_system import PUMP, FakeSystem

GOLDEN = DATA / "golden-0.1.0.jsonl"
"""[-] what release 0.1.0 recorded of one day: added to, never edited."""

OLD_SETTINGS = (
    b'{"type":"bolus_settings_set.v1","actor":"person:a","carb_ratio":10000,'
    b'"sensitivity":40000,"target_low":90,"target_high":120,'
    b'"insulin":{"duration":21600000,"peak":4500000,"delay":600000}}'
)


def golden() -> list[Past]:
    by_speaker: dict[Speaker, list[Past]] = defaultdict(list)
    for line in GOLDEN.read_bytes().splitlines():
        by_speaker[Speaker(read_past(line).envelope.id.split(":")[0])].append(read_past(line))
    return in_causal_order(by_speaker)


def folded() -> dict[Speaker, Any]:
    states = {name: decider.initial(PUMP) for name, decider in DECIDERS.items()}
    for past in golden():
        envelope = past.envelope
        sha256 = codec.sha256_hex(past.data)
        entry = event_entry(envelope, sha256)
        for name, decider in DECIDERS.items():
            if entry.speaker == name or entry.speaker in decider.subscribes_to:
                states[name] = decider.evolve(states[name], entry)
    return states


def assert_the_day_is_as_it_was() -> None:
    doses = folded()[Speaker("actuator")].doses
    heard = folded()[Speaker("bolus_advisor")].doses
    assert (4_250, 2_000) == (doses.bolus_total, doses.basal_total)
    assert (4_250, 2_000) == (heard.bolus_total, heard.basal_total)
    assert () == doses.open


@pytest.mark.requirement("R97")
def test_a_day_recorded_by_the_first_release_means_what_it_meant() -> None:
    """To the milliunit, for the service that gave it and for the one that advises upon it (M2)."""
    assert_the_day_is_as_it_was()


def test_the_chain_of_the_recorded_day_holds() -> None:
    """Nobody has edited it: a golden history is added to, never changed."""
    newest: dict[str, str] = {}
    for past in golden():
        speaker = past.envelope.id.split(":")[0]
        assert newest.get(speaker, "") == past.envelope.previous
        newest[speaker] = codec.sha256_hex(past.data)


@pytest.mark.requirement("R97")
def test_settings_of_the_older_tag_are_what_they_were() -> None:
    """The upcast is the only way: no reader knows v1 any more."""
    event = codec.decode_event(OLD_SETTINGS)

    assert isinstance(event, BolusSettingsSet)
    assert [10_000] == [one.carb_ratio for one in event.carb_ratios]


def test_the_mutant_without_upcasts_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """Then settings of the older tag would be lost: the test above can fail."""
    monkeypatch.setattr(codec, "UPCASTS", {})

    with pytest.raises(codec.DECODE_ERRORS):
        codec.decode_event(OLD_SETTINGS)


def old_events() -> list[Past]:
    """The first release's day, and settings as it said them before their tag grew."""
    past = golden()
    own = [one for one in past if one.envelope.id.startswith("bolus_advisor:")]
    said = (
        b'{"id":"bolus_advisor:%b:%d","at":%d,"recorded_at":%d,"cause":"x","previous":"%b",'
        b'"event":%b}'
    ) % (
        PUMP.encode(),
        own[-1].version + 1,
        past[-1].envelope.at,
        past[-1].envelope.recorded_at,
        codec.sha256_hex(own[-1].data).encode(),
        OLD_SETTINGS,
    )
    return [*past, read_past(said)]


def old_record() -> FakeStore:
    """Their record as it was written then: its lines bear the tags of their day."""
    store, link = FakeStore(), ""
    for position, past in enumerate(old_events(), start=1):
        speaker = parse_event_id(past.envelope.id)[0]
        kind = name_of(type(codec.decode_event(past.envelope.event)))
        topic = INPUT + codec.tag_in(past.envelope.event)
        head = RowMetadata(
            past.envelope.at,
            past.envelope.recorded_at,
            1,
            0,
            f"basalt.{PUMP}.event.{speaker}.{kind}",
            "0" * 32,
        )
        row, link = append_link(link, Row(PUMP, position, topic, b""), head, past.data)
        end = ChainTip(position, link)
        store.commit(
            Commit(rows=[row], ends={PUMP: end}, heads={(PUMP, speaker): StreamHead(1, "")})
        )
    return store


def is_read_whole(store: FakeStore) -> bool:
    """Each event counts, by its name of today, at its place in its speaker's chain."""
    events = old_events()
    return (
        [known.name for known in events_of(store, pump=PUMP)]
        == [past.envelope.id for past in events]
        and [*events_of(store, pump=PUMP, kinds={"bolus_settings_set"})][-1].name
        == events[-1].envelope.id
        and replace(check_record(store, checkpoints={}), open_ends=())
        == RecordReport(len(events), len(events), 0, ())
    )


@pytest.mark.requirement("R97")
def test_lines_that_bear_older_tags_are_events_as_ever() -> None:
    """A topic is as old as its line."""
    store = old_record()
    topics = {row.topic for _, row in store.rows(pump=PUMP)}
    assert f"{INPUT}bolus_settings_set.v1" in topics
    assert is_read_whole(store)


def test_the_mutant_that_knows_todays_tags_alone_is_caught(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It would find a hole in every record that was begun before a tag grew."""
    store = old_record()
    for tag in UPCASTS:
        monkeypatch.delitem(entries._EVENT_NAMES, tag, raising=False)
    assert not is_read_whole(store)


LINE = (
    '{{"id":"bolus_advisor:p1:{}","at":1,"recorded_at":1,"cause":"x","previous":"{}","event":{}}}'
)


@pytest.mark.requirement("R97")
def test_a_field_that_a_newer_writer_adds_is_read_over() -> None:
    """In a rolling upgrade the old reader goes on (M3)."""
    system = FakeSystem()
    system.set_up()
    historian = system.services[Speaker("historian")]
    version = (
        historian.processor.unit_of_work.pump_stream(PUMP).heads[Speaker("bolus_advisor")].version
    )
    newer = (
        b'{"id":"bolus_advisor:p1:%d","at":1,"recorded_at":1,"cause":"x","previous":"%s",'
        b'"shade":"green","event":{"type":"carbs_recorded.v1","grams":10,"eaten_at":1,'
        b'"actor":"person:a","flavour":"sweet"}}'
    )
    head = historian.processor.unit_of_work.pump_stream(PUMP).heads[Speaker("bolus_advisor")]
    subject = f"basalt.{PUMP}.event.bolus_advisor.carbs_recorded"
    data = newer % (version + 1, head.sha256.encode())

    step = historian.processor.handle([Arrived(subject, data, {}, 0)], now=system.clock.now())

    after = historian.processor.unit_of_work.pump_stream(PUMP).heads[Speaker("bolus_advisor")]
    assert step.missing is None
    assert (version + 1, codec.sha256_hex(data)) == (after.version, after.sha256)
    assert not system.said_of("historian", MessageQuarantined)


@pytest.mark.requirement("R97")
def test_a_tag_of_a_newer_writer_is_set_aside_and_the_next_event_is_heard() -> None:
    """It is kept byte for byte: the newer reader will understand it (M3)."""
    system = FakeSystem()
    system.set_up()
    historian = system.services[Speaker("historian")]
    books = historian.processor.unit_of_work
    head = books.pump_stream(PUMP).heads[Speaker("bolus_advisor")]
    unknown = LINE.format(head.version + 1, head.sha256, '{"type":"meal_seen.v7"}').encode()
    known = LINE.format(
        head.version + 2,
        codec.sha256_hex(unknown),
        '{"type":"carbs_recorded.v1","grams":10,"eaten_at":1,"actor":"person:a"}',
    ).encode()
    subject = f"basalt.{PUMP}.event.bolus_advisor."
    arrived = [
        Arrived(subject + "meal_seen", unknown, {}, 0),
        Arrived(subject + "carbs_recorded", known, {}, 0),
    ]

    step = historian.processor.handle(arrived, now=system.clock.now())

    assert step.missing is None
    assert head.version + 2 == books.pump_stream(PUMP).heads[Speaker("bolus_advisor")].version
    (aside,) = system.said_of("historian", MessageQuarantined)
    assert codec.sha256_hex(unknown) == aside.sha256
