"""Run the fake Bedrock: verify each request, select its route, answer by script or by rule."""

from __future__ import annotations

import json
import re
import socket
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.clients import stub_anthropic, stub_openai, stub_responses
from tests.clients.stub_model import Answer, ChatRequest, RefusalError, reply
from tests.support.bedrock import (
    claude_rules,
    converse,
    embeddings,
    event_stream,
    lists,
    openai_rules,
    security_tokens,
)
from tests.support.bedrock.errors import REQUEST_ID, BedrockError, invalid, refusal
from tests.support.bedrock.models import Model, served
from tests.support.bedrock.signatures import Access, Key, Way
from tests.support.upstream import Received, Script, chunked, raw, upstream
from tests.support.upstream import reply as http_reply

Reply = Callable[[ChatRequest], Answer]
Json = Mapping[str, Any]
_MODEL_PATH = re.compile(r"/model/([^/]+)/(converse|converse-stream|invoke|count-tokens)")
_GUARDRAIL_PATH = re.compile(r"/guardrail/([^/]+)/version/([^/]+)/apply")
_REASONING = "<reasoning>{}</reasoning>"
_CHARACTERS_A_TOKEN = 4


@dataclass(frozen=True, slots=True)
class Midway:
    """A stream that ends with an exception after its first pieces; a whole answer is refused.

    Attributes:
        error: The exception.
        pieces: The number of pieces before it.

    """

    error: BedrockError
    pieces: int = 4


# The response to a request: a refusal, a broken stream, the model's answer, or any bytes.
Scripted = BedrockError | Midway | Answer | Script


@dataclass(frozen=True, slots=True)
class Logged:
    """A logged request: the kind of proof, the caller's key, the headers and the body."""

    method: str
    path: str
    way: Way
    key: Key = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    body: Any = field(repr=False)


@dataclass(slots=True)
class FakeBedrock:
    """Amazon Bedrock.

    Attributes:
        url: The URL of the runtime, of the control plane and of STS.
        access: The accepted credentials.
        upcoming: The responses to the next requests, one each, after the check of credentials.
        fault: The response to every request after these; None: the model's answer.
        reply: The model's answer to the other requests.
        guard: The guardrail: returns the replacement of a text, or None for a harmless one.
        mask: The guardrail's masks: returns the text with masks in it.
        log: The verified requests, also those that are refused later.
        refused: The refusals that no script caused, with the path.

    """

    url: str = ""
    access: Access = field(default_factory=Access)
    upcoming: deque[Scripted] = field(default_factory=deque)
    fault: Scripted | None = None
    reply: Reply = reply
    guard: Callable[[str], str | None] = lambda _text: None
    mask: Callable[[str], str] = lambda text: text
    log: list[Logged] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)

    @property
    def last(self) -> Logged:
        """The last verified request."""
        return self.log[-1]

    def chats(self) -> list[Logged]:
        """Return the logged chats: neither lists nor counts."""
        routes = ("/converse", "/converse-stream", "/messages", "/chat/completions", "/responses")
        return [logged for logged in self.log if logged.path.endswith(routes)]

    def answer(self, connection: socket.socket, received: Received) -> None:
        """Answer one request, as a script of `tests.support.upstream`."""
        path = urlsplit(received.path).path
        try:
            script = self._script(path, received)
        except BedrockError as error:
            self._note(path, error)
            script = refusal(path, error)
        except (RefusalError, KeyError, TypeError, ValueError) as error:
            self._note(path, error)
            script = refusal(path, invalid(f"Malformed input request: {error}"))
        script(connection, received)

    def _note(self, path: str, error: Exception) -> None:
        self.refused.append(f"{path}: {error!r}")

    def _script(self, path: str, received: Received) -> Script:
        method = received.method
        service = "sts" if path == "/" else "bedrock"
        way, key = self.access.checked(method, received, service)
        is_form = path == "/"
        body = dict(parse_qsl(received.body.decode())) if is_form else _json(received)
        self.log.append(Logged(method, path, way, key, received.headers, body))
        scripted = self.upcoming.popleft() if self.upcoming else self.fault
        if isinstance(scripted, BedrockError):
            return refusal(path, scripted)
        if scripted is not None and not isinstance(scripted, Answer | Midway):
            return scripted
        if method == "GET":
            return self._listed(path, received)
        if path == "/":
            return security_tokens.assumed(body, self.access)
        return self._posted(path, received, scripted)

    def _listed(self, path: str, received: Received) -> Script:
        query = dict(parse_qsl(urlsplit(received.path).query))
        if path == "/foundation-models":
            return _whole(lists.foundation_models(self.access.region))
        if path == "/inference-profiles":
            return _whole(lists.inference_profiles(query, self.access.region))
        raise BedrockError("UnknownOperationException", f"no operation GET {path}")

    def _posted(self, path: str, received: Received, scripted: Answer | Midway | None) -> Script:
        body = received.json
        if found := _GUARDRAIL_PATH.fullmatch(path):
            return _whole(self._guarded(body, found[1]))
        if found := _MODEL_PATH.fullmatch(path):
            return self._of_model(found[1], found[2], body, scripted)
        match path:
            case "/anthropic/v1/messages":
                model = served(body["model"], "messages")
                claude_rules.check(model, body, received.headers)
                taken = {name: value for name, value in body.items() if name != "cache_control"}
                headers = {**received.headers, "anthropic-beta": stub_anthropic.MID_CONVERSATION}
                request = stub_anthropic.parse_request("bedrock", taken, headers)
                return self._sent(request, stub_anthropic, scripted)
            case "/openai/v1/chat/completions":
                model = served(body["model"], "chat")
                openai_rules.check_chat(model, body)
                request = stub_openai.parse_request("bedrock", body, received.headers)
                return self._sent(request, stub_openai, scripted, model)
            case "/openai/v1/responses":
                model = served(body["model"], "responses")
                openai_rules.check_responses(model, body)
                request = stub_responses.parse_request("bedrock", body, received.headers)
                return self._sent(request, stub_responses, scripted)
        raise BedrockError("UnknownOperationException", f"no operation POST {path}")

    def _of_model(
        self, name: str, operation: str, body: Json, scripted: Answer | Midway | None
    ) -> Script:
        if operation == "invoke":
            found, count = embeddings.embedded(served(name, "invoke"), body)
            return _whole(found, {"x-amzn-bedrock-input-token-count": str(count)})
        if operation == "count-tokens":
            served(name, "count")
            (given,) = body["input"].values()
            size = len(json.dumps(given))
            return _whole({"inputTokens": size // _CHARACTERS_A_TOKEN})
        model = served(name, "converse")
        request = converse.parse_request(model, body, stream=operation == "converse-stream")
        return self._sent(request, converse, scripted)

    def _sent(
        self,
        request: ChatRequest,
        stub: Any,
        scripted: Answer | Midway | None,
        model: Model | None = None,
    ) -> Script:
        """Write the model's answer, whole or streamed, or break it off."""
        given = scripted if isinstance(scripted, Answer) else self.reply(request)
        if stub in (stub_openai, stub_responses):
            given = replace(given, series="")  # ids by position, from 0 in each answer
        if model is not None and model.id.startswith("openai.gpt-oss"):
            given = _inline(given)
        if not request.stream:
            if isinstance(scripted, Midway):
                raise scripted.error
            return _whole(stub.whole(request, given))
        pieces: Iterable[bytes] = stub.stream(request, given)
        kind = event_stream.CONTENT_TYPE if stub is converse else "text/event-stream"
        if isinstance(scripted, Midway):
            kept = list(pieces)[: scripted.pieces]
            pieces = [*kept, _exception(request, stub, scripted.error)]
        return chunked(pieces, kind, {"x-amzn-RequestId": REQUEST_ID})

    def _guarded(self, body: Json, guardrail: str) -> Json:
        texts = [block["text"]["text"] for block in body["content"] if "text" in block]
        found = [self.guard(text) for text in texts]
        acts = any(text is not None for text in found)
        outputs = [{"text": text} for text in found if text is not None][:1]
        size = sum(map(len, texts))
        masked = [self.mask(text) for text in texts]
        policy: Json = {"contentPolicy": {"filters": [{"type": "HATE", "action": "BLOCKED"}]}}
        if not acts and masked != texts:
            acts, outputs = True, [{"text": text} for text in masked]
            entity = {"type": "EMAIL", "match": "x", "action": "ANONYMIZED"}
            policy = {"sensitiveInformationPolicy": {"piiEntities": [entity]}}
        return {
            "action": "GUARDRAIL_INTERVENED" if acts else "NONE",
            "actionReason": "Guardrail blocked." if acts else "No action.",
            "outputs": outputs,
            "assessments": [{**policy, "appliedGuardrailDetails": {"guardrailId": guardrail}}]
            if acts
            else [],
            "usage": {"contentPolicyUnits": -(-size // 1000)},
            "guardrailCoverage": {"textCharacters": {"guarded": size, "total": size}},
        }


@contextmanager
def fake_bedrock() -> Iterator[FakeBedrock]:
    """Run Bedrock while the block lasts."""
    with upstream(raw(b"")) as server:
        bedrock = FakeBedrock(server.url)
        server.script = bedrock.answer
        yield bedrock


def _json(received: Received) -> Any:
    return received.json if received.body else None


def _whole(body: Json, headers: Mapping[str, str] | None = None) -> Script:
    kind = {"Content-Type": "application/json", "x-amzn-RequestId": REQUEST_ID}
    return http_reply(body, 200, {**kind, **(headers or {})})


def _inline(answer: Answer) -> Answer:
    """Write the thinking at the head of the text, as gpt-oss does."""
    if not answer.thinking:
        return answer
    text = f"{_REASONING.format(answer.thinking)}{answer.text}"
    return Answer(text, answer.calls, series=answer.series)


def _exception(request: ChatRequest, stub: Any, error: BedrockError) -> bytes:
    """Return the event of an exception in a stream, as the stream's dialect has it."""
    if stub is converse:
        return converse.exception(error)
    if stub is stub_anthropic:
        return bytes(stub_anthropic.error_event(error))
    if stub is stub_responses:
        return bytes(stub_responses.error_event(request, error))
    return bytes(stub_openai.error_event("bedrock", error))
