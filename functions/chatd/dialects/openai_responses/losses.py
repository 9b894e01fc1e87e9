"""Name the fields of a request that OpenAI's Responses dialect lacks, or that a model refuses."""

from __future__ import annotations

from collections.abc import Iterator

from chatd.canonical.content import Thinking
from chatd.canonical.extra import Extra
from chatd.canonical.losses import foreign_fields, has_failed_result
from chatd.canonical.request import ChatRequest
from chatd.config.provider import Provider
from chatd.dialects import thinking_hints
from chatd.dialects.openai_responses.model_facts import refuses_sampling
from chatd.dialects.openai_responses.reading import DIALECT
from chatd.dialects.openai_responses.request import (
    LEAST_MAX_TOKENS,
    SAME_IN_CHAT,
    effort_in,
    has_field,
    own_source,
)

_CHAT, _ANTHROPIC = "openai_chat", "anthropic_messages"
# Fields of OpenAI's chat dialect that make another kind of answer.
_CHANGING = ("audio", "functions", "function_call")
# Fields that change nothing in an answer, or have an equal here.
_QUIET = frozenset(
    {
        *SAME_IN_CHAT,
        *("verbosity", "store", "include", "client_metadata", "session_id", "trace", "usage"),
        *("include_reasoning", "prediction", "stream_options", "betas"),
    }
)
_DEFAULTS = {"modalities": ["text"], "function_call": "auto", "service_tier": "auto"}
# Parts of the fields of other dialects that are written.
_CARRIED = ("messages.content.image_url.detail", "messages.content.file.file_id")


def refused(request: ChatRequest) -> tuple[str, ...]:
    """Name the fields without an equal that change the answer."""
    if own_source(request) is not None:
        return ()
    found = []
    if (request.n or 1) > 1:
        found.append("n")
    if request.sampling.stop:
        of_anthropic = request.source is not None and request.source.dialect == _ANTHROPIC
        found.append("stop_sequences" if of_anthropic else "stop")
    fields = _of_chat(request.extra)
    found += [name for name in _CHANGING if fields.get(name) not in (None, [], {}, "auto")]
    if fields.get("modalities") not in (None, ["text"]):
        found.append("modalities")
    return tuple(found)


def omitted(request: ChatRequest, row: Provider) -> tuple[str, ...]:
    """Name the hints that are left out."""
    found = [*_of_model(request, row), *_of_row(request, row)]
    if own_source(request) is None:
        found += [*_of_sampling(request), *_of_extra(request), *_of_turns(request)]
        found += thinking_hints.lost(request, row)
    return tuple(dict.fromkeys(found))


def _of_model(request: ChatRequest, row: Provider) -> Iterator[str]:
    """Name the fields that the model refuses; a default value is no loss."""
    if not refuses_sampling(request.model, effort_in(request, row)):
        return
    for name in ("temperature", "top_p"):
        if getattr(request.sampling, name) not in (None, 1):
            yield name
    if request.logprobs or request.top_logprobs:
        yield "top_logprobs" if request.top_logprobs else "logprobs"


def _of_row(request: ChatRequest, row: Provider) -> Iterator[str]:
    """Name the fields that the row leaves out."""
    if row.drops:
        yield from (name for name in row.drops if has_field(request, row, name))


def _of_sampling(request: ChatRequest) -> Iterator[str]:
    for name in ("seed", "presence_penalty", "frequency_penalty", "top_k"):
        if getattr(request.sampling, name):
            yield name
    for name in ("max_completion_tokens", "max_tokens"):
        limit = getattr(request, name)
        if limit:
            if limit < LEAST_MAX_TOKENS:
                yield name
            return


def _of_extra(request: ChatRequest) -> Iterator[str]:
    """Name the unnamed fields of the request itself."""
    extra = request.extra
    if extra is None or extra.dialect == DIALECT:
        return
    for path, value in extra.paths():
        name = path.partition(".")[0]
        idle = value in (None, "", [], {}) or _DEFAULTS.get(path) == value
        if name not in _QUIET and name not in _CHANGING and path != "modalities" and not idle:
            yield path


def _of_turns(request: ChatRequest) -> Iterator[str]:
    yield from (path for path in foreign_fields(request, DIALECT) if path not in _CARRIED)
    if has_failed_result(request):
        yield "messages.content.is_error"
    if any(message.name is not None for message in request.messages):
        yield "messages.name"
    blocks = [block for message in request.messages for block in message.blocks]
    if any(
        isinstance(block, Thinking) and not (block.signature or block.redacted) for block in blocks
    ):
        yield "messages.content.thinking"


def _of_chat(extra: Extra | None) -> dict[str, object]:
    return dict(extra.fields) if extra is not None and extra.dialect == _CHAT else {}
