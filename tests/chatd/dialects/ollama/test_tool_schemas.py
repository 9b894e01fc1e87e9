"""A tool's schema is written in the keywords that Ollama keeps; lost keywords are named."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from chatd.canonical.request import Tool
from chatd.dialects.ollama.tool_schemas import ToolSchemas
from chatd.errors import InvalidRequestError
from tests.support.functions import ask, post
from tests.support.upstream import Upstream

OPENAI = "/v1/chat/completions"


def written(parameters: Any) -> tuple[dict[str, Any], tuple[str, ...]]:
    schemas = ToolSchemas()
    return dict(schemas.parameters(Tool("add", None, parameters))), schemas.lost


def of(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties)}


def test_keywords_that_ollama_keeps_are_sent_unchanged() -> None:
    given = of(
        a={"type": ["string", "null"], "description": "A", "enum": ["x", None]},
        b={"anyOf": [{"type": "integer"}, {"type": "null"}]},
        c={"type": "array", "items": {"type": "string", "format": "date", "minLength": 1}},
        d={**of(e={"type": "number"}), "title": "D"},
    )

    assert written(given) == (given, ())
    assert written(None) == ({"type": "object", "properties": {}}, ())


ADDRESS = of(street={"type": "string"})


@pytest.mark.parametrize("where", ["$defs", "definitions"])
def test_references_are_inlined(where: str) -> None:
    reference = {"$ref": f"#/{where}/a~1b%20c", "description": "Home"}
    given = {
        **of(home=reference, others={"type": "array", "items": reference}),
        where: {"a/b c": ADDRESS},
    }
    inlined = {"description": "Home", **ADDRESS}

    assert written(given) == (of(home=inlined, others={"type": "array", "items": inlined}), ())


def test_equal_keywords_replace_those_that_ollama_drops() -> None:
    given = {
        **of(
            one={"oneOf": [{"type": "string"}, {"$ref": "#/$defs/address"}]},
            same={"const": 1},
            all={"allOf": [{"$ref": "#/$defs/address"}, of(zip={"type": "string"})]},
        ),
        "$defs": {"address": ADDRESS},
    }

    assert written(given) == (
        of(
            one={"anyOf": [{"type": "string"}, ADDRESS]},
            same={"enum": [1]},
            all=of(zip={"type": "string"}, street={"type": "string"})
            | {"required": ["street", "zip"]},
        ),
        (),
    )


def test_lost_keywords_are_named() -> None:
    given = {
        **of(
            a={"type": "string", "format": "date", "default": "today", "x-mine": 1},
            b={"anyOf": [{"type": "integer", "minimum": 1}], "oneOf": [{"type": "integer"}]},
            c={"$ref": "https://example.com/schema.json"},
            d={"$ref": "#/$defs/missing"},
            e={"allOf": [{"type": "string"}, {"type": "integer"}]},
            f={"not": {"type": "string"}},
        ),
        "additionalProperties": False,
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "quiet",
    }

    _, lost = written(given)

    keywords = ["$ref", "additionalProperties", "allOf", "default", "format", "minimum", "not"]
    assert lost == tuple(f"tools.{name}" for name in [*keywords, "oneOf", "x-mine"])


def test_a_recursive_reference_is_omitted_and_named() -> None:
    node = {
        "type": "object",
        "description": "A node",
        "properties": {
            "value": {"type": "string"},
            "children": {"type": "array", "items": {"$ref": "#/$defs/node"}},
        },
    }

    schema, lost = written({**of(root={"$ref": "#/$defs/node"}), "$defs": {"node": node}})

    assert lost == ("tools.$ref",)
    root = schema["properties"]["root"]
    assert root["properties"]["value"] == {"type": "string"}
    assert root["properties"]["children"]["items"] == {"type": "object", "description": "A node"}


def test_a_schema_with_a_reference_to_its_root_is_finite() -> None:
    schema, lost = written(of(again={"$ref": "#"}))

    assert lost == ("tools.$ref",)
    assert schema["properties"]["again"]["properties"]["again"] == {"type": "object"}


def test_doubling_references_are_limited() -> None:
    defs: dict[str, Any] = {
        f"d{n}": of(a={"$ref": f"#/$defs/d{n + 1}"}, b={"$ref": f"#/$defs/d{n + 1}"})
        for n in range(60)
    }
    defs["d60"] = {"type": "string"}

    schema, lost = written({**of(top={"$ref": "#/$defs/d0"}), "$defs": defs})

    assert lost == ("tools.$ref",)
    assert len(json.dumps(schema)) < 2_000_000


def test_a_long_chain_of_references_is_limited() -> None:
    defs: dict[str, Any] = {f"d{n}": of(a={"$ref": f"#/$defs/d{n + 1}"}) for n in range(5_000)}

    _, lost = written({**of(top={"$ref": "#/$defs/d0"}), "$defs": defs})

    assert lost == ("tools.$ref",)


def test_parameters_that_are_nested_too_deeply_are_refused() -> None:
    schema: dict[str, Any] = {"type": "string"}
    for _ in range(2_000):
        schema = of(a=schema)

    with pytest.raises(InvalidRequestError, match="too deeply"):
        written(schema)


keywords = st.sampled_from(
    ["$ref", "$defs", "properties", "items", "anyOf", "allOf", "oneOf", "const", "type", "required"]
)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from(["#", "#/$defs/a", "#/items", "x"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keywords, inner, max_size=4),
    max_leaves=20,
)


@example({"allOf": [{"required": ["a"], "properties": {}}, {"required": 1, "properties": None}]})
@given(st.dictionaries(keywords, values, max_size=5))
def test_no_schema_raises_an_exception(schema: dict[str, Any]) -> None:
    result, lost = written(schema)

    json.dumps(result)
    assert all(name.startswith("tools.") for name in lost)


@pytest.mark.usefixtures("keys")
@pytest.mark.parametrize("model", ["llama3.2", "ollama_cloud/gpt-oss"])
def test_the_header_names_the_lost_keywords(model: str, provider: Upstream) -> None:
    parameters = {**of(day={"type": "string", "format": "date"}), "additionalProperties": False}
    tool = {"type": "function", "function": {"name": "add", "parameters": parameters}}

    result = post(ask(model, tools=[tool]), OPENAI)
    without = post(ask(model, tools=[tool], tool_choice="none"), OPENAI)

    assert result.status == 200
    assert result.headers["x-chatd-dropped-params"] == "tools.additionalProperties, tools.format"
    assert "x-chatd-dropped-params" not in without.headers
    (sent,) = provider.received[0].json["tools"]
    assert sent["function"]["parameters"] == parameters


def test_references_do_not_multiply_a_large_schema() -> None:
    large = {"type": "string", "description": "x" * 50_000}
    given = {
        "type": "object",
        "properties": {f"p{n}": {"$ref": "#/$defs/large"} for n in range(5_000)},
        "$defs": {"large": large},
    }
    schema, lost = written(given)

    assert "tools.$ref" in lost
    assert schema["properties"]["p0"] == large
    assert len(json.dumps(schema)) < 1_500_000


@pytest.mark.parametrize(
    "parts",
    [
        lambda count: [{"properties": {f"p{n}": {"type": "string"}}} for n in range(count)],
        lambda count: [{"required": [f"p{n}"]} for n in range(count)],
        lambda count: [{"required": [f"p{n}" for n in range(count)]}] * 2,
    ],
)
def test_merging_takes_time_in_proportion_to_the_parts(
    parts: Callable[[int], list[dict[str, Any]]],
) -> None:
    def seconds(count: int) -> float:
        given, taken = {"allOf": parts(count)}, []
        for _ in range(3):
            start = time.process_time()
            written(given)
            taken.append(time.process_time() - start)
        return min(taken)

    # Quadratic work would take 64 times as long for 8 times the parts.
    assert seconds(16_000) < 24 * seconds(2_000)
