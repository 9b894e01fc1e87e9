"""Check the six points of the acceptance gate over HTTP, as a caller.

The points are asked of the gateway's own default provider, whichever that is.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import urllib3

# A cold start and a model that is being loaded come before the first answer.
_SECONDS = 120.0
# Thinking counts as output: a model that thinks first must still come to its answer.
_MOST_TOKENS = 1000
_ANOTHER_DUTY = re.compile(r"embed|image|audio|speech|tts|whisper|rerank|moderation|guard|ocr")
_CHEAP = re.compile(r"(?:^|[-_:./])(?:llama3\.2|mini|flash|small|haiku|lite|nano)(?:$|[-_:./])")


class CheckFailed(AssertionError):  # noqa: N818  # an assertion that does not hold
    """A point does not hold. The message has the reply."""


class Skipped(Exception):  # noqa: N818  # not an error
    """A point does not apply to this deployment. The message has the reason."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply of the gateway; `body` is None if it was not a JSON object."""

    status: int
    body: Mapping[str, Any] | None

    def __str__(self) -> str:
        return f"{self.status} {json.dumps(self.body, ensure_ascii=False)[:400]}"

    @property
    def error(self) -> Mapping[str, Any]:
        """The error in the body; empty if there is none."""
        error = (self.body or {}).get("error")
        return error if isinstance(error, dict) else {}


@dataclass(frozen=True, slots=True)
class Client:
    """A caller of one gateway.

    Attributes:
        url: What comes before `/v1/chat`.
        key: The caller's key, if one is asked for.
        model: A bare model name that the default provider knows.
        providers: The providers that must be registered, if that is known.
        sign: Gives the headers that sign a request, where AuthMode is AWS_IAM.

    """

    url: str
    model: str
    key: str | None = field(default=None, repr=False)
    providers: frozenset[str] | None = None
    sign: Callable[[str, str, bytes | None], Mapping[str, str]] | None = None

    def listed(self) -> Mapping[str, Any]:
        """The list of providers, which must be there."""
        reply = self._ask("GET", "/v1/chat/providers")
        expect(reply.status == 200 and reply.body is not None, "the list of providers", reply)  # noqa: PLR2004  # OK
        return reply.body or {}

    def default(self) -> str:
        """Get the default provider's name.

        Raises:
            CheckFailed: If no provider is registered, with what to do.

        """
        default = self.listed().get("default")
        if default is None:
            raise CheckFailed(
                "no provider is registered: write a key with make keys (a function sees it within"
                " five minutes), or deploy with PARAMS='OllamaUrl=…'"
            )
        return str(default)

    def models_of(self, provider: str) -> list[str]:
        """List a provider's models by their bare names, those for a cheap chat first."""
        reply = self._ask("GET", "/v1/models")
        listed = (reply.body or {}).get("data") or []
        names = [
            str(model.get("id", "")).removeprefix(f"{provider}/")
            for model in listed
            if isinstance(model, dict) and model.get("owned_by") == provider
        ]
        chats = [name for name in names if name and not _ANOTHER_DUTY.search(name)]
        return sorted(chats, key=lambda name: _CHEAP.search(name) is None)

    def chat(self, **request: Any) -> Reply:
        """Ask for a few words; `model` as given."""
        turn = {"role": "user", "content": "Answer with the word ready."}
        return self._ask(
            "POST", "/v1/chat", {"messages": [turn], "max_tokens": _MOST_TOKENS, **request}
        )

    def _ask(self, method: str, path: str, body: object = None) -> Reply:
        url = self.url.rstrip("/") + path
        content = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"}
        if self.sign:
            headers.update(self.sign(method, url, content))
        elif self.key:
            headers["Authorization"] = f"Bearer {self.key}"
        try:
            response = urllib3.request(
                method,
                url,
                body=content,
                headers=headers,
                timeout=urllib3.Timeout(connect=5, read=_SECONDS),
                retries=False,
                redirect=False,
            )
        except urllib3.exceptions.HTTPError as error:
            raise CheckFailed(f"{self.url} could not be asked: {error}") from None
        try:
            answer = json.loads(response.data)
        except ValueError:
            answer = None
        return Reply(response.status, answer if isinstance(answer, dict) else None)


def expect(holds: bool, what: str, reply: object) -> None:  # noqa: FBT001  # an assertion
    """Raise CheckFailed unless it holds."""
    if not holds:
        raise CheckFailed(f"expected {what}, got {reply}")


def exactly_the_registered_providers(client: Client) -> None:
    """(1) The list is whole, has each provider once, and names the default."""
    listed = client.listed()
    names = [entry.get("name") for entry in listed.get("providers", [])]
    expect(client.default() in names, "the default among the providers", listed)
    expect(len(names) == len(set(names)), "each provider once", listed)
    for entry in listed["providers"]:
        expect({"name", "available", "prefixes", "dialect"} <= set(entry), "a whole entry", entry)
    if client.providers is not None:
        expect(set(names) == client.providers, f"exactly {sorted(client.providers)}", names)


def a_bare_model_answers(client: Client) -> None:
    """(2) A bare model answers from the default provider, with content, tokens and latency."""
    reply = client.chat(model=client.model)
    body = reply.body or {}
    expect(reply.status == 200, "200", reply)  # noqa: PLR2004  # OK
    expect(body.get("provider") == client.default(), "the default provider", reply)
    expect(bool(body.get("content")), "content", reply)
    for count in ("input_tokens", "output_tokens"):
        expect(isinstance(body.get(count), int) and body[count] > 0, f"{count} > 0", reply)
    expect(isinstance(body.get("latency_ms"), int | float), "latency_ms", reply)


def the_prefix_is_stripped(client: Client) -> None:
    """(3) For `<provider>/<m>` the upstream sees `<m>`: asked of the default provider.

    Ollama names the model that it was asked for. Another provider may name a dated version of it.
    """
    default = client.default()
    reply = client.chat(model=f"{default}/{client.model}")
    body = reply.body or {}
    expect(reply.status == 200, "200", reply)  # noqa: PLR2004  # OK
    expect(body.get("provider") == default, f"provider {default!r}", reply)
    if default == "ollama":
        expect(body.get("model") == client.model, f"model {client.model!r}", reply)
    expect(not str(body.get("model")).startswith(f"{default}/"), "no prefix", reply)


def no_cloud_key_no_cloud(client: Client) -> None:
    """(4) `<m>:cloud` without a cloud key is 404."""
    if "ollama_cloud" in (entry["name"] for entry in client.listed()["providers"]):
        raise Skipped("ollama_cloud is registered here, so the model would be served")
    reply = client.chat(model=f"{client.model}:cloud")
    expect(reply.status == 404, "404", reply)  # noqa: PLR2004  # not found
    expect(reply.error.get("code") == "model_not_found", "code 'model_not_found'", reply)


def an_unknown_prefix_is_no_prefix(client: Client) -> None:
    """(5) `unknown/<m>` reaches the default provider whole, and its 404 comes back as 502."""
    default = client.default()
    reply = client.chat(model=f"unknown/{client.model}")
    expect(reply.error.get("provider") == default, f"an error of {default!r}", reply)
    if default == "ollama":
        expect(reply.status == 502, "502", reply)  # noqa: PLR2004  # bad gateway
        expect(reply.error.get("upstream_status") == 404, "upstream_status 404", reply)  # noqa: PLR2004  # not found


def a_model_is_needed(client: Client) -> None:
    """(6) A chat without a model is 400, and says which field is missing."""
    reply = client.chat()
    expect(reply.status == 400, "400", reply)  # noqa: PLR2004  # bad request
    expect(reply.error.get("param") == "model", "param 'model'", reply)


POINTS: list[tuple[str, Callable[[Client], None]]] = [
    ("1 the list holds exactly the registered providers", exactly_the_registered_providers),
    ("2 a bare model answers", a_bare_model_answers),
    ("3 <default provider>/<m>: the upstream sees <m>", the_prefix_is_stripped),
    ("4 <m>:cloud without a key: 404", no_cloud_key_no_cloud),
    ("5 unknown/<m> goes on whole, its 404 comes back as 502", an_unknown_prefix_is_no_prefix),
    ("6 no model: 400", a_model_is_needed),
]
