"""Compile the keywords that constrain one value, such as `type`, `maximum` and `pattern`.

Each function here compiles one keyword of a schema into a check, or refuses its value.
https://json-schema.org/draft/2020-12/json-schema-validation#section-6
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from chatd.json_schema.node import (
    Check,
    Evaluated,
    Keyword,
    Node,
    Run,
    all_different,
    comparison_key,
)
from chatd.json_schema.values import SchemaError, is_number, names, size

if TYPE_CHECKING:
    from chatd.json_schema.schema import Schema

_TYPES: Mapping[str, Callable[[Any], bool]] = {
    "array": lambda value: isinstance(value, list),
    "boolean": lambda value: isinstance(value, bool),
    "integer": lambda value: is_number(value) and (isinstance(value, int) or value.is_integer()),
    "null": lambda value: value is None,
    "number": is_number,
    "object": lambda value: isinstance(value, dict),
    "string": lambda value: isinstance(value, str),
}


def _type(_compiler: Schema, schema: Mapping[str, Any], _node: Node) -> Check:
    wanted = schema["type"]
    if isinstance(wanted, str):
        wanted = [wanted]
    if not isinstance(wanted, list) or not wanted:
        raise SchemaError("a 'type' in it is neither a name nor a list of names")
    if any(not isinstance(name, str) or name not in _TYPES for name in wanted):
        raise SchemaError("a 'type' in it is not a type of JSON")
    tests = [_TYPES[name] for name in dict.fromkeys(wanted)]
    return lambda value, _run, _evaluated: any(test(value) for test in tests)


def _enum(compiler: Schema, schema: Mapping[str, Any], _node: Node) -> Check:
    values = schema["enum"]
    if not isinstance(values, list):
        raise SchemaError("an 'enum' in it is not a list")
    return _equals_any(compiler, values)


def _const(compiler: Schema, schema: Mapping[str, Any], _node: Node) -> Check:
    return _equals_any(compiler, [schema["const"]])


def _equals_any(compiler: Schema, values: list[Any]) -> Check:
    allowed = frozenset(comparison_key(value, compiler.budget) for value in values)
    return lambda value, run, _evaluated: comparison_key(value, run.budget) in allowed


def _multiple_of(_compiler: Schema, schema: Mapping[str, Any], _node: Node) -> Check:
    divisor = _number(schema, "multipleOf")
    if divisor <= 0:
        raise SchemaError("a 'multipleOf' in it is not greater than 0")
    # The decimal value: in binary, 0.3 is no multiple of 0.1.
    exact = Fraction(repr(divisor))

    def check(value: Any, run: Run, _evaluated: Evaluated | None) -> bool:
        if not is_number(value):
            return True
        written = repr(value)
        run.budget.spend(10 + len(written))
        return Fraction(written) % exact == 0

    return check


def _maximum(compiler: Schema, schema: Mapping[str, Any], _node: Node) -> Check:
    limit = _number(schema, "maximum")
    if compiler.draft4 and schema.get("exclusiveMaximum") is True:
        return lambda value, _run, _evaluated: not is_number(value) or value < limit
    return lambda value, _run, _evaluated: not is_number(value) or value <= limit


def _minimum(compiler: Schema, schema: Mapping[str, Any], _node: Node) -> Check:
    limit = _number(schema, "minimum")
    if compiler.draft4 and schema.get("exclusiveMinimum") is True:
        return lambda value, _run, _evaluated: not is_number(value) or value > limit
    return lambda value, _run, _evaluated: not is_number(value) or value >= limit


def _exclusive_maximum(compiler: Schema, schema: Mapping[str, Any], _node: Node) -> Check | None:
    if compiler.draft4 and isinstance(schema["exclusiveMaximum"], bool):
        return None  # a switch of `maximum`
    limit = _number(schema, "exclusiveMaximum")
    return lambda value, _run, _evaluated: not is_number(value) or value < limit


def _exclusive_minimum(compiler: Schema, schema: Mapping[str, Any], _node: Node) -> Check | None:
    if compiler.draft4 and isinstance(schema["exclusiveMinimum"], bool):
        return None  # a switch of `minimum`
    limit = _number(schema, "exclusiveMinimum")
    return lambda value, _run, _evaluated: not is_number(value) or value > limit


def _number(schema: Mapping[str, Any], keyword: str) -> Any:
    value = schema[keyword]
    if not is_number(value) or (isinstance(value, float) and not math.isfinite(value)):
        raise SchemaError(f"a {keyword!r} in it is not a number")
    return value


def _max_size(kind: type[str | list[Any] | dict[str, Any]], keyword: str) -> Keyword:
    def compile_keyword(_compiler: Schema, schema: Mapping[str, Any], _node: Node) -> Check:
        limit = size(schema, keyword)
        return lambda value, _run, _evaluated: not isinstance(value, kind) or len(value) <= limit

    return compile_keyword


def _min_size(kind: type[str | list[Any] | dict[str, Any]], keyword: str) -> Keyword:
    def compile_keyword(_compiler: Schema, schema: Mapping[str, Any], _node: Node) -> Check:
        limit = size(schema, keyword)
        return lambda value, _run, _evaluated: not isinstance(value, kind) or len(value) >= limit

    return compile_keyword


def _pattern(compiler: Schema, schema: Mapping[str, Any], _node: Node) -> Check:
    pattern = compiler.pattern(schema["pattern"])

    def check(value: Any, run: Run, _evaluated: Evaluated | None) -> bool:
        if not isinstance(value, str):
            return True
        if pattern is None:
            run.used_unknown = True
            return run.unknown_result
        return pattern.search(value, run.budget)

    return check


def _unique_items(_compiler: Schema, schema: Mapping[str, Any], _node: Node) -> Check | None:
    if not isinstance(schema["uniqueItems"], bool):
        raise SchemaError("a 'uniqueItems' in it is neither true nor false")
    if not schema["uniqueItems"]:
        return None
    return lambda value, run, _evaluated: (
        not isinstance(value, list) or all_different(value, run.budget)
    )


def _required(_compiler: Schema, schema: Mapping[str, Any], _node: Node) -> Check:
    required = names(schema["required"], "required")

    def check(value: Any, run: Run, _evaluated: Evaluated | None) -> bool:
        run.budget.spend(len(required))
        return not isinstance(value, dict) or all(name in value for name in required)

    return check


ASSERTIONS: Mapping[str, Keyword] = {
    "type": _type,
    "const": _const,
    "enum": _enum,
    "multipleOf": _multiple_of,
    "maximum": _maximum,
    "minimum": _minimum,
    "exclusiveMaximum": _exclusive_maximum,
    "exclusiveMinimum": _exclusive_minimum,
    "maxLength": _max_size(str, "maxLength"),
    "minLength": _min_size(str, "minLength"),
    "maxItems": _max_size(list, "maxItems"),
    "minItems": _min_size(list, "minItems"),
    "maxProperties": _max_size(dict, "maxProperties"),
    "minProperties": _min_size(dict, "minProperties"),
    "pattern": _pattern,
    "uniqueItems": _unique_items,
    "required": _required,
}
