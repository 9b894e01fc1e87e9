"""Claude Code's billing line does not reach providers other than Anthropic."""

from __future__ import annotations

import pytest

from chatd.canonical.content import Block, Image, Text
from chatd.canonical.request import Message
from chatd.routing.billing_line import without_line
from tests.support.functions import ask, post
from tests.support.upstream import Upstream

LINE = "x-anthropic-billing-header: cc_version=2.1; cc_entrypoint=cli;"
QUESTION = Message("user", (Text("Hi"),))


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ([Text(LINE), Text("Be brief.")], [Text("Be brief.")]),
        ([Text("Be brief."), Text(LINE)], [Text("Be brief.")]),
        ([Text(f"{LINE}\n\nBe brief.\nAnd kind.")], [Text("Be brief.\nAnd kind.")]),
        ([Text(f"{LINE}\n")], None),
        ([Text(LINE)], None),
    ],
)
def test_the_line_is_taken_out_of_the_system_text(
    given: list[Block], kept: list[Block] | None
) -> None:
    found = without_line((Message("system", tuple(given)), QUESTION))

    expected = () if kept is None else (Message("system", tuple(kept)),)
    assert found == (*expected, QUESTION)
    assert found[-1] is QUESTION


@pytest.mark.parametrize(
    "first",
    [
        Message("system", (Text(f"Explain the line {LINE}"),)),
        Message("system", (Text("Be brief."), Image("https://i.example"))),
        Message("system"),
        Message("user", (Text(LINE),)),
    ],
)
def test_any_other_conversation_is_the_same_tuple(first: Message) -> None:
    messages = (first, QUESTION)

    assert without_line(messages) is messages


def test_a_conversation_of_the_line_alone_keeps_its_turn() -> None:
    assert without_line((Message("system", (Text(LINE),)),)) == (Message("system"),)


@pytest.mark.usefixtures("keys")
@pytest.mark.parametrize("model", ["ollama/m", "openrouter/v/m"])
def test_a_provider_other_than_anthropic_does_not_get_the_line(
    model: str, provider: Upstream
) -> None:
    system = [{"type": "text", "text": LINE}, {"type": "text", "text": "Be brief."}]
    request = ask(model)
    request["messages"] = [{"role": "system", "content": system}, *request["messages"]]

    assert post(request, "/v1/chat/completions").status == 200
    assert "billing" not in str(provider.last.json)
    assert "Be brief." in str(provider.last.json["messages"][0])
