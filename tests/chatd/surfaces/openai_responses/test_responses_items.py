"""The items of a request of OpenAI's Responses surface become turns."""

from __future__ import annotations

from typing import Any

import pytest

from chatd.canonical.content import (
    Document,
    Image,
    Opaque,
    Refusal,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
)
from chatd.canonical.maker import tagged
from chatd.errors import InvalidRequestError
from tests.chatd.surfaces.openai_responses.answers import items, read

USER = {"role": "user", "content": "Hi"}
CALL = {"type": "function_call", "call_id": "call_1", "name": "f", "arguments": "{}"}
RESULT = {"type": "function_call_output", "call_id": "call_1", "output": "21"}
ANSWER = {
    "type": "message",
    "id": "msg_1",
    "role": "assistant",
    "status": "completed",
    "content": [{"type": "output_text", "text": "Look", "annotations": []}],
}
REASONING = {
    "type": "reasoning",
    "id": "rs_1",
    "summary": [{"type": "summary_text", "text": "A"}, {"type": "summary_text", "text": "B"}],
    "encrypted_content": tagged("p/m", "gAAA"),
}


def roles(*given: Any) -> list[str]:
    return [message.role for message in items(*given).messages]


def test_a_text_is_the_users_turn_after_the_instructions() -> None:
    request = read(instructions="Be brief.")

    assert [(turn.role, turn.text) for turn in request.messages] == [
        ("system", "Be brief."),
        ("user", "Hi"),
    ]


def test_items_of_the_model_that_follow_one_another_are_one_turn() -> None:
    request = items(USER, REASONING, ANSWER, CALL, {**CALL, "call_id": "call_2"}, RESULT, USER)

    assert [turn.role for turn in request.messages] == ["user", "assistant", "tool", "user"]
    thinking, text, *calls = request.messages[1].blocks
    assert isinstance(thinking, Thinking)
    assert (thinking.text, thinking.signature, thinking.maker) == ("A\n\nB", "gAAA", "p/m")
    assert isinstance(text, Text)
    assert [call.id for call in calls if isinstance(call, ToolCall)] == ["call_1", "call_2"]
    (result,) = request.messages[2].blocks
    assert isinstance(result, ToolResult)


def test_the_source_maps_each_item_to_its_turn() -> None:
    empty = {"type": "reasoning", "id": "rs_2", "summary": []}
    more = {"type": "additional_tools", "tools": []}
    request = items(more, USER, REASONING, ANSWER, RESULT, empty, USER)
    assert request.source is not None

    assert request.source.owners == (None, 0, 1, 1, 2, None, 3)
    assert request.source.rest == (more, empty)


def test_the_first_block_of_an_answer_has_the_fields_of_its_item() -> None:
    second = {**ANSWER, "id": "msg_2", "phase": "final_answer"}
    (_, turn) = items(USER, ANSWER, second).messages

    found = [block.extra and block.extra.nested for block in turn.blocks]

    assert found == [
        {"item": {"id": "msg_1", "status": "completed"}},
        {"item": {"id": "msg_2", "status": "completed", "phase": "final_answer"}},
    ]


def test_parts_become_blocks_with_their_further_fields() -> None:
    content = [
        {"type": "input_text", "text": "Look"},
        {"type": "input_image", "image_url": "data:image/png;base64,AA", "detail": "low"},
        {"type": "input_image", "file_id": "file-1"},
        {"type": "input_file", "file_data": "data:application/pdf;base64,AA", "filename": "a.pdf"},
        {"type": "input_file", "file_url": "https://x.example/a.pdf"},
        {"type": "input_file", "file_id": "file-2"},
        {"type": "refusal", "refusal": "No."},
    ]
    (turn,) = items({"role": "user", "content": content}).messages

    text, image, stored, document, linked, kept, refusal = turn.blocks
    assert isinstance(text, Text)
    assert isinstance(image, Image)
    assert image.extra is not None
    assert image.extra.fields == {"detail": "low"}
    assert isinstance(stored, Opaque)
    assert isinstance(document, Document)
    assert (document.url, document.title) == ("data:application/pdf;base64,AA", "a.pdf")
    assert isinstance(linked, Document)
    assert isinstance(kept, Opaque)
    assert kept.extra.fields == {"file_id": "file-2"}
    assert isinstance(refusal, Refusal)


def test_a_custom_call_and_its_result_keep_their_kind() -> None:
    call = {"type": "custom_tool_call", "call_id": "c", "name": "apply_patch", "input": "***"}
    output = {"type": "custom_tool_call_output", "call_id": "c", "output": "done"}
    (_, made, got) = items(USER, {**call, "namespace": "functions"}, output).messages

    (tool_call,), (result,) = made.blocks, got.blocks
    assert isinstance(tool_call, ToolCall)
    assert (tool_call.kind, tool_call.arguments, tool_call.namespace) == (
        "custom",
        "***",
        "functions",
    )
    assert result.extra is not None
    assert result.extra.nested == {"item": {"type": "custom_tool_call_output"}}


def test_a_result_may_hold_an_image() -> None:
    parts = [{"type": "input_image", "image_url": "data:image/png;base64,AA"}]
    (turn,) = items({**RESULT, "output": parts}).messages

    (result,) = turn.blocks
    assert isinstance(result, ToolResult)
    assert isinstance(result.blocks[0], Image)


@pytest.mark.parametrize(
    ("kind", "role"),
    [
        ("web_search_call", "assistant"),
        ("local_shell_call", "assistant"),
        ("compaction", "assistant"),
        ("mcp_list_tools", "assistant"),
        ("shell_call_output", "tool"),
        ("mcp_approval_response", "tool"),
        ("compaction_trigger", "user"),
    ],
)
def test_an_item_that_only_this_dialect_knows_is_kept_in_its_turn(kind: str, role: str) -> None:
    (turn,) = items({"type": kind, "id": "x", "action": {"a": 1}}).messages

    (block,) = turn.blocks
    assert turn.role == role
    assert isinstance(block, Opaque)
    assert (block.kind, block.extra.fields) == (kind, {"id": "x", "action": {"a": 1}})


def test_reasoning_without_a_summary_has_its_own_text() -> None:
    item = {"type": "reasoning", "content": [{"type": "reasoning_text", "text": "Because"}]}
    (turn, _) = items(item, USER).messages

    assert turn.thinking == "Because"


def test_redacted_thinking_comes_back_as_such() -> None:
    item = {**REASONING, "summary": [], "encrypted_content": tagged("a/m", "redacted_thinking:Zz")}
    request = items(item, USER)

    (block,) = request.messages[0].blocks
    assert isinstance(block, Thinking)
    assert (block.redacted, block.signature, block.maker) == ("Zz", None, "a/m")


def test_encrypted_reasoning_of_an_unknown_maker_is_kept() -> None:
    (turn, _) = items({"type": "reasoning", "encrypted_content": "gAAA"}, USER).messages

    (block,) = turn.blocks
    assert isinstance(block, Thinking)
    assert (block.signature, block.maker) == ("gAAA", None)


@pytest.mark.parametrize(
    ("item", "param"),
    [
        ({"type": "item_reference", "id": "msg_1"}, "input.0"),
        ({"role": "user"}, "input.0.content"),
        ({"role": "user", "content": [{"type": "input_text"}]}, "input.0.content.0.text"),
        ({"role": "robot", "content": "Hi"}, "input.0.role"),
        ({**CALL, "arguments": {}}, "input.0.arguments"),
        ({"type": "function_call_output", "call_id": "c"}, "input.0.output"),
        ({**RESULT, "output": [{"type": 1}]}, "input.0.output.0.type"),
        ({"type": 7}, "input.0.type"),
        ("Hi", "input.0"),
        ({"type": "additional_tools", "tools": [{"type": "function"}]}, "input.0.tools.0.name"),
    ],
)
def test_an_item_that_cannot_be_read_is_named(item: Any, param: str) -> None:
    with pytest.raises(InvalidRequestError) as refused:
        items(item, USER)

    assert refused.value.param == param


def test_an_item_reference_is_refused_with_the_words_of_a_client_without_a_store() -> None:
    with pytest.raises(InvalidRequestError, match="store: false"):
        items({"type": "item_reference", "id": "msg_1"})


def test_an_input_without_any_turn_is_refused() -> None:
    with pytest.raises(InvalidRequestError) as refused:
        items({"type": "reasoning", "summary": []})

    assert refused.value.param == "input"
