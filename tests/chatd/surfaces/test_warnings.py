"""`x-chatd-warning` is sent only for an answer that spent its budget on thinking."""

from __future__ import annotations

from typing import Any

import pytest

from chatd.canonical.content import Text, Thinking, ToolCall
from chatd.canonical.response import Choice
from chatd.surfaces.warnings import SPENT_THINKING, warning_of
from tests.support import answers
from tests.support.functions import ask, post
from tests.support.upstream import Upstream, reply

CALL = ToolCall("call_1", "look_up", "{}")
PATHS = ("/v1/chat", "/v1/chat/completions")


def test_an_answer_cut_off_while_thinking_has_a_warning() -> None:
    assert warning_of(Choice((Thinking("Hm"),), finish_reason="length")) == SPENT_THINKING


@pytest.mark.parametrize(
    "choice",
    [
        Choice((Text("Hello"),), finish_reason="length"),
        Choice((CALL,), finish_reason="length"),
        Choice(finish_reason="stop"),
        Choice(finish_reason="content_filter"),
        Choice((Text("Hello"),), finish_reason="stop"),
    ],
    ids=["cut short", "a call", "empty", "filtered", "whole"],
)
def test_another_answer_has_no_warning(choice: Choice) -> None:
    assert warning_of(choice) is None


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "answer",
    [answers.ollama_chat(), answers.ollama_chat(done_reason="length")],
    ids=["whole", "cut short"],
)
def test_an_answer_with_text_has_no_warning_header(
    provider: Upstream, path: str, answer: dict[str, Any]
) -> None:
    provider.script = reply(answer)

    result = post(ask("llama3.2"), path)

    assert result.status == 200
    assert "x-chatd-warning" not in result.headers
