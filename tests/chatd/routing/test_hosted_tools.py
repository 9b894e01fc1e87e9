"""Hosted tools of another dialect, their calls and results are dropped and named, never refused."""

from __future__ import annotations

import pytest

from chatd.canonical.content import Block, Opaque, Text, ToolResult
from chatd.canonical.extra import Extra
from chatd.canonical.request import ChatRequest, Message, NamedTool, OpaqueTool, Tool, ToolChoice
from chatd.routing.hosted_tools import without_history, without_tools
from tests.support.functions import ask, post
from tests.support.upstream import Upstream

OWN, OTHER = "openai_chat", "anthropic_messages"
QUESTION = Message("user", (Text("Hi"),))
FUNCTION = Tool("read")


def opaque(kind: str, dialect: str = OTHER, **fields: object) -> Opaque:
    return Opaque(kind, Extra(dialect, fields))


def hosted(kind: str, dialect: str = OTHER) -> OpaqueTool:
    return OpaqueTool(kind, Extra(dialect, {}))


def request(*tools: Tool | OpaqueTool, choice: ToolChoice | None = None) -> ChatRequest:
    return ChatRequest("m", (QUESTION,), tools=tools, tool_choice=choice, parallel_tool_calls=False)


def test_the_hosted_tools_of_other_dialects_are_dropped_and_named_once() -> None:
    own = hosted("web_search", OWN)
    given = request(hosted("bash_1"), FUNCTION, hosted("bash_1"), own, hosted("x"), choice="auto")

    found, dropped = without_tools(given, OWN)

    assert found.tools == (FUNCTION, own)
    assert (found.tool_choice, found.parallel_tool_calls) == ("auto", False)
    assert dropped == ("tools.bash_1", "tools.x")


def test_a_request_without_such_tools_is_the_same_one() -> None:
    given = request(FUNCTION, hosted("web_search", OWN))

    assert without_tools(given, OWN) == (given, ())
    assert without_tools(given, OWN)[0] is given


def test_the_choice_of_a_dropped_tool_is_dropped_and_named() -> None:
    search = OpaqueTool("web_search_20250305", Extra(OTHER, {"name": "web_search"}))
    given = request(FUNCTION, search, choice=NamedTool("web_search"))

    found, dropped = without_tools(given, OWN)

    assert (found.tools, found.tool_choice) == ((FUNCTION,), None)
    assert dropped == ("tools.web_search_20250305", "tool_choice")
    assert without_tools(given, OTHER) == (given, ())


@pytest.mark.parametrize(
    ("choice", "named"),
    [("auto", ()), ("none", ()), (None, ()), ("required", ("tool_choice",))],
)
def test_the_choice_goes_with_the_last_tool(choice: str | None, named: tuple[str, ...]) -> None:
    found, dropped = without_tools(request(hosted("web_search"), choice=choice), OWN)

    assert (found.tools, found.tool_choice, found.parallel_tool_calls) == ((), None, None)
    assert dropped == ("tools.web_search", *named)


def test_no_hosted_tool_stays_for_a_provider_of_functions_alone() -> None:
    found, dropped = without_tools(request(FUNCTION, hosted("web_search", OWN)), None)

    assert (found.tools, dropped) == ((FUNCTION,), ("tools.web_search",))


@pytest.mark.parametrize(
    "kind",
    [
        *("server_tool_use", "web_search_tool_result", "code_execution_tool_result"),
        *("web_search_call", "tool_search_call", "compaction", "mcp_list_tools", "a_new_kind"),
    ],
)
def test_the_models_blocks_of_hosted_tools_are_dropped_and_named(kind: str) -> None:
    answer = Message("assistant", (Text("4"), opaque(kind), opaque(kind)))

    found, dropped = without_history((QUESTION, answer), OWN)

    assert found == (QUESTION, Message("assistant", (Text("4"),)))
    assert found[0] is QUESTION
    assert dropped == (f"messages.content.{kind}",)


@pytest.mark.parametrize(
    ("role", "kind"),
    [
        *(("user", kind) for kind in ("audio", "input_file", "container_upload", "a_new_kind")),
        *(("assistant", kind) for kind in ("audio", "input_image")),
        *(("tool", kind) for kind in ("audio", "file")),
    ],
)
def test_content_that_changes_the_answer_stays_for_the_dialect_to_refuse(
    role: str, kind: str
) -> None:
    messages = (QUESTION, Message(role, (opaque(kind),)))

    assert without_history(messages, OWN) == (messages, ())


@pytest.mark.parametrize("kind", ["tool_search_output", "mcp_approval_response", "compaction"])
def test_results_of_hosted_tools_in_the_callers_turns_are_dropped(kind: str) -> None:
    given = Message("user", (opaque(kind),))

    assert without_history((given, QUESTION), OWN) == ((QUESTION,), (f"messages.content.{kind}",))


def test_blocks_of_the_targets_own_dialect_stay() -> None:
    messages = (Message("assistant", (opaque("server_tool_use"),)),)

    assert without_history(messages, OTHER) == (messages, ())


def test_a_search_result_becomes_its_text_also_within_a_result() -> None:
    content = [{"type": "text", "text": "One."}, {"type": "text", "text": "Two."}]
    result = opaque("search_result", title="T", source="https://s.example", content=content)
    reference = opaque("tool_reference", tool_name="read")
    given = Message("user", (ToolResult("1", (result, reference)), result))

    found, dropped = without_history((given,), OWN)

    text = Text("T\nhttps://s.example\nOne.\nTwo.")
    inner, outer = found[0].blocks
    assert isinstance(inner, ToolResult)
    assert inner.blocks == (text,)
    assert outer == text
    assert dropped == ("messages.content.tool_reference",)


@pytest.mark.parametrize("content", [None, "One.", [1, {"text": 7}], []])
def test_a_search_result_without_a_text_is_dropped(content: object) -> None:
    block = opaque("search_result", title=None, content=content)

    _, dropped = without_history((QUESTION, Message("user", (block,))), OWN)

    assert dropped == ("messages.content.search_result",)


def test_a_conversation_of_nothing_else_keeps_one_turn() -> None:
    blocks: tuple[Block, ...] = (opaque("compaction"),)

    found, _ = without_history((Message("assistant", blocks),), OWN)

    assert found == (Message("assistant"),)


@pytest.mark.usefixtures("keys")
def test_a_hosted_tool_of_openais_chat_is_dropped_for_ollama(provider: Upstream) -> None:
    tools = [{"type": "web_search"}]

    result = post(ask("ollama/m", tools=tools, tool_choice="auto"), "/v1/chat/completions")

    assert result.status == 200
    assert result.headers["x-chatd-dropped-params"] == "tools.web_search"
    assert "tools" not in provider.last.json
