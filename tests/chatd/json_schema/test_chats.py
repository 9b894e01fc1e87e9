"""Any JSON as a schema, and any JSON as an answer, end in an answer or a typed error."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chatd.json_schema.keywords import KEYWORDS, LAST
from tests.support import answers
from tests.support.functions import ask, post
from tests.support.upstream import Upstream, reply

WORDS = [*KEYWORDS, *LAST, "$ref", "$id", "$schema", "$anchor", "$dynamicRef", "$recursiveRef", "a"]
JSON: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8)
    | st.sampled_from(["#", "#/$defs/a", "object", "string", "^(a+)+$", "(?=a)", "["]),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=4)
    ),
    max_leaves=20,
)


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(schema=st.dictionaries(st.sampled_from(WORDS), JSON, max_size=5), content=JSON)
@pytest.mark.usefixtures("keys")
def test_any_schema_and_any_answer_end_in_an_answer_or_a_typed_error(
    provider: Upstream, schema: Any, content: Any
) -> None:
    provider.received.clear()
    provider.script = reply(answers.ollama_generate(json.dumps(content)))
    result = post(ask("m:cloud", format=schema))

    code = result.json.get("error", {}).get("code", "")
    assert (result.status, code) in {
        (200, ""),
        (400, "invalid_request"),
        (400, "schema_too_complex"),
        (502, "format_not_met"),
    }
    assert len(provider.received) == {400: 0, 200: 1, 502: 2}[result.status] or (
        code == "schema_too_complex"
    )
