"""Log lines name the outcome of a key, and hold no key, prompt or answer."""

from __future__ import annotations

import base64
import json
import logging
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import chat.app
from chatd.aws_lambda.streaming import Collected
from tests.support.functions import LambdaContext, ask, http_event
from tests.support.idempotency import KEY, break_store, once
from tests.support.upstream import Upstream

if TYPE_CHECKING:
    from tests.chatd.conftest import Emitted


pytestmark = pytest.mark.usefixtures("provider", "keys")


def send_chat(*, live: bool, content: str = "Say hello.") -> Any:
    """Send a chat to the handler, and read a streamed answer to its end."""
    body = json.dumps(ask("m", content, stream=live))
    event = http_event("POST", "/v1/chat", body, headers={"Idempotency-Key": KEY})
    result = chat.app.lambda_handler(event, LambdaContext())
    if not isinstance(result, dict):
        result.write_to(Collected())
    return result


@pytest.mark.parametrize("live", [False, True])
def test_no_key_prompt_or_answer_is_logged_at_debug_level(
    store: str,
    live: bool,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    logging.getLogger("botocore").setLevel(logging.NOTSET)
    with caplog.at_level(logging.DEBUG):
        for prompt in ("CANARY-PROMPT", "CANARY-PROMPT", "CANARY-OTHER"):
            send_chat(live=live, content=prompt)
        break_store(store, tmp_path)
        send_chat(live=live)

    logged = caplog.text + "".join(capfd.readouterr())
    deflated = base64.b64encode(zlib.compress(b"")[:2]).decode()[:2]  # of every stored body
    assert not any(word in logged for word in ("CANARY", "Hello", f'"{deflated}'))


def test_a_replay_is_one_log_line_and_no_metric(
    provider: Upstream, store: str, emitted: Callable[[], Emitted]
) -> None:
    once(ask("m"))
    emitted()
    once(ask("m"))

    output = emitted()
    (line,) = output.log
    assert line["chatd.idempotency"] == "replayed"
    assert line["request_id"] == LambdaContext().aws_request_id
    assert output.metrics == []


def test_a_conflict_is_one_log_line(
    provider: Upstream, store: str, emitted: Callable[[], Emitted]
) -> None:
    once(ask("m"))
    emitted()
    once(ask("m", "Something else."))

    (line,) = emitted().log
    assert (line["chatd.idempotency"], line["error.type"]) == ("refused", "idempotency_key_reused")
