"""What the vocabulary says of its fields, read out of the source: Python keeps no field docs."""

import ast
import inspect
import sys
from functools import cache
from typing import Any

import msgspec


def describe(schema: dict[str, Any], kind: type[msgspec.Struct]) -> dict[str, Any]:
    """Give a struct's JSON Schema with each field's own words, unit first, as its description."""
    docs: dict[str, str] = {}
    for parent in reversed(kind.__mro__):
        if parent.__module__.startswith("schemas."):
            docs |= _field_docs(parent.__module__).get(parent.__name__, {})
    properties = {
        name: _described(field, docs[name]) if name in docs else field
        for name, field in schema["properties"].items()
    }
    return {**schema, "properties": properties}


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
