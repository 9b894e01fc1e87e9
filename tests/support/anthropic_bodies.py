"""Random requests of the Messages surface, with unknown fields and blocks at every level."""

from __future__ import annotations

from hypothesis import strategies as st

from chatd.canonical.maker import tagged
from tests.support.openai_bodies import JSON, NUMBER, SCHEMA, WORDS, with_unknown

MAKER = "mine/m"
# A signature of this provider, one of a conversation elsewhere, and none.
SIGNATURE = st.sampled_from([tagged(MAKER, "sig="), "EqRk", "", None])
TEXT = with_unknown({"type": st.just("text"), "text": WORDS})
SOURCE = (
    with_unknown(
        {"type": st.just("base64"), "media_type": st.just("image/png"), "data": st.just("AAAA")}
    )
    | with_unknown({"type": st.just("url"), "url": st.just("https://x.example/a.png")})
    | with_unknown({"type": st.just("file"), "file_id": WORDS})
)
IMAGE = with_unknown({"type": st.just("image"), "source": SOURCE})
DOCUMENT = with_unknown(
    {
        "type": st.just("document"),
        "source": SOURCE
        | with_unknown(
            {"type": st.just("text"), "data": WORDS, "media_type": st.just("text/plain")}
        )
        | with_unknown({"type": st.just("content"), "content": JSON}),
    },
    {"title": st.none() | WORDS, "context": JSON, "citations": JSON},
)
OTHER = with_unknown(
    {"type": st.sampled_from(["search_result", "server_tool_use", "container_upload", "thing"])},
    {"source": JSON, "content": JSON, "text": JSON, "id": JSON, "input": JSON},
)
THINKING = with_unknown(
    {"type": st.just("thinking"), "thinking": WORDS}, {"signature": SIGNATURE}
) | with_unknown(
    {
        "type": st.just("redacted_thinking"),
        "data": st.sampled_from([tagged(MAKER, "xyz"), "EmwK"]),
    }
)
TOOL_USE = with_unknown(
    {
        "type": st.just("tool_use"),
        "id": st.just("toolu_1"),
        "name": st.just("f"),
        "input": st.dictionaries(WORDS, JSON, max_size=3),
    }
)
RESULT_CONTENT = st.none() | WORDS | st.lists(TEXT | IMAGE | DOCUMENT | OTHER, max_size=2)
TOOL_RESULT = with_unknown(
    {"type": st.just("tool_result"), "tool_use_id": st.just("toolu_1")},
    {"content": RESULT_CONTENT, "is_error": st.none() | st.booleans()},
)
BLOCK = TEXT | IMAGE | DOCUMENT | OTHER | THINKING | TOOL_USE | TOOL_RESULT
TURN = with_unknown(
    {
        "role": st.sampled_from(["user", "assistant", "system"]),
        "content": WORDS | st.lists(BLOCK, max_size=3),
    }
)
TOOL = with_unknown(
    {"name": st.just("f"), "input_schema": SCHEMA},
    {
        "type": st.sampled_from([None, "custom"]),
        "description": st.none() | WORDS,
        "strict": st.none() | st.booleans(),
    },
) | with_unknown({"type": st.just("web_search_20250305"), "name": st.just("web_search")})
FORMAT = st.none() | with_unknown({"type": st.just("json_schema"), "schema": SCHEMA})
BODY = with_unknown(
    {
        "model": st.just("mine/m"),
        "max_tokens": st.integers(0, 9),
        "messages": st.lists(TURN, min_size=1, max_size=4),
    },
    {
        "system": st.none() | WORDS | st.lists(TEXT, max_size=2),
        "temperature": NUMBER,
        "top_p": NUMBER,
        "top_k": st.none() | st.integers(0, 9),
        "stop_sequences": st.none() | st.lists(WORDS, max_size=2),
        "tools": st.none() | st.lists(TOOL, max_size=2),
        "tool_choice": st.none()
        | with_unknown(
            {"type": st.sampled_from(["auto", "any", "none", "tomorrow"])},
            {"disable_parallel_tool_use": st.booleans()},
        )
        | with_unknown({"type": st.just("tool"), "name": st.just("f")}),
        "thinking": st.none()
        | with_unknown({"type": st.sampled_from(["adaptive", "disabled", "between_tools"])})
        | with_unknown({"type": st.just("enabled"), "budget_tokens": st.integers(-1, 9000)}),
        "output_config": st.none()
        | with_unknown({}, {"effort": st.sampled_from(["high", "cosmic"]), "format": FORMAT}),
        "output_format": FORMAT,
        "metadata": JSON,
        "context_management": JSON,
        "stream": st.none() | st.booleans(),
    },
)
