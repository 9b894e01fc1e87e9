"""Collect the texts of an answer's frames, and put masked text in the place of its content."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from chatd.canonical.content import Refusal, Text, Thinking, ToolCall
from chatd.canonical.events import Delta, Event, Frame

# The name of a mask has up to 100 characters:
# https://docs.aws.amazon.com/bedrock/latest/APIReference/API_GuardrailRegexConfig.html
_MASK_SIZE = 102


@dataclass(slots=True)
class AnswerText:
    """The texts of an answer by kind.

    Attributes:
        content: The text of the answer, and of a refusal.
        thinking: The readable thinking.
        arguments: The arguments of tool calls.

    """

    content: str = field(default="", repr=False)
    thinking: str = field(default="", repr=False)
    arguments: str = field(default="", repr=False)

    def given(self) -> list[str]:
        """Return the texts that are not blank, the content first."""
        return [text for text in (self.content, self.thinking, self.arguments) if text.strip()]


def text_of(frames: Iterable[Frame]) -> AnswerText:
    """Return the texts of some frames. Encrypted thinking has none."""
    content: list[str] = []
    thinking: list[str] = []
    arguments: list[str] = []
    for delta in _deltas(frames):
        content += [delta.content or "", delta.refusal or ""]
        thinking.append(delta.thinking or "")
        arguments += [call.arguments for call in delta.tool_calls]
        for block in delta.blocks:
            if isinstance(block, Text | Refusal):
                content.append(block.text)
            elif isinstance(block, Thinking):
                thinking.append(block.text)
            elif isinstance(block, ToolCall):
                arguments.append(block.arguments)
    return AnswerText("".join(content), "".join(thinking), "".join(arguments))


def size_of(frame: Frame) -> int:
    """Return the number of characters in the texts of a frame."""
    size = 0
    for event in frame.events:
        if isinstance(event, Delta):
            size += len(event.content or "") + len(event.thinking or "") + len(event.refusal or "")
            size += sum(len(call.arguments) for call in event.tool_calls)
            if event.blocks:
                size += sum(map(len, text_of((Frame((Delta(blocks=event.blocks),)),)).given()))
    return size


def masked_frame(frames: Iterable[Frame], text: AnswerText, masked: Sequence[str]) -> Frame | None:
    """Join frames to one with masked content.

    Args:
        frames: The frames.
        text: Their texts.
        masked: The texts with masks, as many as `text` gives.

    Returns:
        The frame; None if a mask is outside the content of one choice: a call with masked arguments
        is not the model's call.

    """
    given = text.given()
    is_plain = bool(given) and given[0] == text.content
    if not is_plain or list(masked[1:]) != given[1:]:
        return None
    content: str | None = masked[0]
    events: list[Event] = []
    for event in (event for frame in frames for event in frame.events):
        if not isinstance(event, Delta) or event.content is None:
            if isinstance(event, Delta) and (event.refusal or event.blocks or event.index):
                return None
            events.append(event)
            continue
        if event.index or event.blocks or event.refusal:
            return None
        events.append(replace(event, content=content, logprobs=None, extra=None))
        content = None
    return Frame(tuple(events))


def parted(frame: Frame, keep: int) -> tuple[Frame, ...]:
    """Split a frame before the last characters of its content, but not inside a mask.

    Args:
        frame: The frame; one event has all its content.
        keep: The number of characters in the second part, at least; 0: the frame stays whole.

    """
    for place, event in enumerate(frame.events if keep else ()):
        if isinstance(event, Delta) and event.content:
            end = _outside_mask(event.content, max(0, len(event.content) - keep))
            if not end:
                break
            first = replace(event, content=event.content[:end])
            rest = Delta(event.index, event.content[end:])
            before, after = frame.events[:place], frame.events[place + 1 :]
            return Frame((*before, first)), Frame((rest, *after))
    return (frame,)


def _outside_mask(text: str, end: int) -> int:
    """Return the position; inside a mask such as `{EMAIL}`, where the mask begins."""
    begin = text.rfind("{", max(0, end - _MASK_SIZE), end)
    return begin if begin > text.rfind("}", 0, end) else end


def _deltas(frames: Iterable[Frame]) -> Iterator[Delta]:
    for frame in frames:
        for event in frame.events:
            if isinstance(event, Delta):
                yield event
