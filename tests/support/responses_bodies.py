"""Random requests of OpenAI's Responses surface, with unknown fields and items at every level."""

from __future__ import annotations

from hypothesis import strategies as st

from tests.support.openai_bodies import JSON, NUMBER, SCHEMA, URLS, WORDS, with_unknown

FILLED = st.text(min_size=1, max_size=8)
TEXT = with_unknown({"type": st.sampled_from(["input_text", "output_text"]), "text": WORDS})
PART = (
    TEXT
    | with_unknown({"type": st.just("refusal"), "refusal": WORDS})
    | with_unknown({"type": st.just("input_image"), "image_url": URLS}, {"detail": WORDS})
    | with_unknown({"type": st.just("input_image"), "file_id": WORDS})
    | with_unknown(
        {"type": st.just("input_file")},
        {
            "file_data": st.sampled_from(["data:application/pdf;base64,AA", "AA"]),
            "file_url": st.just("https://x.example/a.pdf"),
            "filename": WORDS,
            "file_id": JSON,
        },
    )
    | with_unknown({"type": st.sampled_from(["input_audio", "thing"])}, {"audio": JSON})
)
CONTENT = WORDS | st.lists(PART, max_size=3)
OF_ITEM = {"id": WORDS, "status": st.sampled_from(["completed", "incomplete"])}
OF_CALL = {**OF_ITEM, "namespace": st.none() | WORDS}
MESSAGE = with_unknown(
    {"role": st.sampled_from(["user", "system", "developer"]), "content": CONTENT},
    {"type": st.just("message"), **OF_ITEM},
)
ANSWER = with_unknown(
    {"role": st.just("assistant"), "content": CONTENT},
    {"type": st.just("message"), "phase": WORDS, **OF_ITEM},
)
SUMMARY = st.lists(with_unknown({"type": st.just("summary_text"), "text": WORDS}), max_size=2)
REASONING = with_unknown(
    {"type": st.just("reasoning")},
    {
        "id": WORDS,
        "summary": SUMMARY,
        "content": st.none() | SUMMARY,
        "encrypted_content": st.none() | WORDS,
    },
)
CALL = with_unknown(
    {
        "type": st.just("function_call"),
        "call_id": FILLED,
        "name": FILLED,
        "arguments": st.just('{"a": 1}'),
    },
    OF_CALL,
) | with_unknown(
    {"type": st.just("custom_tool_call"), "call_id": FILLED, "name": FILLED, "input": WORDS},
    OF_CALL,
)
RESULT = with_unknown(
    {
        "type": st.sampled_from(["function_call_output", "custom_tool_call_output"]),
        "call_id": FILLED,
        "output": CONTENT,
    },
    OF_ITEM,
)
OTHER = with_unknown(
    {"type": st.sampled_from(["web_search_call", "shell_call_output", "compaction", "tomorrow"])},
    {"output": JSON, "action": JSON, **OF_ITEM},
)
_TOOL_NAME = st.sampled_from(["weather", "shell"])
FUNCTION = with_unknown(
    {"type": st.just("function"), "name": _TOOL_NAME},
    {
        "description": st.none() | WORDS,
        "parameters": st.none() | SCHEMA,
        "strict": st.none() | st.booleans(),
    },
)
CUSTOM = with_unknown(
    {"type": st.just("custom"), "name": _TOOL_NAME},
    {"format": st.none() | st.fixed_dictionaries({"type": st.just("text")}, optional={"x": JSON})},
)
HOSTED = with_unknown({"type": st.sampled_from(["web_search", "tool_search"])}, {"filters": JSON})
SPACE = with_unknown(
    {
        "type": st.just("namespace"),
        "name": st.just("space"),
        "tools": st.lists(FUNCTION | CUSTOM, max_size=2),
    },
    {"description": WORDS},
)
TOOL = FUNCTION | CUSTOM | HOSTED | SPACE
MORE_TOOLS = with_unknown(
    {"type": st.just("additional_tools"), "tools": st.lists(TOOL, max_size=2)},
    {"role": st.just("developer"), "id": WORDS},
)
ITEM = MESSAGE | ANSWER | REASONING | CALL | RESULT | OTHER
INPUT = st.text(min_size=1, max_size=8) | st.tuples(
    st.lists(ITEM | MORE_TOOLS, max_size=5), MESSAGE
).map(lambda pair: [*pair[0], pair[1]])
FORMAT = with_unknown({"type": st.sampled_from(["text", "json_object"])}) | with_unknown(
    {"type": st.just("json_schema"), "name": st.just("s"), "schema": SCHEMA},
    {"strict": st.none() | st.booleans(), "description": st.none() | WORDS},
)
CHOICE = (
    st.sampled_from([None, "auto", "none", "required"])
    | with_unknown({"type": st.sampled_from(["function", "custom"]), "name": _TOOL_NAME})
    | with_unknown({"type": st.sampled_from(["web_search", "mcp"])})
)
BODY = with_unknown(
    {"model": st.just("mine/m"), "input": INPUT},
    {
        "instructions": st.none() | WORDS,
        "max_output_tokens": st.none() | st.integers(16, 2**40),
        "temperature": NUMBER,
        "top_p": NUMBER,
        "tools": st.none() | st.lists(TOOL, max_size=2),
        "tool_choice": CHOICE,
        "parallel_tool_calls": st.none() | st.booleans(),
        "text": st.none() | with_unknown({}, {"format": st.none() | FORMAT, "verbosity": WORDS}),
        "reasoning": st.none()
        | with_unknown({}, {"effort": st.none() | st.just("low"), "summary": WORDS}),
        "include": st.none() | st.just(["reasoning.encrypted_content"]),
        "metadata": st.none() | st.dictionaries(WORDS, WORDS, max_size=2),
        "store": st.none() | st.booleans(),
        "stream": st.none() | st.booleans(),
        "truncation": JSON,
        "prompt_cache_key": WORDS,
    },
)
