"""A stream that has died is gone on with by another model, so that the caller sees one answer.

There are two ways: the other model takes what was said as the beginning of its own turn, or it
says everything from the start and is held back while it repeats it, byte for byte. Whatever fits
neither is not joined at all (docs/decisions/0015-rescue.md). Nothing here knows who is asked.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from chatd.answer import CHARACTERS_A_TOKEN, Delta, Event, Finish, Rescued
from chatd.chat import ChatRequest, Message, Text
from chatd.errors import UpstreamError


class DivergedError(UpstreamError):
    """The answer that was begun again goes another way than what the caller has already got."""

    transient = False
    falls_through = False
    unwell = False


class Said:
    """What there is of an answer so far, as far as another model could go on with it."""

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._joinable = True

    @property
    def text(self) -> str:
        """The text of the answer; thinking is not part of it."""
        return "".join(self._pieces)

    @property
    def joinable(self) -> bool:
        """Whether it is text alone, and unfinished: nothing else can be joined to another's."""
        return self._joinable

    def note(self, event: Event) -> None:
        """Note what there is more of it."""
        if isinstance(event, Rescued) and event.anew:
            self._pieces.clear()
            self._joinable = True
        elif isinstance(event, Delta):
            if event.content:
                self._pieces.append(event.content)
            if event.index or event.tool_calls or event.logprobs is not None or _more(event):
                self._joinable = False
        elif isinstance(event, Finish):
            self._joinable = False


def prefilled(request: ChatRequest, text: str) -> ChatRequest:
    """The request with what was said as the beginning of the assistant's turn.

    What it took is taken off the tokens that may still be generated.
    """
    spent = len(text) // CHARACTERS_A_TOKEN
    turn = Message("assistant", (Text(text),))
    return replace(
        request,
        messages=(*request.messages, turn),
        max_tokens=_less(request.max_tokens, spent),
        max_completion_tokens=_less(request.max_completion_tokens, spent),
    )


def takes_prefill(request: ChatRequest) -> bool:
    """Whether a turn that was begun can be gone on with: in a form, or with tools, it cannot.

    What enforces a form begins it anew with the first token that it makes.
    """
    return request.format is None and not request.tools


def continued(events: Iterator[Event], said: str, rescued: Rescued) -> Iterator[Event]:
    """The events of a model that says the answer again, without what the caller has got of it.

    Args:
        events: Of the other model.
        said: What it must repeat first; empty if it goes on from there by itself.
        rescued: Is yielded where the answer goes on.

    Raises:
        DivergedError: If it does not repeat what was said, or is no text alone.
        ChatdError: If it dies too.

    """
    left = said
    joined = False
    for event in events:
        new: Event | None = event
        if isinstance(event, Delta):
            new, left = _beyond(event, left, rescued)
        elif isinstance(event, Finish) and left:
            raise _diverged(rescued)
        if new is None:
            continue
        if not joined and isinstance(new, Delta | Finish):
            joined = True
            yield rescued
        yield new


def begun_anew(events: Iterator[Event], rescued: Rescued) -> Iterator[Event]:
    """The events of a model that says the answer again, to a caller who has got nothing of it yet.

    Args:
        events: Of the other model.
        rescued: Is yielded first.

    """
    yield replace(rescued, anew=True)
    yield from events


def _beyond(delta: Delta, left: str, rescued: Rescued) -> tuple[Delta | None, str]:
    """What a delta says beyond what must be repeated, and what then is left to repeat.

    Thinking goes with what is repeated: the caller has had the first model's.
    """
    content = delta.content or ""
    repeated, new = content[: len(left)], content[len(left) :]
    if delta.index or delta.tool_calls or _more(delta) or not left.startswith(repeated):
        raise _diverged(rescued)
    said = Delta(content=new) if new else None
    return said, left[len(repeated) :]


def _more(event: Delta) -> bool:
    """Whether it says something besides text; the details of thinking are thinking."""
    if not event.extra:
        return False
    return any(value for name, value in event.extra.items() if name != "reasoning_details")


def _less(limit: int | None, spent: int) -> int | None:
    return None if limit is None else max(1, limit - spent)


def _diverged(rescued: Rescued) -> DivergedError:
    return DivergedError(
        f"{rescued.instead_of} broke off its answer, and what {rescued.provider}/{rescued.model}"
        " said instead does not begin with what was already sent"
    )
