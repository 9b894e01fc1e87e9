"""An internal error is logged by its class and place, without its message.

An exception's message can quote the prompt, the answer or a key.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import pytest

from chatd.aws_lambda import http
from chatd.aws_lambda.events import Context
from chatd.aws_lambda.streaming import Collected
from chatd.aws_lambda.streaming_chat import StreamingChat
from chatd.call import Call
from chatd.canonical.events import Frame
from chatd.canonical.request import ChatRequest
from chatd.canonical.response import Response
from chatd.canonical.served import Served
from chatd.config.settings import ConfigError
from chatd.errors import ChatdError, InternalError, ModelNotFoundError
from chatd.surfaces import ErrorResponse, StreamWriter, surface
from chatd.telemetry.record import place_of
from tests.support.functions import LambdaContext, ask, http_event, settings
from tests.support.upstream import Upstream

if TYPE_CHECKING:
    from tests.chatd.conftest import Emitted

Emits = Callable[[], "Emitted"]
WORDS = "canary-of-a-prompt"
HERE = Path(__file__).name


def fail(*_: object) -> NoReturn:
    raise KeyError(WORDS)


class Broken:
    """Run the native surface, and fail at one step."""

    examples = ()

    def __init__(self, step: str) -> None:
        self._step = step
        self._real = surface("native")

    def read(self, headers: Mapping[str, str], body: bytes) -> ChatRequest:
        return self._do("read", headers, body)  # type: ignore[no-any-return]  # the type of the real method

    def write(self, request: ChatRequest, response: Response, served: Served) -> Mapping[str, Any]:
        return self._do("write", request, response, served)  # type: ignore[no-any-return]  # as above

    def stream(self, request: ChatRequest, request_id: str) -> StreamWriter:
        real = self._real.stream(request, request_id)
        return BrokenStream(real) if self._step == "stream" else real

    def is_end(self, piece: bytes) -> bool:
        return self._real.is_end(piece)

    def error(self, error: ChatdError, request_id: str) -> ErrorResponse:
        return self._real.error(error, request_id)

    def _do(self, step: str, *given: object) -> Any:
        return fail() if step == self._step else getattr(self._real, step)(*given)


class BrokenStream:
    """Write the first piece of the native surface, and fail."""

    def __init__(self, real: StreamWriter) -> None:
        self._real = real

    def write(self, frames: Iterator[Frame], served: Served) -> Iterator[bytes]:
        for piece in self._real.write(frames, served):
            yield piece
            fail()

    def fail(self, error: ChatdError) -> bytes:
        return self._real.fail(error)


def assert_place_without_words(text: str) -> None:
    assert WORDS not in text
    assert "KeyError at " in text
    assert f"{HERE}:" in text


def test_a_place_holds_the_class_files_and_lines_and_no_message() -> None:
    with pytest.raises(KeyError) as caught:
        fail()

    place = place_of(caught.value)

    assert_place_without_words(place)
    assert str(Path(__file__).parent) not in place


def test_a_fault_in_a_route_is_logged_by_its_place(emitted: Emits) -> None:
    router = http.Router(settings, {"GET /x": http.Route(fail)})

    result: Any = router.answer(http_event("GET", "/x"), LambdaContext())

    (line,) = emitted().log
    assert (result["statusCode"], json.loads(result["body"])["error"]["code"]) == (
        500,
        InternalError.default_code,
    )
    assert WORDS not in json.dumps(result)
    assert line["level"] == "WARNING"
    assert_place_without_words(json.dumps(line))


def test_a_fault_in_a_route_s_error_writer_is_logged_and_still_answered(emitted: Emits) -> None:
    def missing(*_: object) -> NoReturn:
        raise ModelNotFoundError("no such model")

    router = http.Router(settings, {"GET /x": http.Route(missing, fail)})

    result: Any = router.answer(http_event("GET", "/x"), LambdaContext())

    (line,) = emitted().log
    assert (result["statusCode"], json.loads(result["body"])["error"]["code"]) == (
        500,
        InternalError.default_code,
    )
    assert_place_without_words(json.dumps(line))


def test_a_route_writes_its_failures_in_its_own_shape() -> None:
    def missing(*_: object) -> NoReturn:
        raise ModelNotFoundError("no such model")

    def error(failure: ChatdError, request_id: str) -> ErrorResponse:
        return ErrorResponse(418, {"x-kind": failure.code}, {"id": request_id})

    router = http.Router(settings, {"GET /x": http.Route(missing, error)})

    result: Any = router.answer(http_event("GET", "/x"), LambdaContext())

    assert (result["statusCode"], json.loads(result["body"])) == (
        418,
        {"id": LambdaContext().aws_request_id},
    )
    assert result["multiValueHeaders"]["x-kind"] == ["model_not_found"]


def test_a_fault_while_a_request_is_read_is_logged_by_its_place(
    provider: Upstream, emitted: Emits
) -> None:
    import chat.app  # noqa: PLC0415  # its parts are built from the environment of the test

    gateway = chat.app.compose().gateway
    with pytest.raises(InternalError) as caught:
        gateway.read(Broken("read"), {}, lambda: b"{}", call())

    (line,) = emitted().log
    assert WORDS not in str(caught.value)
    assert_place_without_words(json.dumps(line))


def test_a_fault_while_an_answer_is_written_is_logged_by_its_place(
    provider: Upstream, emitted: Emits
) -> None:
    import chat.app  # noqa: PLC0415  # as above

    gateway = chat.app.compose().gateway
    request = surface("native").read({}, json.dumps(ask("m")).encode())
    with pytest.raises(InternalError) as caught:
        gateway.chat(Broken("write"), request, call())

    (line,) = emitted().log
    assert WORDS not in str(caught.value)
    assert_place_without_words(json.dumps(line))


def test_a_fault_in_mid_stream_is_logged_by_its_place(provider: Upstream, emitted: Emits) -> None:
    import chat.app  # noqa: PLC0415  # as above

    gateway = chat.app.compose().gateway
    request = surface("native").read({}, json.dumps(ask("m", stream=True)).encode())
    sink = Collected()
    StreamingChat(gateway, Broken("stream"), request, call()).write_to(sink)

    (line,) = emitted().log
    assert (sink.status, WORDS in sink.body.decode()) == (200, False)
    assert InternalError.default_code in sink.body.decode()
    assert_place_without_words(json.dumps(line))


def test_a_configuration_error_is_logged_and_not_sent_to_callers(emitted: Emits) -> None:
    def mistaken(*_: object) -> NoReturn:
        raise ConfigError("chatd.toml: tiers.fast is no list")

    result: Any = http.Router(settings, {"GET /x": http.Route(mistaken)}).answer(
        http_event("GET", "/x"), LambdaContext()
    )

    (line,) = emitted().log
    assert line["message"] == "chatd.toml: tiers.fast is no list"
    assert "tiers" not in result["body"]


def call() -> Call:
    from chatd.aws_lambda.events import call_of  # noqa: PLC0415  # beside the one test module that needs it

    context: Context = LambdaContext()
    return call_of(None, context, settings())
