"""A failing log fails no chat; each line names the caller and the request."""

from __future__ import annotations

import io
import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import pytest

from chatd.telemetry import log
from tests.support.functions import ask, invoke, post, stream
from tests.support.upstream import Upstream

if TYPE_CHECKING:
    from tests.chatd.conftest import Emitted


def unread(stack: ExitStack) -> TextIO:
    """A pipe without a reader: EPIPE."""
    reader, writer = os.pipe()
    os.close(reader)
    return os.fdopen(writer, "w")


def full_disk(stack: ExitStack) -> TextIO:
    """ENOSPC."""
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    return Path("/dev/full").open("w")


def full_pipe(stack: ExitStack) -> TextIO:
    """A pipe that is not read, in non-blocking mode: EAGAIN."""
    reader, writer = os.pipe()
    stack.callback(os.close, reader)
    os.set_blocking(writer, False)
    with suppress(BlockingIOError):
        while True:
            os.write(writer, b"x" * 4096)
    return os.fdopen(writer, "w")


def closed(stack: ExitStack) -> TextIO:
    output = Path(os.devnull).open("w")  # noqa: SIM115  # the test needs a closed file
    output.close()
    return output


OUTPUTS: dict[str, Callable[[ExitStack], TextIO | None]] = {
    "a pipe without a reader": unread,
    "a full disk": full_disk,
    "a full pipe": full_pipe,
    "closed": closed,
    "none": lambda _stack: None,
}


@pytest.fixture(autouse=True)
def no_lost_lines() -> Iterator[None]:
    """Write pending reports of lost lines, which the next test would log."""
    yield
    with stdout(io.StringIO()):
        log.write()


@contextmanager
def stdout(output: TextIO | None) -> Iterator[None]:
    """Replace standard output. Not a fixture: pytest sets its own when the test begins."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stdout", output)
        yield


@contextmanager
def broken(kind: str) -> Iterator[None]:
    """Replace standard output with one that fails."""
    with ExitStack() as stack:
        output = OUTPUTS[kind](stack)
        with stdout(output):
            yield
        if output is not None:
            with suppress(OSError):
                output.close()


@pytest.mark.parametrize("kind", OUTPUTS)
def test_an_unwritable_log_fails_no_chat(provider: Upstream, kind: str) -> None:
    with broken(kind):
        whole, streamed, direct = post(ask("m")), stream(ask("m")), invoke(ask("m"))

    assert whole.json["content"] == direct["content"] == "Hello!"
    assert streamed.json[-1]["done"]


@pytest.mark.parametrize("kind", OUTPUTS)
def test_lost_lines_are_counted_in_the_log_after_it_recovers(provider: Upstream, kind: str) -> None:
    post(ask("m"))  # writes pending reports of lost lines
    with broken(kind):
        for _ in range(2):
            post(ask("m"))
    working = io.StringIO()
    with stdout(working):
        for _ in range(2):
            post(ask("m"))

    warning, *lines = working.getvalue().strip().splitlines()
    # Each chat has a line of metrics and a log line.
    assert json.loads(warning)["message"] == "4 lines of the log could not be written"
    assert len(lines) == 4


def test_an_error_other_than_oserror_is_raised(provider: Upstream) -> None:
    class FailingOutput(io.StringIO):
        def write(self, _text: str) -> int:
            raise MemoryError

    with stdout(FailingOutput()), pytest.raises(MemoryError):
        invoke(ask("m"))


USER = "arn:aws:sts::123456789012:assumed-role/app/session-1"


@pytest.mark.parametrize(
    ("context", "caller"),
    [
        ({"authorizer": {"principalId": "alice", "caller": "alice"}}, "alice"),
        ({"identity": {"userArn": USER}}, "assumed-role/app/session-1"),
        ({"identity": {"userArn": "arn:aws:iam::123456789012:user/bob"}}, "user/bob"),
        ({"authorizer": None, "identity": {"userArn": None}}, None),
        ({"authorizer": "x", "identity": ["x"], "requestId": 7}, None),
        ({"authorizer": {"principalId": {"x": 1}}, "identity": {"userArn": 7}}, None),
        ({}, None),
    ],
)
def test_the_log_has_the_callers_name_and_the_requests_id(
    provider: Upstream, emitted: Callable[[], Emitted], context: dict[str, Any], caller: str | None
) -> None:
    context = {"requestId": "id-of-api-gateway", "stage": "v1", **context}
    assert post(ask("m"), requestContext=context).status == 200
    stream(ask("m"), requestContext=context)
    post({}, requestContext=context)

    lines = emitted().log
    assert [line.get("chatd.caller") for line in lines] == [caller] * 3
    known = context["requestId"] if context["requestId"] != 7 else None
    assert [line.get("chatd.api_request_id") for line in lines] == [known] * 3


def test_the_line_of_a_direct_invocation_has_neither_caller_nor_request_id(
    provider: Upstream, emitted: Callable[[], Emitted]
) -> None:
    invoke(ask("m"))

    (line,) = emitted().log
    assert "chatd.caller" not in line
    assert "chatd.api_request_id" not in line


def test_caller_and_request_id_are_cut_to_100_characters(
    provider: Upstream, emitted: Callable[[], Emitted]
) -> None:
    context = {"requestId": "i" * 9000, "authorizer": {"principalId": "p" * 9000}}
    post(ask("m"), requestContext=context)

    (line,) = emitted().log
    assert len(line["chatd.caller"]) == len(line["chatd.api_request_id"]) == 100
