"""Every block of a Messages request has its place in the canonical form."""

from __future__ import annotations

from typing import Any

import pytest

from chatd.canonical.content import (
    Block,
    Document,
    Image,
    Opaque,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
)
from chatd.canonical.maker import tagged
from tests.chatd.surfaces.anthropic_messages.reading import body, read

PNG = {"type": "base64", "media_type": "image/png", "data": "iVBO"}
PDF = {"type": "base64", "media_type": "application/pdf", "data": "JVBE"}


def block_of(sent: dict[str, Any]) -> Block:
    (block,) = read(body(sent)).messages[0].blocks
    return block


def assistant(*blocks: dict[str, Any]) -> tuple[dict[str, Any], tuple[Block, ...]]:
    """Read an assistant's turn; return the JSON for a provider of the same dialect too."""
    sent = body("Hi")
    sent["messages"].append({"role": "assistant", "content": list(blocks)})
    request = read(sent)
    assert request.source is not None
    return request.source.body["messages"][1], request.messages[1].blocks


def test_a_text_keeps_its_unnamed_fields() -> None:
    text = block_of({"type": "text", "text": "Hi", "cache_control": {"type": "ephemeral"}})

    assert isinstance(text, Text)
    assert text.text == "Hi"
    assert text.extra is not None
    assert text.extra.fields == {"cache_control": {"type": "ephemeral"}}


@pytest.mark.parametrize(
    ("source", "url"),
    [
        (PNG, "data:image/png;base64,iVBO"),
        ({"type": "url", "url": "https://e.x/a"}, "https://e.x/a"),
    ],
    ids=["base64", "url"],
)
def test_an_image_is_a_url(source: dict[str, Any], url: str) -> None:
    image = block_of({"type": "image", "source": source})

    assert isinstance(image, Image)
    assert image.url == url


def test_documents_are_a_url_or_a_text_with_a_title() -> None:
    plain = {"type": "text", "media_type": "text/plain", "data": "All of it"}

    pdf = block_of({"type": "document", "source": PDF, "title": "T", "context": "c"})
    text = block_of({"type": "document", "source": plain})

    assert isinstance(pdf, Document)
    assert (pdf.url, pdf.title) == ("data:application/pdf;base64,JVBE", "T")
    assert pdf.extra is not None
    assert pdf.extra.fields == {"context": "c"}
    assert isinstance(text, Document)
    assert (text.url, text.text) == (None, "All of it")


@pytest.mark.parametrize(
    "sent",
    [
        {"type": "image", "source": {"type": "file", "file_id": "f"}},
        {"type": "document", "source": {"type": "file", "file_id": "f"}},
        {"type": "document", "source": {"type": "content", "content": [{"type": "text"}]}},
        {"type": "search_result", "source": "https://e.x", "title": "T", "content": []},
        {"type": "web_search_tool_result", "tool_use_id": "s", "content": {"error_code": "x"}},
        {"type": "container_upload", "file_id": "f"},
        {"type": "mid_conv_new_block", "text": 5, "id": None},
    ],
    ids=lambda sent: f"{sent['type']}",
)
def test_a_block_that_only_anthropic_has_is_opaque(sent: dict[str, Any]) -> None:
    block = block_of(sent)

    assert isinstance(block, Opaque)
    assert {"type": block.kind, **block.extra.fields} == sent


def test_the_input_of_a_tool_call_is_compact_json_without_a_loss() -> None:
    given = {"path": 'a "b"\n', "n": 12345678901234567890, "x": [1.5, None, True], "ü": {}}

    _, (call,) = assistant({"type": "tool_use", "id": "t", "name": "f", "input": given})

    assert isinstance(call, ToolCall)
    assert call.arguments == (
        '{"path":"a \\"b\\"\\n","n":12345678901234567890,"x":[1.5,null,true],"ü":{}}'
    )


@pytest.mark.parametrize(
    ("content", "texts"),
    [
        ("done", ["done"]),
        (None, []),
        ([{"type": "text", "text": "a"}, {"type": "image", "source": PNG}], ["a"]),
        ([{"type": "tool_reference", "tool_name": "f"}], []),
    ],
)
def test_a_tool_result_has_a_text_or_blocks(content: Any, texts: list[str]) -> None:
    sent = {"type": "tool_result", "tool_use_id": "t", "content": content, "is_error": True}

    result = block_of(sent)

    assert isinstance(result, ToolResult)
    assert (result.call_id, result.is_error) == ("t", True)
    assert [block.text for block in result.blocks if isinstance(block, Text)] == texts
    assert len(result.blocks) == (len(content) if isinstance(content, list) else len(texts))


def test_a_signature_loses_the_tag_of_its_maker_in_both_forms() -> None:
    sent = {"type": "thinking", "thinking": "Hm", "signature": tagged("a/b", "sig=")}

    turn, (block,) = assistant(sent)

    assert isinstance(block, Thinking)
    assert (block.text, block.signature, block.maker) == ("Hm", "sig=", "a/b")
    assert turn["content"] == [{"type": "thinking", "thinking": "Hm", "signature": "sig="}]


def test_redacted_thinking_loses_the_tag_of_its_maker_in_both_forms() -> None:
    turn, (block,) = assistant({"type": "redacted_thinking", "data": tagged("a/b", "xyz")})

    assert isinstance(block, Thinking)
    assert (block.redacted, block.maker, block.text) == ("xyz", "a/b", "")
    assert turn["content"] == [{"type": "redacted_thinking", "data": "xyz"}]


@pytest.mark.parametrize("more", [{}, {"signature": ""}, {"signature": None}], ids=str)
def test_thinking_without_a_signature_is_accepted_and_unchanged(more: dict[str, Any]) -> None:
    sent = {"type": "thinking", "thinking": "Hm", **more}

    turn, (block,) = assistant(sent)

    assert isinstance(block, Thinking)
    assert (block.signature, block.maker) == (None, None)
    assert turn["content"] == [sent]


def test_a_signature_of_another_conversation_has_no_known_maker() -> None:
    _, (block,) = assistant({"type": "thinking", "thinking": "Hm", "signature": "EqRk"})

    assert isinstance(block, Thinking)
    assert (block.signature, block.maker) == ("EqRk", None)
