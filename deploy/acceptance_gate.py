"""Check the six points of the acceptance gate over HTTP, as a caller.

The checks use the gateway's default provider.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import urllib3

# Covers a cold start and the loading of a model.
_READ_SECONDS = 120.0
# Thinking tokens count as output tokens, so the limit leaves room for both.
_MAX_TOKENS = 1000
_NOT_CHAT = re.compile(r"embed|image|audio|speech|tts|whisper|rerank|moderation|guard|ocr")
_CHEAP = re.compile(r"(?:^|[-_:./])(?:llama3\.2|mini|flash|small|haiku|lite|nano)(?:$|[-_:./])")


class CheckFailed(AssertionError):  # noqa: N818  # an assertion that does not hold
    """Report a failed point. The message contains the reply."""


class CheckSkipped(Exception):  # noqa: N818  # not an error
    """Report an inapplicable point. The message contains the reason."""


@dataclass(frozen=True, slots=True)
class Reply:
    """Hold a reply of the gateway; `body` is None if the reply is not a JSON object."""

    status: int
    body: Mapping[str, Any] | None

    def __str__(self) -> str:
        return f"{self.status} {json.dumps(self.body, ensure_ascii=False)[:400]}"

    @property
    def error(self) -> Mapping[str, Any]:
        """Return the error in the body, or an empty mapping."""
        error = (self.body or {}).get("error")
        return error if isinstance(error, dict) else {}


@dataclass(frozen=True, slots=True)
class Client:
    """Call one gateway.

    Attributes:
        url: The URL before `/v1/chat`.
        model: A bare model name that the default provider serves.
        key: The caller's key; None sends no key.
        providers: The expected providers; None accepts any.
        sign: Returns the headers that sign a request, for AuthMode AWS_IAM.

    """

    url: str
    model: str
    key: str | None = field(default=None, repr=False)
    providers: frozenset[str] | None = None
    sign: Callable[[str, str, bytes | None], Mapping[str, str]] | None = None

    def provider_list(self) -> Mapping[str, Any]:
        """Fetch the list of providers."""
        reply = self._send("GET", "/v1/chat/providers")
        expect(reply.status == 200 and reply.body is not None, "the list of providers", reply)  # noqa: PLR2004  # OK
        return reply.body or {}

    def default_provider(self) -> str:
        """Fetch the name of the default provider.

        Raises:
            CheckFailed: If no provider is registered; the message says what to do.

        """
        default = self.provider_list().get("default")
        if default is None:
            raise CheckFailed(
                "no provider is registered: write a key with make keys (functions use it within"
                " five minutes), or deploy with PARAMS='OllamaUrl=…'"
            )
        return str(default)

    def chat_models(self, provider: str) -> list[str]:
        """List the bare names of a provider's chat models, cheap models first."""
        reply = self._send("GET", "/v1/models")
        listed = (reply.body or {}).get("data") or []
        names = [
            str(model.get("id", "")).removeprefix(f"{provider}/")
            for model in listed
            if isinstance(model, dict) and model.get("owned_by") == provider
        ]
        chat_models = [name for name in names if name and not _NOT_CHAT.search(name)]
        return sorted(chat_models, key=lambda name: _CHEAP.search(name) is None)

    def chat(self, **request: Any) -> Reply:
        """Send a short chat with the given request fields."""
        turn = {"role": "user", "content": "Answer with the word ready."}
        return self._send(
            "POST", "/v1/chat", {"messages": [turn], "max_tokens": _MAX_TOKENS, **request}
        )

    def _send(self, method: str, path: str, body: object = None) -> Reply:
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
                timeout=urllib3.Timeout(connect=5, read=_READ_SECONDS),
                retries=False,
                redirect=False,
            )
        except urllib3.exceptions.HTTPError as error:
            raise CheckFailed(f"{self.url} could not be reached: {error}") from None
        try:
            answer = json.loads(response.data)
        except ValueError:
            answer = None
        return Reply(response.status, answer if isinstance(answer, dict) else None)


def expect(holds: bool, expected: str, reply: object) -> None:  # noqa: FBT001  # an assertion
    """Raise CheckFailed with the reply unless the condition holds."""
    if not holds:
        raise CheckFailed(f"expected {expected}, got {reply}")


def check_provider_list(client: Client) -> None:
    """Check point 1: the list has each provider once and names the default provider."""
    listed = client.provider_list()
    names = [entry.get("name") for entry in listed.get("providers", [])]
    expect(client.default_provider() in names, "the default provider in the list", listed)
    expect(len(names) == len(set(names)), "each provider once", listed)
    for entry in listed["providers"]:
        expect(
            {"name", "available", "prefixes", "dialect"} <= set(entry), "a complete entry", entry
        )
    if client.providers is not None:
        expect(set(names) == client.providers, f"exactly {sorted(client.providers)}", names)


def check_bare_model(client: Client) -> None:
    """Check point 2: the default provider answers for a bare model name."""
    reply = client.chat(model=client.model)
    body = reply.body or {}
    expect(reply.status == 200, "200", reply)  # noqa: PLR2004  # OK
    expect(body.get("provider") == client.default_provider(), "the default provider", reply)
    expect(bool(body.get("content")), "content", reply)
    for count in ("input_tokens", "output_tokens"):
        expect(isinstance(body.get(count), int) and body[count] > 0, f"{count} > 0", reply)
    expect(isinstance(body.get("latency_ms"), int | float), "latency_ms", reply)


def check_prefix_stripped(client: Client) -> None:
    """Check point 3: for `<provider>/<m>` the upstream receives `<m>`.

    Ollama returns the requested model name. Other providers may return a dated version of the name.
    """
    default = client.default_provider()
    reply = client.chat(model=f"{default}/{client.model}")
    body = reply.body or {}
    expect(reply.status == 200, "200", reply)  # noqa: PLR2004  # OK
    expect(body.get("provider") == default, f"provider {default!r}", reply)
    if default == "ollama":
        expect(body.get("model") == client.model, f"model {client.model!r}", reply)
    expect(not str(body.get("model")).startswith(f"{default}/"), "no prefix", reply)


def check_cloud_without_key(client: Client) -> None:
    """Check point 4: `<m>:cloud` is 404 without a key for Ollama Cloud."""
    if "ollama_cloud" in (entry["name"] for entry in client.provider_list()["providers"]):
        raise CheckSkipped("ollama_cloud is registered, so the gateway would serve the model")
    reply = client.chat(model=f"{client.model}:cloud")
    expect(reply.status == 404, "404", reply)  # noqa: PLR2004  # not found
    expect(reply.error.get("code") == "model_not_found", "code 'model_not_found'", reply)


def check_unknown_prefix(client: Client) -> None:
    """Check point 5: the default provider receives `unknown/<m>`; a 404 becomes 502."""
    default = client.default_provider()
    reply = client.chat(model=f"unknown/{client.model}")
    expect(reply.error.get("provider") == default, f"an error of {default!r}", reply)
    if default == "ollama":
        expect(reply.status == 502, "502", reply)  # noqa: PLR2004  # bad gateway
        expect(reply.error.get("upstream_status") == 404, "upstream_status 404", reply)  # noqa: PLR2004  # not found


def check_model_required(client: Client) -> None:
    """Check point 6: a chat without a model is 400 and names the missing field."""
    reply = client.chat()
    expect(reply.status == 400, "400", reply)  # noqa: PLR2004  # bad request
    expect(reply.error.get("param") == "model", "param 'model'", reply)


POINTS: list[tuple[str, Callable[[Client], None]]] = [
    ("1 the list has exactly the registered providers", check_provider_list),
    ("2 the default provider answers for a bare model name", check_bare_model),
    ("3 <default provider>/<m>: the upstream receives <m>", check_prefix_stripped),
    ("4 <m>:cloud without a key: 404", check_cloud_without_key),
    ("5 unknown/<m> reaches the default provider, its 404 becomes 502", check_unknown_prefix),
    ("6 no model: 400", check_model_required),
]
