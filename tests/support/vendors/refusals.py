"""Refuse requests as vendors of OpenAI's chat API do, by rules with their sources."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Refusal:
    """A rule of a vendor.

    Attributes:
        name: The rule in a few words, for the tests' names.
        source: The page or thread that documents it.
        faults: Yields the vendor's words for each violation in a request's body.

    """

    name: str
    source: str
    faults: Callable[[Json], Iterable[str]]


def turns(body: Json, role: str | None = None) -> Iterator[tuple[int, Json]]:
    """Yield the turns of a body, of one role or of any, with their places."""
    for place, turn in enumerate(body["messages"]):
        if role is None or turn["role"] == role:
            yield place, turn


def part_lists(body: Json) -> Iterator[tuple[int, list[Json]]]:
    """Yield the content of the turns whose content is a list of parts, with their places."""
    for place, turn in turns(body):
        if isinstance(turn.get("content"), list):
            yield place, turn["content"]


def calls(body: Json) -> Iterator[Json]:
    """Yield the tool calls of the conversation."""
    for _, turn in turns(body, "assistant"):
        yield from turn.get("tool_calls") or ()


def functions(body: Json) -> Iterator[Json]:
    """Yield the functions of the offered tools."""
    yield from (tool.get("function") or {} for tool in body.get("tools") or ())


def fields(source: str, *names: str) -> Refusal:
    """Refuse fields of the request."""
    return Refusal(
        f"the fields {', '.join(names)}",
        source,
        lambda body: [f"property '{name}' is unsupported" for name in names if name in body],
    )


def other_fields(source: str, *names: str) -> Refusal:
    """Refuse all fields of the request but these."""
    return Refusal(
        "further fields",
        source,
        lambda body: [f"{name}: Extra inputs are not permitted" for name in body.keys() - names],
    )


def turn_fields(source: str, role: str, *names: str) -> Refusal:
    """Refuse fields of the turns of a role."""
    return Refusal(
        f"the fields {', '.join(names)} in {role} turns",
        source,
        lambda body: [
            f"messages.{place}: property '{name}' is unsupported"
            for place, turn in turns(body, role)
            for name in names
            if name in turn
        ],
    )


def other_turn_fields(source: str, role: str, *names: str) -> Refusal:
    """Refuse all fields of the turns of a role but these."""
    return Refusal(
        f"further fields in {role} turns",
        source,
        lambda body: [
            f"messages.{place}.{role}.{name}: Extra inputs are not permitted"
            for place, turn in turns(body, role)
            for name in turn.keys() - {"role", "content", *names}
        ],
    )


def nulls(source: str, *names: str) -> Refusal:
    """Refuse null in these fields of turns."""
    return Refusal(
        f"null in {', '.join(names)} of turns",
        source,
        lambda body: [
            f"messages.{place}.{name}: value must not be null"
            for place, turn in turns(body)
            for name in names
            if name in turn and turn[name] is None
        ],
    )


def other_roles(source: str, *allowed: str) -> Refusal:
    """Refuse the roles of turns but these."""
    return Refusal(
        "further roles",
        source,
        lambda body: [
            f"messages.{place}: invalid role '{turn['role']}'"
            for place, turn in turns(body)
            if turn["role"] not in allowed
        ],
    )


def other_tool_choices(source: str, *allowed: str) -> Refusal:
    """Refuse the values of `tool_choice` but these; `named` stands for a named function."""

    def faults(body: Json) -> Iterator[str]:
        choice = body.get("tool_choice")
        kind = "named" if isinstance(choice, Mapping) else choice
        if kind is not None and kind not in allowed:
            yield f"tool_choice '{kind}' is not supported; it must be one of {allowed}"

    return Refusal("further values of tool_choice", source, faults)


def content_lists(source: str) -> Refusal:
    """Refuse content that is a list of texts."""
    return Refusal(
        "texts as a list",
        source,
        lambda body: [
            f"messages.{place}.content must be a string"
            for place, parts in part_lists(body)
            if all(part["type"] == "text" for part in parts)
        ],
    )


def images(source: str) -> Refusal:
    """Refuse images."""
    return Refusal(
        "images",
        source,
        lambda body: [
            f"messages.{place}: images are not supported"
            for place, parts in part_lists(body)
            if any(part["type"] == "image_url" for part in parts)
        ],
    )


def image_urls(source: str) -> Refusal:
    """Refuse images by an address."""
    return Refusal(
        "images by an address",
        source,
        lambda body: [
            f"messages.{place}: image_url must be a data URL"
            for place, parts in part_lists(body)
            for part in parts
            if part["type"] == "image_url" and not part["image_url"]["url"].startswith("data:")
        ],
    )


def no_alternation(source: str) -> Refusal:
    """Refuse two turns of a role in a row, and a system turn after the others."""

    def faults(body: Json) -> Iterator[str]:
        roles = [turn["role"] for turn in body["messages"]]
        while roles and roles[0] == "system":
            roles.pop(0)
        if any(role == after for role, after in itertools.pairwise(roles)) or ("system" in roles):
            yield (
                "After the (optional) system message(s), user and assistant roles should be"
                " alternating."
            )

    return Refusal("turns that do not alternate", source, faults)


def last_roles(source: str, *refused: str) -> Refusal:
    """Refuse a conversation that ends with a turn of these roles."""
    return Refusal(
        f"a last turn of {', '.join(refused)}",
        source,
        lambda body: [
            f"the last message must not have the role '{role}'"
            for role in refused
            if body["messages"][-1]["role"] == role
        ],
    )


def second_system(source: str) -> Refusal:
    """Refuse a second system turn, and one that is not the first turn."""
    return Refusal(
        "a system turn that is not the first",
        source,
        lambda body: [
            "invalid params, invalid chat setting (2013)"
            for place, _ in turns(body, "system")
            if place > 0
        ],
    )


def other_call_ids(source: str, pattern: str) -> Refusal:
    """Refuse the ids of tool calls that a pattern does not match."""

    def faults(body: Json) -> Iterator[str]:
        results = (turn.get("tool_call_id") for _, turn in turns(body, "tool"))
        for call_id in (*(call["id"] for call in calls(body)), *results):
            if not re.fullmatch(pattern, str(call_id)):
                yield f"Tool call id was {call_id} but must match {pattern}"

    return Refusal("ids of tool calls of another form", source, faults)


def together(source: str, first: str, second: str) -> Refusal:
    """Refuse two fields in one request."""
    return Refusal(
        f"{first} beside {second}",
        source,
        lambda body: (
            [f"{first} and {second} cannot be used together"]
            if body.get(first) and body.get(second)
            else []
        ),
    )


def tool_fields(source: str, *names: str) -> Refusal:
    """Refuse fields of a tool's function."""
    return Refusal(
        f"the fields {', '.join(names)} of functions",
        source,
        lambda body: [
            f"unknown field: parameter '{name}' is not a valid field"
            for function in functions(body)
            for name in names
            if name in function
        ],
    )


def tool_kinds(source: str) -> Refusal:
    """Refuse tools of other kinds than functions."""
    return Refusal(
        "tools that are no functions",
        source,
        lambda body: [
            f"tools[{place}].type '{tool.get('type')}' is not supported"
            for place, tool in enumerate(body.get("tools") or ())
            if tool.get("type") != "function"
        ],
    )


def no_reasoning(
    source: str, name: str, thinks: Callable[[Json], bool] = lambda _body: True
) -> Refusal:
    """Refuse calls of tools in the conversation without the reasoning before them.

    Args:
        source: The source.
        name: The field of an assistant turn with the reasoning.
        thinks: Whether the model thinks in a request; it does by default.

    """
    return Refusal(
        f"tool calls without {name}",
        source,
        lambda body: [
            f"thinking is enabled but {name} is missing in assistant tool call message at index"
            f" {place}"
            for place, turn in turns(body, "assistant")
            if turn.get("tool_calls") and not turn.get(name) and thinks(body)
        ],
    )


def no_signature(source: str) -> Refusal:
    """Refuse calls of tools in the conversation without a thought signature."""
    return Refusal(
        "tool calls without a thought signature",
        source,
        lambda body: [
            f"Function call is missing a thought_signature: {call['function']['name']}"
            for _, turn in turns(body, "assistant")
            for call in (turn.get("tool_calls") or ())[:1]
            if not ((call.get("extra_content") or {}).get("google") or {}).get("thought_signature")
        ],
    )


def when(condition: Callable[[Json], bool], words: str, refusal: Refusal) -> Refusal:
    """Apply a rule to the requests for which a condition holds."""
    return Refusal(
        f"{refusal.name}, {words}",
        refusal.source,
        lambda body: refusal.faults(body) if condition(body) else (),
    )


def over(source: str, name: str, most: float) -> Refusal:
    """Refuse a number above a limit."""
    return Refusal(
        f"{name} over {most:g}",
        source,
        lambda body: [f"{name} must be at most {most:g}"] if (body.get(name) or 0) > most else [],
    )


def other_values(source: str, name: str, *allowed: object) -> Refusal:
    """Refuse the values of a field but these."""
    return Refusal(
        f"further values of {name}",
        source,
        lambda body: (
            [f"invalid {name}: only {allowed} is allowed for this model"]
            if name in body and body[name] not in allowed
            else []
        ),
    )
