"""The row of Bedrock tells apart the models that take a choice of a tool, and a format."""

from __future__ import annotations

import pytest

from chatd.config.catalog import CATALOG
from chatd.config.provider import Provider

ROW = CATALOG["bedrock"]
ARN = "arn:aws:bedrock:us-east-1:111122223333:inference-profile/"


@pytest.mark.parametrize(
    ("model", "choice", "form"),
    [
        ("amazon.nova-pro-v1:0", True, False),
        ("us.amazon.nova-2-lite-v1:0", True, False),
        ("us.meta.llama3-3-70b-instruct-v1:0", False, False),
        ("cohere.command-r-v1:0", False, False),
        ("amazon.titan-text-express-v1", False, False),
        ("mistral.mistral-large-2407-v1:0", True, False),
        ("mistral.mixtral-8x7b-instruct-v0:1", True, False),
        ("mistral.mistral-large-3-675b-instruct", True, True),
        ("mistral.ministral-3-8b-instruct", True, True),
        ("us.deepseek.r1-v1:0", False, False),
        ("deepseek.v3.2", True, True),
        ("qwen.qwen3-32b-v1:0", True, True),
        ("moonshotai.kimi-k2.5", True, True),
        ("us.anthropic.claude-sonnet-4-5-20250929-v1:0", True, True),
        ("openai.gpt-oss-120b-1:0", True, False),
    ],
)
def test_a_model_takes_a_choice_of_a_tool_and_a_format(
    model: str, choice: bool, form: bool
) -> None:
    for id_ in (model, ARN + model):
        assert ROW.takes_tool_choice(id_) is choice
        assert ROW.enforces_format(id_) is form


@pytest.mark.parametrize(
    ("model", "thinks"),
    [("us.deepseek.r1-v1:0", True), ("us.meta.llama3-3-70b-instruct-v1:0", False)],
)
def test_an_arn_is_known_to_think_by_its_model(model: str, thinks: bool) -> None:
    for id_ in (model, ARN + model):
        assert ROW.can_think(id_) is thinks


@pytest.mark.parametrize(
    ("row", "takes"),
    [
        (Provider("a", "openai_chat", ""), True),
        (Provider("a", "openai_chat", "", refuses=("tool_choice",)), False),
        (Provider("a", "openai_chat", "", refuses=("tools",)), False),
        (Provider("a", "openai_chat", "", choiceless="small"), False),
        (Provider("a", "openai_chat", "", choiceless="large"), True),
    ],
    ids=range(5),
)
def test_a_row_or_its_model_refuses_the_choice_of_a_tool(row: Provider, takes: bool) -> None:
    assert row.takes_tool_choice("small-1") is takes
