"""Judge a chat by the caller's response, the vendor's request and the named losses."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from tests.clients.stub_model import INPUT_TOKENS
from tests.contract.vendor_chats import Json
from tests.contract.vendor_run import Outcome

# A vendor's other names for a field of OpenAI's.
_ALIASES: Mapping[str, tuple[str, ...]] = {
    "max_tokens": ("max_completion_tokens", "max_output_tokens"),
    "max_completion_tokens": ("max_tokens", "max_output_tokens"),
    "seed": ("random_seed",),
    "reasoning_effort": (
        *("reasoning", "thinking", "enable_thinking", "chat_template_kwargs", "prompt_mode"),
    ),
    "response_format": ("messages",),  # a format in words
    # A forced tool by a format, which may be in words.
    "tool_choice": ("response_format", "messages"),
    "tools": ("response_format", "messages"),
}
# Fields that cannot change the answer; a provider that lacks them loses nothing.
_QUIET = frozenset({"messages", "stream", "stream_options", "user", "metadata", "store"})
# The answer shows whether one call at most is kept.
_SHOWN = frozenset({"parallel_tool_calls"})
# Values that are a provider's own defaults.
_DEFAULTS: Mapping[str, Any] = {"tool_choice": "auto", "parallel_tool_calls": True}


@dataclass(frozen=True, slots=True)
class Verdict:
    """The judgement of one chat.

    Attributes:
        kind: `yes`: all of it reached the vendor, and the answer is right; `dropped`: fields are
            named as left out; `refused`: a typed 400 before anything is sent.
        fields: The named fields.

    """

    kind: Literal["yes", "dropped", "refused"]
    fields: tuple[str, ...] = ()


def judge(case: str, body: Json, outcome: Outcome) -> Verdict:
    """Judge the outcome of a chat on OpenAI's surface.

    Raises:
        AssertionError: If the vendor refused the request, a loss has no name, or the answer is
            wrong.

    """
    if outcome.is_refused():
        error = outcome.error
        assert error["code"], error
        assert error["param"], error
        return Verdict("refused", (str(error["param"]),))
    _check_losses(body, outcome)
    thought = _check_answer(case, body, outcome)
    if thought and outcome.dropped == ("reasoning_effort",):
        return Verdict("yes")  # the vendor thinks or does not, without degrees
    named = tuple(name for name in outcome.dropped if name in body or "." in name)
    return Verdict("dropped", named) if named else Verdict("yes")


def _check_losses(body: Json, outcome: Outcome) -> None:
    """Check that each field reached the vendor, or is named."""
    sent, choice = outcome.sent[-1], body.get("tool_choice")
    if choice in (None, "auto", "none") or "tools" not in body:
        aliases = {**_ALIASES, "tools": (), "tool_choice": ()}
    else:
        aliases = dict(_ALIASES)
    quiet = {*_QUIET, *_SHOWN, *(("tools", "tool_choice") if choice == "none" else ())}
    if not sent.path.endswith("/chat/completions"):
        return  # tests/pairs and tests/golden have the other dialects
    for name, value in body.items():
        if name in quiet or name in outcome.dropped or _DEFAULTS.get(name) == value:
            continue
        found = [place for place in (name, *aliases.get(name, ())) if place in sent.body]
        assert found, f"{name} is neither sent nor named: {sorted(sent.body)}"


def _check_answer(case: str, body: Json, outcome: Outcome) -> bool:
    """Check the answer; return whether it has reasoning."""
    choices = _streamed(outcome.body) if body.get("stream") else _whole(outcome.body)
    message, reason = choices[0]
    text, calls = message.get("content") or "", message.get("tool_calls") or []
    dropped = outcome.dropped
    if body.get("tool_choice") == "none" and "tool_choice" in dropped:
        return bool(message.get("reasoning_content"))  # the model may call a tool then
    expected = _expected_calls(body, dropped)
    assert (len(calls) in expected) if expected else not calls, f"calls: {calls}"
    for call in calls:
        assert json.loads(call["function"]["arguments"]) == {"city": "Zürich"}, call
    assert len({call["id"] for call in calls}) == len(calls), f"ids: {calls}"
    assert reason == ("tool_calls" if calls else "stop"), f"finish_reason {reason!r}"
    if case == "forced tool" and "tool_choice" not in dropped:
        assert [call["function"]["name"] for call in calls] == ["weather"], calls
    if not calls:
        _check_text(body, text, dropped)
    if body.get("n") == 2 and "n" not in dropped:
        assert len(choices) == 2, choices
    return bool(message.get("reasoning_content"))


def _check_text(body: Json, text: str, dropped: tuple[str, ...]) -> None:
    if "response_format" in body and "response_format" not in dropped:
        found = json.loads(text)
        assert isinstance(found, dict), text
        kind = body["response_format"]["type"]
        assert kind != "json_schema" or found == {"city": "Zürich"}, text
        return
    content = body["messages"][-1]["content"]
    if isinstance(content, list) and content[-1]["type"] == "image_url":
        assert "sees 1 image" in text, text
        return
    assert text, "no text"


def _expected_calls(body: Json, dropped: tuple[str, ...]) -> tuple[int, ...]:
    """Return the possible numbers of calls: the fakes call every tool that they are offered."""
    if not body.get("tools") or "tools" in dropped or body["messages"][-1]["role"] == "tool":
        return ()
    choice = body.get("tool_choice")
    if choice == "none":
        return ()
    most = len(body["tools"])
    if isinstance(choice, Mapping) and "tool_choice" not in dropped:
        return (1,)
    if choice == "required":  # a format in the place of tools gives one call
        return (1, most)
    if body.get("parallel_tool_calls") is False and "parallel_tool_calls" not in dropped:
        return (1,)
    return (most,)


def _whole(body: Json) -> list[tuple[Json, str]]:
    assert body["usage"]["prompt_tokens"] == INPUT_TOKENS, body["usage"]
    return [(choice["message"], choice["finish_reason"]) for choice in body["choices"]]


def _streamed(events: list[Json]) -> list[tuple[Json, str]]:
    """Gather the first choice of a stream."""
    text, thinking, reason = "", "", ""
    calls: dict[int, dict[str, Any]] = {}
    for event in events:
        for choice in event["choices"]:
            delta = choice["delta"]
            text += delta.get("content") or ""
            thinking += delta.get("reasoning_content") or ""
            reason = choice["finish_reason"] or reason
            for part in delta.get("tool_calls") or ():
                call = calls.setdefault(part["index"], {"function": {"arguments": ""}})
                call["id"] = part.get("id") or call.get("id")
                given = part.get("function") or {}
                call["function"]["name"] = given.get("name") or call["function"].get("name")
                call["function"]["arguments"] += given.get("arguments") or ""
    message = {"content": text, "reasoning_content": thinking, "tool_calls": list(calls.values())}
    return [(message, reason)]
