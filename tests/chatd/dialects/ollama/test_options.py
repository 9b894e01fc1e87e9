"""Options of chatd.toml reach Ollama for the models of their pattern; the caller's own win."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from chatd.canonical.content import Image, Text, Thinking, ToolCall, ToolResult
from chatd.canonical.extra import Extra
from chatd.canonical.request import ChatRequest, Message, Sampling
from chatd.config.catalog import CATALOG
from chatd.dialects.ollama import options

ROW = replace(
    CATALOG["ollama"],
    keep_alive="10m",
    options=(
        ("llama3", {"num_ctx": 32_768, "temperature": 0.1, "num_predict": 9}),
        ("big", {"keep_alive": -1, "truncate": True, "shift": False}),
        (".*", {"top_k": 5}),
    ),
)


def joined(model: str, sampling: Sampling | None = None, **extra: Any) -> dict[str, Any]:
    fields = Extra("openai_chat", extra) if extra else None
    request = ChatRequest(
        model, (Message("user", (Text("Hi"),)),), sampling or Sampling(), extra=fields
    )
    return options.joined(request, ROW)


def test_the_first_pattern_that_matches_the_model_holds() -> None:
    assert joined("Llama3.2:latest")["options"] == {
        "num_ctx": 32_768,
        "temperature": 0.1,
        "num_predict": 9,
    }
    assert joined("other")["options"] == {"top_k": 5}
    assert options.joined(ChatRequest("m", ()), CATALOG["ollama"]) == {"truncate": False}


def test_the_callers_own_options_win_one_by_one() -> None:
    found = joined("llama3.2", Sampling(temperature=0.9), options={"num_ctx": 4096}, top_k=3)

    assert found["options"] == {
        "num_ctx": 4096,
        "temperature": 0.9,
        "num_predict": 9,
        "top_k": 3,
    }
    assert joined("llama3.2", num_ctx=8192)["options"]["num_ctx"] == 8192


def test_keep_alive_is_the_callers_else_the_models_else_the_rows() -> None:
    assert joined("big", keep_alive="1h")["keep_alive"] == "1h"
    assert joined("big")["keep_alive"] == -1
    assert joined("llama3.2")["keep_alive"] == "10m"


def test_a_long_prompt_is_cut_only_where_the_caller_or_the_row_wants_it() -> None:
    assert joined("llama3.2")["truncate"] is False
    assert joined("llama3.2", truncate=True)["truncate"] is True
    assert (joined("big")["truncate"], joined("big")["shift"]) == (True, False)
    assert joined("big", truncate=False)["truncate"] is False


@pytest.mark.parametrize("context", [None, 0, -1, True, "32768", 4096.0])
def test_a_num_ctx_that_is_no_number_of_tokens_is_not_known(context: Any) -> None:
    request = ChatRequest("m", (), extra=Extra("openai_chat", {"options": {"num_ctx": context}}))

    assert options.known_context(request, CATALOG["ollama"]) is None


def test_the_least_tokens_are_the_words_of_texts_and_results() -> None:
    blocks = (
        Text("one two\n\n\tthree"),
        Thinking("four five"),
        ToolCall("c", "six", '{"seven": "eight nine"}'),
        ToolResult("c", (Text("ten eleven"), Image("data:image/png;base64,AAAA"))),
    )

    assert options.least_tokens(ChatRequest("m", (Message("user", blocks),))) == 5


@pytest.mark.parametrize("text", [" " * 100_000, "=" * 100_000, "\n" * 9, "語" * 100_000, ""])
def test_a_text_whose_tokens_may_be_long_counts_little(text: str) -> None:
    request = ChatRequest("m", (Message("user", (Text(text),)),))

    assert options.least_tokens(request) <= 1
