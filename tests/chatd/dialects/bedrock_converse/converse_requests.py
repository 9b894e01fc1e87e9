"""Requests of Converse: the canonical form, and the body that the dialect writes."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from chatd.canonical.content import Block, Text, ToolCall, ToolResult
from chatd.canonical.extra import Extra
from chatd.canonical.request import ChatRequest, Message, Tool
from chatd.config.provider import Provider
from tests.chatd.dialects.bedrock_converse.converse_wire import DIALECT
from tests.support.bedrock import service_model

ROW = Provider("example", "bedrock_converse", "https://bedrock-runtime.eu-west-1.amazonaws.com")
CLAUDE = "eu.anthropic.claude-sonnet-4-5-20250929-v1:0"
NEW_CLAUDE = "global.anthropic.claude-opus-4-7-v1:0"
NOVA = "amazon.nova-pro-v1:0"
NOVA_2 = "us.amazon.nova-2-lite-v1:0"
LLAMA = "us.meta.llama3-3-70b-instruct-v1:0"
MISTRAL = "mistral.mistral-large-2407-v1:0"
GPT = "openai.gpt-oss-120b-1:0"
OTHER = "qwen.qwen3-32b-v1:0"
WEATHER = Tool("weather", "Get the weather.", {"type": "object", "properties": {}})
Json = dict[str, Any]


def user(*blocks: Block | str, **more: Any) -> Message:
    return Message("user", _blocks(blocks), **more)


def assistant(*blocks: Block | str) -> Message:
    return Message("assistant", _blocks(blocks))


def system(text: str) -> Message:
    return Message("system", (Text(text),))


def call(id_: str = "call_1", name: str = "weather", arguments: str = "{}") -> ToolCall:
    return ToolCall(id_, name, arguments)


def result(id_: str = "call_1", *blocks: Block | str, **more: Any) -> ToolResult:
    return ToolResult(id_, _blocks(blocks), **more)


def chat(*turns: Message, model: str = OTHER, **more: Any) -> ChatRequest:
    return ChatRequest(model, turns or (user("Hi"),), **more)


def marked(block: Text, **mark: str) -> Text:
    """Return a text with a cache mark of Anthropic's API."""
    control = {"type": "ephemeral", **mark}
    return replace(block, extra=Extra("anthropic_messages", {"cache_control": control}))


def written(request: ChatRequest, row: Provider = ROW) -> Json:
    """Return the body, which AWS's service model must accept."""
    sent = DIALECT.build(request, row, None)
    assert sent.body is not None
    body: Json = json.loads(sent.body)
    operation = "ConverseStream" if request.stream else "Converse"
    assert service_model.problems(operation, body, request.model) == []
    return body


def omitted(request: ChatRequest, row: Provider = ROW) -> tuple[str, ...]:
    return DIALECT.omitted(request, row)


def _blocks(blocks: tuple[Block | str, ...]) -> tuple[Block, ...]:
    return tuple(Text(block) if isinstance(block, str) else block for block in blocks)
