"""Long texts are checked in several requests; a verdict is joined from theirs."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from chatd.call import Call
from chatd.config.provider import Guardrail
from chatd.credentials.provider_keys import Credentials
from chatd.deadline import Deadline
from chatd.errors import CallCancelledError, GuardrailUnavailableError, UpstreamError
from chatd.guardrails.checker import MAX_CHARACTERS, Checker
from chatd.telemetry.record import ChatRecord
from chatd.upstream_http import HttpRequest, HttpResponse

ANONYMIZED = [{"sensitiveInformationPolicy": {"piiEntities": [{"action": "ANONYMIZED"}]}}]


class Service:
    """Answers each check by a rule; joins the outputs of several texts if it is told to."""

    def __init__(self, *, joins: bool = False) -> None:
        self.seen: list[list[str]] = []
        self._joins = joins

    def send(self, request: HttpRequest, *_more: Any) -> HttpResponse:
        texts = [block["text"]["text"] for block in json.loads(request.body or b"")["content"]]
        self.seen.append(texts)
        masked = [text.replace("x", "*") for text in texts]
        acts = masked != texts
        outputs = ["".join(masked)] if self._joins else masked
        body = {
            "action": "GUARDRAIL_INTERVENED" if acts else "NONE",
            "outputs": [{"text": text} for text in outputs] if acts else [],
            "assessments": ANONYMIZED if acts else [],
            "usage": {"contentPolicyUnits": 1, "sensitiveInformationPolicyFreeUnits": 9},
        }
        return HttpResponse(200, {}, json.dumps(body).encode())


ENVIRONMENT = {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "s"}


def checker_of(
    service: Service, call: Call, environ: Mapping[str, str] = ENVIRONMENT, **more: Any
) -> Checker:
    credentials = Credentials(environ, None, lambda _sentence: None)
    guardrail = Guardrail("gr1", region="us-east-1", url="https://h", **more)
    return Checker(guardrail, credentials, service, call, ChatRecord("r"))  # type: ignore[arg-type]  # a fake transport


def masked(service: Service, texts: Sequence[str]) -> tuple[str, ...] | None:
    checker = checker_of(service, Call("r", Deadline.after(60)))
    verdict = checker.verdict("INPUT", texts, Deadline.after(60))
    assert not verdict.blocked
    assert checker.record.guardrail_units == len(service.seen)
    return verdict.masked


def test_a_long_text_is_split_at_a_space_and_joined_again() -> None:
    service = Service()
    text = ("word " * 10_000) + "x"

    assert masked(service, [text]) == (text.replace("x", "*"),)
    assert [len(texts) for texts in service.seen] == [1, 1, 1]
    assert all(len(texts[0]) <= MAX_CHARACTERS for texts in service.seen)
    assert all(texts[0].endswith(" ") for texts in service.seen[:-1])


def test_a_text_without_spaces_is_split_too() -> None:
    service = Service()

    assert masked(service, ["a" * (2 * MAX_CHARACTERS + 1)]) is None
    assert [len(texts[0]) for texts in service.seen] == [MAX_CHARACTERS, MAX_CHARACTERS, 1]


def test_several_short_texts_share_a_request() -> None:
    service = Service()

    assert masked(service, ["a", "x", "c"]) == ("a", "*", "c")
    assert service.seen == [["a", "x", "c"]]


def test_texts_whose_masks_come_joined_are_checked_apart() -> None:
    service = Service(joins=True)

    assert masked(service, ["a", "x", "c"]) == ("a", "*", "c")
    assert service.seen == [["a", "x", "c"], ["a"], ["x"], ["c"]]


def test_without_credentials_nothing_passes() -> None:
    service = Service()
    call = Call("r", Deadline.after(60))
    checker = checker_of(service, call, {"AWS_LAMBDA_FUNCTION_NAME": "f"})

    with pytest.raises(GuardrailUnavailableError, match="no AWS credentials"):
        checker.verdict("INPUT", ["a"], Deadline.after(60))
    assert service.seen == []


def test_a_cancelled_call_is_no_outage_of_the_guardrail() -> None:
    class Gone(Service):
        def send(self, *_given: Any) -> HttpResponse:
            raise UpstreamError("the connection was shut")

    call = Call("r", Deadline.after(60))
    call.cancel()

    with pytest.raises(CallCancelledError):
        checker_of(Gone(), call).verdict("INPUT", ["a"], Deadline.after(60))


def test_a_call_that_is_cancelled_in_the_pause_has_no_second_check() -> None:
    class Busy(Service):
        def send(self, request: HttpRequest, *more: Any) -> HttpResponse:
            super().send(request, *more)
            return HttpResponse(503, {}, b"")

    class CancelledInThePause(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            self.set()
            return super().wait(timeout)

    service = Busy()
    call = Call("r", Deadline.after(60), cancelled=CancelledInThePause())

    with pytest.raises(CallCancelledError):
        checker_of(service, call).verdict("OUTPUT", ["a"], Deadline.after(60))
    assert len(service.seen) == 1


@pytest.mark.parametrize("failing", [1, 2])
def test_texts_that_may_pass_without_a_verdict_keep_the_masks_of_earlier_requests(
    failing: int,
) -> None:
    class Failing(Service):
        def send(self, request: HttpRequest, *more: Any) -> HttpResponse:
            if len(self.seen) == failing:
                self.seen.append([])
                return HttpResponse(403, {}, b"{}")
            return super().send(request, *more)

    service = Failing()
    checker = checker_of(service, Call("r", Deadline.after(60)), unavailable="pass")
    long = "x" + "a" * (MAX_CHARACTERS - 1)
    verdict = checker.verdict("INPUT", [long, long, long], Deadline.after(60))

    safe = long.replace("x", "*")
    assert verdict.masked == (*[safe] * failing, *[long] * (3 - failing))
    assert len(service.seen) == failing + 1  # no request follows the failed one
    assert checker.record.guardrail == "unavailable"
