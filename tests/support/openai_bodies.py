"""Random requests of OpenAI's surface, with unknown fields and blocks at every level."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

WORDS = st.text(max_size=8)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | WORDS
)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=6,
)
# Names that no level of the schema has: the values of named fields are checked, and not free.
UNKNOWN = st.dictionaries(
    WORDS.map(lambda word: f"x_{word}")
    | st.sampled_from(["cache_control", "extra_content", "annotations", "partial"]),
    JSON,
    max_size=2,
)


def with_unknown(
    fields: dict[str, st.SearchStrategy[Any]],
    optional: dict[str, st.SearchStrategy[Any]] | None = None,
) -> st.SearchStrategy[dict[str, Any]]:
    """Objects with these fields, some optional ones, and unknown fields."""
    known = st.fixed_dictionaries(fields, optional=optional or {})
    return st.tuples(known, UNKNOWN).map(lambda pair: {**pair[1], **pair[0]})


TEXT = with_unknown({"type": st.just("text"), "text": WORDS})
URLS = st.sampled_from(["data:image/png;base64,AAAA", "https://x.example/a.png"])
IMAGE = with_unknown(
    {"type": st.just("image_url"), "image_url": with_unknown({"url": URLS})},
    {"text": st.none() | WORDS},
)
FILE = with_unknown(
    {
        "type": st.just("file"),
        "file": with_unknown(
            {}, {"file_data": st.sampled_from(["data:application/pdf;base64,AA", "AA"])}
        )
        | st.just({"file_id": "f-1", "filename": None}),
    }
)
PART = (
    TEXT
    | IMAGE
    | FILE
    | with_unknown({"type": st.sampled_from(["input_audio", "video_url", "thing"])})
)
CONTENT = WORDS | st.lists(PART, max_size=3)
FUNCTION_CALL = with_unknown({"name": st.just("weather"), "arguments": st.just('{"a": 1}')})
CALL = (
    with_unknown({"id": WORDS, "type": st.just("function"), "function": FUNCTION_CALL})
    | with_unknown({"id": WORDS, "function": FUNCTION_CALL})
    | with_unknown(
        {
            "id": WORDS,
            "type": st.just("custom"),
            "custom": with_unknown({"name": WORDS, "input": WORDS}),
        }
    )
    | with_unknown({"id": WORDS, "type": st.just("tomorrow")}, {"function": st.none()})
)
NAMED = {"name": st.none() | WORDS}
TURN = (
    with_unknown({"role": st.sampled_from(["user", "system"]), "content": CONTENT}, NAMED)
    | with_unknown({"role": st.just("developer"), "content": CONTENT}, {"tool_call_id": WORDS})
    | with_unknown(
        {"role": st.just("assistant")},
        {
            "content": CONTENT | st.none(),
            "tool_calls": st.none() | st.lists(CALL, max_size=2),
            "reasoning_content": st.none() | WORDS,
            "reasoning": st.none() | WORDS,
            "reasoning_details": JSON,
            "refusal": JSON,
            "audio": JSON,
            "function_call": JSON,
            **NAMED,
        },
    )
    | with_unknown(
        {"role": st.just("tool"), "tool_call_id": WORDS, "content": CONTENT},
        NAMED,
    )
    | st.fixed_dictionaries({"role": st.just("function"), "name": WORDS, "content": WORDS})
)
SCHEMA = st.fixed_dictionaries({"type": st.just("object")}, optional={"x": JSON})
TOOL = with_unknown(
    {
        "type": st.just("function"),
        "function": with_unknown(
            {"name": st.just("weather")},
            {
                "description": st.none() | WORDS,
                "parameters": st.none() | SCHEMA,
                "strict": st.none() | st.booleans(),
            },
        ),
    }
) | with_unknown({"type": st.sampled_from(["custom", "web_search"])}, {"custom": JSON})
NUMBER = st.none() | st.sampled_from([0, 1, 0.5, 1.0, -0.0, 1e-7])
FORMAT = (
    with_unknown({"type": st.sampled_from(["text", "json_object"])})
    | with_unknown(
        {
            "type": st.just("json_schema"),
            "json_schema": with_unknown(
                {"name": st.just("s"), "schema": SCHEMA},
                {"description": st.none() | WORDS, "strict": st.none() | st.booleans()},
            ),
        }
    )
    | st.none()
)
BODY = with_unknown(
    {
        "model": st.just("mine/m"),
        "messages": st.lists(TURN, min_size=1, max_size=4),
    },
    {
        "temperature": NUMBER,
        "top_p": NUMBER,
        "presence_penalty": NUMBER,
        "seed": st.none() | st.integers(),
        "stop": st.none() | WORDS | st.lists(WORDS, max_size=2),
        "max_tokens": st.none() | st.integers(1, 9),
        "max_completion_tokens": st.none() | st.integers(1, 9),
        "n": st.none() | st.integers(1, 3),
        "logprobs": st.none() | st.booleans(),
        "top_logprobs": st.none() | st.integers(0, 3),
        "tools": st.none() | st.lists(TOOL, max_size=2),
        "tool_choice": st.sampled_from([None, "auto", "none", "required"])
        | with_unknown(
            {"type": st.just("function"), "function": with_unknown({"name": st.just("weather")})}
        )
        | UNKNOWN,
        "parallel_tool_calls": st.none() | st.booleans(),
        "response_format": FORMAT,
        "reasoning_effort": st.sampled_from([None, "none", "low", "xhigh"]),
        "stream": st.none() | st.booleans(),
        "stream_options": st.none() | with_unknown({}, {"include_usage": st.booleans()}),
    },
)
