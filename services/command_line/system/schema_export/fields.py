"""JSON Schema of structs with the words of their fields, read out of the source.

Python keeps no documentation of a field; the unit of each stands there.
"""

import ast
import inspect
import sys
from collections.abc import Iterable
from functools import cache
from typing import Any, Final

import msgspec

ROOMS: Final = ("schemas.", "core.")
"""[-] where the structs that are described live."""


def whole_schema(kind: type[msgspec.Struct]) -> dict[str, Any]:
    """Give the schema of a struct, with those of all that it holds beside it."""
    here = "#/$defs/{name}"
    defs = schemas_of((kind,), template=here)
    return {"$ref": here.format(name=kind.__name__), "$defs": defs}


def schemas_of(kinds: Iterable[type[msgspec.Struct]], *, template: str) -> dict[str, Any]:
    """Give the schemas of these structs and of all that they hold, by name.

    Args:
        kinds: the structs.
        template: where one refers to another, with {name} in it.
    """
    wanted = list(kinds)
    _, components = msgspec.json.schema_components(wanted, ref_template=template)
    structs = {struct.__name__: struct for struct in _with_inner(wanted)}
    return {name: _describe(components[name], structs[name]) for name in sorted(components)}


def _with_inner(kinds: Iterable[type[msgspec.Struct]]) -> Iterable[type[msgspec.Struct]]:
    """Give structs, and those that their fields hold, each at least once."""
    for kind in kinds:
        yield kind
        for field in msgspec.structs.fields(kind):
            yield from _with_inner(_structs_in(msgspec.inspect.type_info(field.type)))


def _structs_in(info: Any) -> Iterable[type[msgspec.Struct]]:
    match info:
        case msgspec.inspect.StructType(cls=cls):
            yield cls
        case msgspec.inspect.VarTupleType(item_type=inner):
            yield from _structs_in(inner)
        case msgspec.inspect.DictType(value_type=inner):
            yield from _structs_in(inner)
        case msgspec.inspect.UnionType(types=inners):
            for inner in inners:
                yield from _structs_in(inner)
        case _:
            return


def _describe(schema: dict[str, Any], kind: type[msgspec.Struct]) -> dict[str, Any]:
    """Put in each field's own words, unit first, and the struct's without its indentation."""
    docs: dict[str, str] = {}
    for parent in reversed(kind.__mro__):
        if parent.__module__.startswith(ROOMS):
            docs |= _field_docs(parent.__module__).get(parent.__name__, {})
    texts = {
        one.encode_name: docs[one.name] for one in msgspec.structs.fields(kind) if one.name in docs
    }
    properties = {
        name: _described(field, texts[name]) if name in texts else field
        for name, field in schema["properties"].items()
    }
    # Python 3.13 takes the indentation out of a docstring, those before it leave it in.
    said = {"description": inspect.cleandoc(schema["description"])}
    return {**schema, **said, "properties": properties}


def _described(field: dict[str, Any], text: str) -> dict[str, Any]:
    """Add words; beside a reference older readers ignore them, so that it is wrapped."""
    if "$ref" in field:
        return {"description": text, "allOf": [field]}
    return {"description": text, **field}


@cache
def _field_docs(module: str) -> dict[str, dict[str, str]]:
    tree = ast.parse(inspect.getsource(sys.modules[module]))
    return {
        node.name: {
            field.target.id: " ".join(after.value.value.split())
            for field, after in zip(node.body, node.body[1:], strict=False)
            if isinstance(field, ast.AnnAssign)
            and isinstance(field.target, ast.Name)
            and isinstance(after, ast.Expr)
            and isinstance(after.value, ast.Constant)
            and isinstance(after.value.value, str)
        }
        for node in tree.body
        if isinstance(node, ast.ClassDef)
    }
