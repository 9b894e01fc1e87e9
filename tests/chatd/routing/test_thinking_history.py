"""Signatures and encrypted reasoning go only to the model that made them."""

from __future__ import annotations

import time

import pytest

from chatd.canonical.content import Block, Text, Thinking, ToolCall
from chatd.canonical.request import Message
from chatd.routing.thinking_history import accepted

MINE, OTHER = "anthropic/claude-opus-5", "anthropic/claude-sonnet-5"
QUESTION = Message("user", (Text("Hi"),))


def turn(*blocks: Block) -> Message:
    return Message("assistant", blocks)


def kept(*messages: Message, fallback: bool = False) -> tuple[tuple[tuple[Block, ...], ...], bool]:
    found, lost = accepted(messages, MINE, fallback=fallback)
    return tuple(message.blocks for message in found), lost


@pytest.mark.parametrize(
    ("maker", "fallback"), [(MINE, False), (MINE, True), (None, False)], ids=str
)
def test_tokens_that_the_target_accepts_leave_the_same_tuple(
    maker: str | None, fallback: bool
) -> None:
    messages = (
        QUESTION,
        turn(Thinking("Hm.", "sig", maker=maker), Thinking(redacted="data", maker=maker)),
    )

    found, lost = accepted(messages, MINE, fallback=fallback)

    assert found is messages
    assert not lost


@pytest.mark.parametrize(
    ("maker", "fallback"), [(OTHER, False), (OTHER, True), (None, True)], ids=str
)
def test_a_token_of_another_or_for_a_fallback_of_an_unknown_maker_is_taken_out(
    maker: str | None, fallback: bool
) -> None:
    call = ToolCall("1", "f", "{}")
    first = turn(Thinking("Hm.", "sig", maker=maker), Text("4"), call)
    second = turn(Thinking(redacted="data", maker=maker), Text("5"))

    found, lost = accepted((QUESTION, first, second), MINE, fallback=fallback)

    thinking, *rest = found[1].blocks
    assert found[0] is QUESTION
    assert isinstance(thinking, Thinking)
    assert (thinking.text, thinking.signature, thinking.redacted) == ("Hm.", None, None)
    assert rest == [Text("4"), call]
    assert found[2].blocks == (Text("5"),)
    assert lost
    assert isinstance(unchanged := first.blocks[0], Thinking)
    assert unchanged.signature == "sig"


def test_readable_thinking_without_a_token_stays_for_every_target() -> None:
    messages = (QUESTION, turn(Thinking("Hm.", maker=OTHER)), turn(Thinking("Hm.")))

    assert accepted(messages, MINE, fallback=True) == (messages, False)


def test_a_signature_alone_is_no_lost_block_where_a_text_remains() -> None:
    _, lost = kept(turn(Thinking("Hm.", "sig", maker=OTHER)))

    assert not lost


def test_a_turn_of_nothing_else_is_left_out() -> None:
    blocks, lost = kept(QUESTION, turn(Thinking(redacted="data", maker=OTHER)), QUESTION)

    assert blocks == (QUESTION.blocks, QUESTION.blocks)
    assert lost


def test_a_conversation_of_nothing_else_keeps_one_turn() -> None:
    only = turn(Thinking(signature="sig", maker=OTHER))

    assert kept(only, only) == (((),), True)


def test_a_long_conversation_without_thinking_takes_few_milliseconds() -> None:
    messages = tuple(turn(Text("4")) if n % 2 else QUESTION for n in range(20_000))

    started = time.process_time()
    found, _ = accepted(messages, MINE, fallback=True)

    assert found is messages
    assert time.process_time() - started < 0.5
