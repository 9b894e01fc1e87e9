"""Random JSON of OpenAI's chat dialect, with unknown fields at every level."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

from hypothesis import strategies as st

MARK = "x_unknown_"
TEXTS = st.text(max_size=6)
# Drawn from a list: random values at every level of a stream take seconds to generate.
VALUES: st.SearchStrategy[Any] = TEXTS | st.sampled_from(
    [
        *(None, True, False, 0, -1, 2**53 + 1, 2**70, 0.1, -0.0, 1e22, 5e-324, "", "\u2028", "\0é"),
        *(
            [],
            {},
            [[]],
            [1, {"a": None}],
            {"a": [True, {"": ""}], "b": {"c": 1.5}},
            "[DONE]",
            "NaN",
        ),
    ]
)
UNKNOWN = st.dictionaries(TEXTS.map(MARK.__add__), VALUES, max_size=2)
COUNT = st.integers(0, 2**40)
REASONS = st.sampled_from(["stop", "length", "tool_calls", "content_filter"])


@st.composite
def usages(draw: st.DrawFn) -> dict[str, Any]:
    read, written = 1 + draw(COUNT), draw(COUNT)  # the gateway estimates a usage of 0
    return {
        **draw(UNKNOWN),
        "prompt_tokens": read,
        "completion_tokens": written,
        # Gemini also counts in it thinking that completion_tokens leaves out.
        "total_tokens": read + written + draw(COUNT),
        "prompt_tokens_details": {**draw(UNKNOWN), "cached_tokens": draw(COUNT)},
        "completion_tokens_details": {**draw(UNKNOWN), "reasoning_tokens": draw(COUNT)},
    }


@st.composite
def calls(draw: st.DrawFn, number: int, *, first: bool = True) -> dict[str, Any]:
    """A tool call, or with `first` false a later piece of one."""
    inner = {**draw(UNKNOWN), "arguments": draw(TEXTS) or "{}"}
    call = {**draw(UNKNOWN), "function": inner}
    if first:
        inner["name"] = draw(TEXTS) or "f"
        call |= {"id": f"call_{number}", "type": "function"}
    return call


@st.composite
def choices(draw: st.DrawFn, index: int) -> dict[str, Any]:
    message = {
        **draw(UNKNOWN),
        "role": "assistant",
        "content": draw(TEXTS),
        "refusal": draw(st.none() | TEXTS),
    }
    if thought := draw(TEXTS):
        message["reasoning_content"] = thought
    if count := draw(st.integers(0, 2)):
        message["tool_calls"] = [draw(calls(number)) for number in range(count)]
    return {
        **draw(UNKNOWN),
        "index": index,
        "message": message,
        "logprobs": draw(st.none() | UNKNOWN),
        "finish_reason": draw(REASONS),
    }


@st.composite
def completions(draw: st.DrawFn) -> dict[str, Any]:
    """A whole response in the strict form of OpenAI's schema."""
    return {
        **draw(UNKNOWN),
        "id": "chatcmpl-upstream",
        "object": "chat.completion",
        "created": draw(COUNT),
        "model": draw(TEXTS) or "m",
        "choices": [draw(choices(index)) for index in range(draw(st.integers(1, 2)))],
        "usage": draw(usages()),
    }


HEAD = {"id": "chatcmpl-upstream", "object": "chat.completion.chunk", "created": 1, "model": "m"}


@st.composite
def chunks(
    draw: st.DrawFn, index: int, delta: Mapping[str, Any], reason: str | None = None
) -> dict[str, Any]:
    """A chunk with a delta of one choice."""
    message = {**draw(UNKNOWN), **delta}
    choice = {**draw(UNKNOWN), "index": index, "delta": message, "finish_reason": reason}
    if draw(st.booleans()):
        choice["logprobs"] = draw(st.none() | UNKNOWN)
    return {**draw(UNKNOWN), **HEAD, "choices": [choice]}


@st.composite
def unknown_chunks(draw: st.DrawFn) -> dict[str, Any]:
    """A chunk with unknown fields only, such as Azure's first chunk."""
    return {**HEAD, MARK + "filter": draw(VALUES), "choices": []}


@st.composite
def deltas(draw: st.DrawFn, index: int, begun: set[tuple[int, int]]) -> dict[str, Any]:
    """A text, a thought or a piece of a tool call; `begun` has the calls with a first piece."""
    kind = draw(st.sampled_from(["content", "reasoning_content", "tool_calls"]))
    if kind != "tool_calls":
        return {kind: draw(TEXTS)}
    number = draw(st.integers(0, 1)) if (index, 0) in begun else 0
    call = draw(calls(10 * index + number, first=(index, number) not in begun))
    begun.add((index, number))
    return {kind: [{**call, "index": number}]}


@st.composite
def streams(draw: st.DrawFn) -> list[dict[str, Any]]:
    """The chunks of a stream in the strict form of OpenAI's schema, the usage last."""
    indexes = range(draw(st.integers(1, 2)))
    begun: set[tuple[int, int]] = set()
    found = [draw(unknown_chunks())] if draw(st.booleans()) else []
    found += [draw(chunks(index, {"role": "assistant", "content": ""})) for index in indexes]
    for index in draw(st.lists(st.sampled_from([*indexes, None]), max_size=6)):
        if index is None:
            found.append(draw(unknown_chunks()))
        else:
            found.append(draw(chunks(index, draw(deltas(index, begun)))))
    for index in indexes:
        last = {"content": draw(TEXTS)} if draw(st.booleans()) else {}
        found.append(draw(chunks(index, last, draw(REASONS))))
    return [*found, {**draw(UNKNOWN), **HEAD, "choices": [], "usage": draw(usages())}]


def cut(body: bytes, places: Sequence[int]) -> Iterator[bytes]:
    """Cut bytes into reads."""
    ends = sorted({0, len(body), *(place % (len(body) + 1) for place in places)})
    return (body[start:end] for start, end in pairwise(ends))


def sse(chunks: Sequence[Mapping[str, Any]]) -> bytes:
    """Write a stream, with its `[DONE]`."""
    events = [f"data: {json.dumps(chunk)}\n\n" for chunk in chunks]
    return "".join([*events, "data: [DONE]\n\n"]).encode()


def same(value: Any) -> str:
    """Write JSON so that equal texts mean equal JSON: `1` and `true` differ."""
    return json.dumps(value, sort_keys=True)
