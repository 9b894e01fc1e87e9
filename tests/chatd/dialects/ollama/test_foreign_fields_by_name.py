"""Write, drop, name or refuse each field that agents add to a chat."""

from __future__ import annotations

from typing import Any

import pytest

from chatd.canonical.content import Text
from chatd.canonical.extra import Extra, fields_for
from chatd.canonical.request import ChatRequest, Message, Sampling
from chatd.config.catalog import CATALOG
from chatd.dialects.ollama import foreign_fields

OLLAMA = CATALOG["ollama"]

# Fields of OpenAI, OpenRouter and agents without effect on the answer.
QUIET = (
    *("user", "metadata", "client_metadata", "session_id", "trace", "store", "include"),
    *("service_tier", "safety_identifier", "prompt_cache_key", "prompt_cache_retention"),
    *("usage", "include_reasoning", "prediction", "provider", "route"),
)
NAMED = (
    *("verbosity", "models", "transforms", "plugins", "web_search_options"),
    *("betas", "cache_control", "context_management", "output_config"),
)
# https://github.com/ollama/ollama/blob/main/docs/modelfile.mdx#valid-parameters-and-values
OPTIONS = (
    *("top_k", "min_p", "typical_p", "num_ctx", "num_keep", "num_predict"),
    *("repeat_penalty", "repeat_last_n"),
)
# https://github.com/ollama/ollama/blob/main/docs/api.md
FIELDS = ("keep_alive", "truncate", "shift")


def request(**extra: Any) -> ChatRequest:
    messages = (Message("user", (Text("Hi"),)),)
    return ChatRequest("m", messages, extra=Extra("openai_chat", extra))


def further(found: ChatRequest) -> Any:
    return fields_for("openai_chat", found.extra)


@pytest.mark.parametrize("name", QUIET)
def test_a_field_without_effect_on_the_answer_is_neither_refused_nor_named(name: str) -> None:
    found = request(**{name: "x"})

    assert (
        foreign_fields.refused(found),
        foreign_fields.dropped(found),
        foreign_fields.fields(found),
    ) == ((), (), {})
    assert foreign_fields.options(found) == {}


@pytest.mark.parametrize("name", NAMED)
def test_a_hint_that_ollama_lacks_is_named(name: str) -> None:
    found = request(**{name: "x"})

    assert (foreign_fields.refused(found), foreign_fields.dropped(found)) == ((), (name,))
    assert foreign_fields.dropped(request(**{name: None})) == ()


@pytest.mark.parametrize("name", OPTIONS)
def test_an_option_of_ollama_is_written_as_an_option(name: str) -> None:
    found = request(**{name: 0})

    assert foreign_fields.options(found) == {name: 0}
    assert (
        foreign_fields.refused(found),
        foreign_fields.dropped(found),
        foreign_fields.fields(found),
    ) == ((), (), {})
    assert foreign_fields.options(request(**{name: None})) == {}


@pytest.mark.parametrize("name", FIELDS)
def test_a_field_of_ollama_is_written_beside_the_options(name: str) -> None:
    found = request(**{name: 0})

    assert (foreign_fields.fields(found), foreign_fields.options(found)) == ({name: 0}, {})
    assert (foreign_fields.refused(found), foreign_fields.dropped(found)) == ((), ())
    assert foreign_fields.fields(request(**{name: None})) == {}


def test_another_servers_name_of_an_option_is_translated() -> None:
    assert foreign_fields.options(request(repetition_penalty=1.5)) == {"repeat_penalty": 1.5}
    assert foreign_fields.options(request(repetition_penalty=None)) == {}
    assert foreign_fields.options(request(repetition_penalty=1.5, repeat_penalty=2)) == {
        "repeat_penalty": 2
    }


def test_openais_fields_take_precedence_over_an_option() -> None:
    found = request(options={"seed": 1, "top_p": 1, "mirostat": 2}, top_k=3)
    found.sampling = Sampling(0.5, 0.25, 7, ("a", "b"), 0.125, 0.75)
    found.max_tokens = 9

    assert foreign_fields.options(found) == {
        "temperature": 0.5,
        "top_p": 0.25,
        "seed": 7,
        "stop": ["a", "b"],
        "num_predict": 9,
        "presence_penalty": 0.125,
        "frequency_penalty": 0.75,
        "top_k": 3,
        "mirostat": 2,
    }
    found.max_completion_tokens = 8
    assert foreign_fields.options(found)["num_predict"] == 8


@pytest.mark.parametrize("options", [None, "num_ctx", 7, ["num_ctx"]])
def test_options_other_than_an_object_are_ignored(options: Any) -> None:
    assert foreign_fields.options(request(options=options)) == {}


@pytest.mark.parametrize(
    ("name", "idle"),
    [
        *(("logit_bias", {}), ("modalities", ["text"]), ("functions", [])),
        *(("function_call", "auto"), ("logit_bias", None), ("made_up", None)),
    ],
)
def test_a_field_with_its_default_is_not_refused(name: str, idle: Any) -> None:
    assert foreign_fields.refused(request(**{name: idle})) == ()
    assert foreign_fields.refused(request(**{name: "x"})) == (name,)


def test_a_hint_with_its_default_is_not_named() -> None:
    assert foreign_fields.dropped(request(verbosity="medium")) == ()
    assert foreign_fields.dropped(request(verbosity="low", betas=["x"])) == ("verbosity", "betas")


@pytest.mark.parametrize(
    ("effort", "written"),
    [
        *(("none", False), ("minimal", "low"), ("low", "low"), ("medium", "medium")),
        *(("high", "high"), ("max", "max"), ("xhigh", "max"), ("ultra", "max")),
    ],
)
def test_an_effort_is_written_as_ollamas_think_value(effort: str, written: Any) -> None:
    for found in (
        request(think=effort),
        request(reasoning={"effort": effort}),
        request(thinking={"type": "enabled", "effort": effort}),
        ChatRequest("m", (), think=effort),
    ):
        assert foreign_fields.think(found, OLLAMA) == written
        assert foreign_fields.dropped(found) == ()


@pytest.mark.parametrize(
    ("extra", "written"),
    [
        *(({}, False), ({"think": None}, False), ({"enable_thinking": True}, True)),
        ({"chat_template_kwargs": {"enable_thinking": True, "thinking": False}}, True),
        ({"chat_template_kwargs": {"thinking": True}}, True),
        ({"chat_template_kwargs": {}}, False),
        ({"chat_template_kwargs": {"thinking": "high"}}, "high"),
        ({"reasoning": {"enabled": True, "effort": "low"}}, "low"),
        ({"reasoning": {"enabled": False}}, False),
        ({"reasoning": {"enabled": True}}, True),
        ({"reasoning": {"max_tokens": 1}}, True),
        ({"reasoning": {"max_tokens": 0}}, False),
        ({"thinking": {"budget_tokens": 1}}, True),
        ({"thinking": {"type": "disabled", "budget_tokens": 1}}, False),
        ({"thinking": {"type": "adaptive"}}, False),
        ({"think": "high", "reasoning": {"effort": "low"}}, "high"),
        ({"reasoning": {"effort": "low"}, "thinking": {"type": "enabled"}}, "low"),
        ({"think": "unknown", "reasoning": {"effort": "low"}}, "low"),
    ],
)
def test_the_first_field_with_a_valid_thinking_value_is_used(extra: Any, written: Any) -> None:
    assert foreign_fields.think(request(**extra), OLLAMA) == written


def test_the_think_value_of_the_request_takes_precedence_over_every_hint() -> None:
    found = request(think="high")
    found.think = False
    assert foreign_fields.think(found, OLLAMA) is False

    found.think = "as you like"
    assert foreign_fields.think(found, OLLAMA) is False


@pytest.mark.parametrize(
    ("extra", "dropped"),
    [
        ({"reasoning": {"effort": "much"}}, ("reasoning",)),
        ({"think": "much", "enable_thinking": "x"}, ("enable_thinking", "think")),
        ({"thinking": {"type": "adaptive"}}, ()),
        ({"reasoning": {"exclude": True, "summary": "auto", "type": "adaptive"}}, ()),
        ({"reasoning": {"exclude": True, "more": 1}}, ("reasoning",)),
        ({"chat_template_kwargs": {"thinking": "much"}}, ("chat_template_kwargs",)),
        ({"chat_template_kwargs": {}}, ()),
    ],
)
def test_an_invalid_thinking_hint_is_named(extra: Any, dropped: Any) -> None:
    assert foreign_fields.dropped(request(**extra)) == dropped
    assert foreign_fields.refused(request(**extra)) == ()


@pytest.mark.parametrize(
    ("value", "refused"),
    [
        *((None, False), ({}, False), ({"thinking": True}, False), ("x", True), ([], True)),
        *(({"enable_thinking": True}, False), ({"other": 1}, True)),
        ({"thinking": True, "other": 1}, True),
    ],
)
def test_a_template_with_other_switches_is_refused(value: Any, refused: bool) -> None:
    found = foreign_fields.refused(request(chat_template_kwargs=value))

    assert found == (("chat_template_kwargs",) if refused else ())


@pytest.mark.parametrize(
    ("extra", "name"),
    [
        ({"reasoning": {"effort": "low"}}, "reasoning"),
        ({"think": "unknown", "thinking": {"type": "enabled"}}, "thinking"),
        ({"enable_thinking": True, "user": "u"}, "enable_thinking"),
    ],
)
def test_without_thinking_removes_and_names_the_hint(extra: Any, name: str) -> None:
    found = foreign_fields.without_thinking(request(**extra))

    assert found is not None
    assert found[1] == name
    assert further(found[0]) == {key: extra[key] for key in extra if key == "user"}
    assert foreign_fields.think(found[0], OLLAMA) is False


def test_without_thinking_removes_the_reasoning_effort_of_openai() -> None:
    extra = Extra("openai_chat", {"think": "high", "user": "u"})
    given = ChatRequest("m", (), think="low", extra=extra)
    found = foreign_fields.without_thinking(given)

    assert found is not None
    assert (found[0].think, found[1]) == (None, "reasoning_effort")
    assert further(found[0]) == {"user": "u"}


def test_a_field_of_another_surface_is_dropped_and_named() -> None:
    extra = Extra("anthropic_messages", {"betas": ["x"], "unknown": 1, "null": None})
    found = ChatRequest("m", (), extra=extra)

    assert (foreign_fields.refused(found), foreign_fields.dropped(found)) == (
        (),
        ("betas", "unknown"),
    )
    assert (
        foreign_fields.options(found),
        foreign_fields.fields(found),
        foreign_fields.think(found, OLLAMA),
    ) == ({}, {}, False)


def test_without_thinking_is_none_for_a_request_without_an_optional_hint() -> None:
    assert foreign_fields.without_thinking(request()) is None
    assert foreign_fields.without_thinking(request(think=False)) is None
    assert (
        foreign_fields.without_thinking(ChatRequest("m", (), think="low", think_required=True))
        is None
    )
