"""The vocabulary as documents: what others build on is what the code says."""

import json
from functools import cache
from typing import Any

import jsonschema  # type: ignore[import-untyped]  # it ships no types
import pytest

from core.deciders.registry import DECIDERS
from schemas.message import Command, Event, name_of, tag_of
from schemas.wire import codec
from services.command_line.system.schema_export.documents import (
    ASYNCAPI_FILE,
    MESSAGES_FILE,
    documents,
)
from services.command_line.system.schema_export.examples import example
from support.repository import DATA, ROOT

COMMITTED = ROOT / "schemas" / "generated"
OFFICIAL = DATA / "asyncapi-3.0.0.json"


@cache
def made() -> dict[str, bytes]:
    return documents()


def asyncapi() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(made()[ASYNCAPI_FILE])
    return found


@cache
def messages() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(made()[MESSAGES_FILE])
    return found


@pytest.mark.parametrize("name", [MESSAGES_FILE, ASYNCAPI_FILE])
def test_the_committed_documents_are_those_that_the_code_makes(name: str) -> None:
    """A document that lags behind the code makes others build the wrong client.

    To put it right: `basalt schema`.
    """
    assert documents()[name] == (COMMITTED / name).read_bytes()


def test_the_documents_are_the_same_bytes_each_time() -> None:
    """A document that changes by itself hides the change that matters."""
    assert documents() == documents()


def test_the_asyncapi_document_is_one_by_the_official_schema() -> None:
    """Tools of others read it by the letter of the specification."""
    validator = jsonschema.Draft7Validator(json.loads(OFFICIAL.read_bytes()))

    assert [] == [error.message for error in validator.iter_errors(asyncapi())]


def test_a_broken_asyncapi_document_is_found() -> None:
    """A check that never fails checks nothing."""
    validator = jsonschema.Draft7Validator(json.loads(OFFICIAL.read_bytes()))
    broken = asyncapi()
    broken["operations"]["actuator.says.bolus_start_requested"]["action"] = "shout"

    assert not validator.is_valid(broken)


def test_each_reference_of_the_asyncapi_document_leads_somewhere() -> None:
    """The official schema does not follow references."""
    document = asyncapi()

    dangling = [reference for reference in _references(document) if not _leads(document, reference)]

    assert [] == dangling


def test_the_json_schema_is_one() -> None:
    """A schema that is none validates nothing."""
    jsonschema.Draft202012Validator.check_schema(messages())


def test_all_that_a_decider_says_hears_and_obeys_is_in_the_document() -> None:
    """A service of somebody else's knows the system by this document alone."""
    operations = asyncapi()["operations"]

    expected = {
        f"{name}.{verb}.{name_of(kind)}"
        for name, decider in DECIDERS.items()
        for verb, kinds in (("says", decider.emits), ("obeys", decider.handles))
        for kind in kinds
    } | {
        f"{name}.hears.{heard}.{name_of(kind)}"
        for name, decider in DECIDERS.items()
        for heard in decider.subscribes_to
        for kind in DECIDERS[heard].emits
    }

    assert expected == set(operations)


@pytest.mark.parametrize("kind", [*codec.EVENT_KINDS, *codec.COMMAND_KINDS], ids=tag_of)
def test_each_example_is_a_message_that_decodes(kind: type[Event | Command]) -> None:
    """An example that the system refuses teaches the wrong thing."""
    payload = asyncapi()["components"]["messages"][tag_of(kind)]["examples"][0]["payload"]
    data = json.dumps(payload).encode()

    if issubclass(kind, Event):
        decoded: Event | Command = codec.decode_event(codec.decode_envelope(data).event)
    else:
        decoded = codec.decode_command(codec.decode_command_envelope(data).command)

    assert example(kind) == decoded


@pytest.mark.parametrize(
    "kind", [*codec.EVENT_KINDS, *codec.COMMAND_KINDS, *codec.REPORT_KINDS], ids=tag_of
)
def test_each_message_fits_its_own_schema_and_no_other(kind: type[Any]) -> None:
    """The tag alone decides what a message is."""
    validator = jsonschema.Draft202012Validator(messages())

    assert validator.is_valid(json.loads(codec.encode(example(kind))))


def test_a_message_with_a_wrong_type_does_not_fit() -> None:
    """A check that never fails checks nothing."""
    validator = jsonschema.Draft202012Validator(messages())

    assert not validator.is_valid({"type": "record_carbs.v1", "grams": "45", "eaten_at": 0})


def test_each_field_says_its_unit() -> None:
    """A number whose unit is guessed is a dose that is wrong."""
    silent = [
        f"{name}.{field}"
        for name, schema in messages()["$defs"].items()
        for field, content in schema["properties"].items()
        if field != "type" and not content.get("description", "").startswith("[")
    ]

    assert [] == silent


def _references(value: Any) -> list[str]:
    if isinstance(value, dict):
        own = [value["$ref"]] if isinstance(value.get("$ref"), str) else []
        return own + [found for inner in value.values() for found in _references(inner)]
    if isinstance(value, list):
        return [found for inner in value for found in _references(inner)]
    return []


def _leads(document: Any, reference: str) -> bool:
    place = document
    for step in reference.removeprefix("#/").split("/"):
        if not isinstance(place, dict) or step not in place:
            return False
        place = place[step]
    return True
