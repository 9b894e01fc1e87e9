"""Speak OpenAI's chat dialect with the differences of Google's route for Gemini.

https://ai.google.dev/gemini-api/docs/openai
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from chatd.canonical.response import new_call_id
from chatd.config.provider import Provider
from chatd.dialects import Dialect, lenient
from chatd.dialects.json_shapes import lenient_member
from chatd.dialects.openai_chat.dialect import OpenAIChat
from chatd.dialects.openai_chat.reading import AnswerCorrection
from chatd.errors import ChatdError
from chatd.upstream_http import HttpResponse

Json = dict[str, Any]
# Stands for the signature of a call that was not made by the model, or has lost its signature:
# https://ai.google.dev/gemini-api/docs/thought-signatures
SENTINEL = "skip_thought_signature_validator"
# Gemini's models require signatures from version 3 on.
_SIGNING = re.compile(r"(models/)?gemini-(?![12]\b)")
_DELAY = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)s")
_MAX_ERROR_BYTES = 64 * 1024


class Gemini(OpenAIChat):
    """The dialect of Gemini."""

    def models(self, response: HttpResponse) -> list[str]:
        """Read the names of the models, which Google lists as `models/<name>`.

        Raises:
            ChatdError: If the response is a refusal, or no list.

        """
        return [name.removeprefix("models/") for name in super().models(response)]

    def _correct(self, body: Json, row: Provider) -> None:  # noqa: ARG002  # its parent's shape
        if _SIGNING.match(body["model"]):
            body["messages"] = [_signed(turn) for turn in body["messages"]]

    def _answer_correction(self) -> AnswerCorrection:
        return _Answer().correct

    def _refusal(self, response: HttpResponse) -> ChatdError:
        """Make the error; the wait is in the body, not in a header."""
        delay = _retry_delay(response.body)
        if delay is not None and "retry-after" not in response.headers:
            response = replace(response, headers={**response.headers, "retry-after": delay})
        return super()._refusal(response)


def _signed(turn: Json) -> Json:
    """Sign the first call of a turn of which no call has a signature; the turn is not changed.

    Of parallel calls, the model signs the first one.
    """
    calls = turn.get("tool_calls")
    if not isinstance(calls, list) or not calls or any(map(_has_signature, calls)):
        return turn
    first, *others = calls
    given = lenient_member(first, "extra_content")
    google = lenient_member(given, "google")
    signed = {**given, "google": {**google, "thought_signature": SENTINEL}}
    return {**turn, "tool_calls": [{**first, "extra_content": signed}, *others]}


def _has_signature(call: Json) -> bool:
    extra = lenient_member(call, "extra_content")
    return bool(lenient_member(extra, "google").get("thought_signature"))


class _Answer:
    """Corrects the JSON objects of one answer: numbers of calls, finish reasons and tokens."""

    def __init__(self) -> None:
        # The ids of each choice's calls, in their order, and their numbers.
        self._calls: dict[int, dict[str, int]] = {}

    def correct(self, body: Json) -> None:
        """Correct a whole response or a chunk in place."""
        choices = body.get("choices")
        for choice in choices if isinstance(choices, list) else ():
            if isinstance(choice, dict):
                self._correct_choice(choice)
        usage = body.get("usage")
        if isinstance(usage, dict):
            _count_thinking(usage)

    def _correct_choice(self, choice: Json) -> None:
        index = choice.get("index")
        known = self._calls.setdefault(index if type(index) is int else 0, {})
        for name in ("message", "delta"):
            message = choice.get(name)
            calls = message.get("tool_calls") if isinstance(message, dict) else None
            for call in calls if isinstance(calls, list) else ():
                if isinstance(call, dict):
                    _number(call, known, streamed=name == "delta")
        # https://github.com/googleapis/python-genai/issues/2868
        if choice.get("finish_reason") == "stop" and known:
            choice["finish_reason"] = "tool_calls"


def _number(call: Json, known: dict[str, int], *, streamed: bool) -> None:
    """Give a call of a stream the number of its id; Google gives none, or the same to several.

    https://github.com/AstrBotDevs/AstrBot/issues/6661
    """
    id_, function = call.get("id"), call.get("function")
    if not isinstance(id_, str) or not id_:
        begins = not known or (isinstance(function, dict) and bool(function.get("name")))
        id_ = new_call_id() if begins else next(reversed(known))
        call["id"] = id_
    number = known.setdefault(id_, len(known))
    if streamed:
        call["index"] = number


def _count_thinking(usage: Json) -> None:
    """Count the tokens of thinking as output: only the total has them."""
    names = ("prompt_tokens", "completion_tokens", "total_tokens")
    prompt, output, total = (lenient.count(usage.get(name)) for name in names)
    thinking = total - prompt - output
    if thinking <= 0:
        return
    usage["completion_tokens"] = output + thinking
    details = usage.get("completion_tokens_details")
    details = details if isinstance(details, dict) else {}
    usage["completion_tokens_details"] = {"reasoning_tokens": thinking, **details}


def _retry_delay(body: bytes) -> str | None:
    """Read the seconds of a `RetryInfo` among the details of an error; None without one.

    https://github.com/googleapis/googleapis/blob/master/google/rpc/error_details.proto
    """
    if len(body) > _MAX_ERROR_BYTES:
        return None
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return None
    if isinstance(value, list):
        value = next(iter(value), None)
    error = value.get("error") if isinstance(value, Mapping) else None
    details = error.get("details") if isinstance(error, Mapping) else None
    for detail in details if isinstance(details, list) else ():
        delay = detail.get("retryDelay") if isinstance(detail, Mapping) else None
        found = _DELAY.fullmatch(delay) if isinstance(delay, str) else None
        if found is not None:
            return found[1]
    return None


_: Dialect = Gemini()
